import LaminaGraph
import Testing

/// Every refusal names the node, what it got and what it wants.
struct GraphErrorTests {
    private func text(_ definition: GraphDefinition) -> String {
        do {
            _ = try Graph(definition, registry: registry)
            return "no error"
        } catch {
            return error.text
        }
    }

    @Test func unknownReference() {
        let graph = definition(
            input: [.symbol("N"), .fixed(5)], [("fc1", "core.dense", ["units": 3], ["inptu"])], outputs: ["fc1"])
        #expect(text(graph) == "node 'fc1' reads 'inptu', which does not exist; did you mean 'input'?")
    }

    @Test func laterReferenceIsACycle() {
        let graph = definition(
            input: [.symbol("N"), .fixed(5)],
            [("a", "core.add", [:], ["input", "b"]), ("b", "core.add", [:], ["a", "input"])], outputs: ["b"])
        #expect(text(graph) == "node 'a' reads 'b', which comes later or is itself: nodes have to be in order")
    }

    @Test func missingPlugin() {
        let graph = definition(
            input: [.symbol("N"), .fixed(5)], [("x", "vision.magic", [:], ["input"])], outputs: ["x"])
        #expect(
            text(graph).hasPrefix(
                "vision.magic \"x\": layer 'vision.magic' needs plugin 'vision', which is not installed"))
    }

    @Test func badAttribute() {
        let graph = definition(
            input: [.symbol("N"), .fixed(5)], [("fc1", "core.dense", ["unit": 3], ["input"])], outputs: ["fc1"])
        #expect(text(graph) == "core.dense \"fc1\": unknown attribute 'unit'; did you mean 'units'?")
    }

    @Test func wrongInputShape() throws {
        let graph = try Graph(
            definition(
                input: [.symbol("N"), .fixed(5)], [("fc1", "core.dense", ["units": 3], ["input"])], outputs: ["fc1"]),
            registry: registry)
        let network = Network(graph, try ParameterStore(graph))
        #expect(throws: GraphError.self) { try network.plan(.init(inputs: [[2, 6]])) }
        do {
            _ = try network.plan(.init(inputs: [[2, 6]]))
        } catch {
            #expect(error.text == "input 'input' has shape [2, 6], wanted [N, 5]")
        }
    }

    @Test func wrongNumberOfInputs() {
        let graph = definition(
            input: [.symbol("N"), .fixed(5)], [("fc1", "core.dense", ["units": 3], ["input", "input"])],
            outputs: ["fc1"])
        #expect(text(graph) == "core.dense \"fc1\": got 2 inputs, wanted 1 (input)")
    }
}
