import LaminaFormats
import Testing

@testable import LaminaGraph

/// Parts of graphs, which tasks have computed: which values they take their parameters from.
@Suite struct PartTests {
    /// Two normalisations that share weights, beside nodes whose names look like parameters of theirs.
    private func graph() throws -> Graph {
        var whole = definition(
            input: [.symbol("N"), .fixed(4)],
            [
                ("a", "core.batch_norm1d", [:], ["input"]), ("a.b", "core.dense", ["units": 4], ["a"]),
                ("x", "core.batch_norm1d", [:], ["a.b"]), ("x.b", "core.dense", ["units": 4], ["x"]),
            ], outputs: ["x.b"])
        whole.nodes[2].sharesParametersOf = "a"
        return try Graph(whole, registry: registry)
    }

    @Test func sharedParametersAreThoseOfTheOwner() throws {
        let part = try graph().part(wanted: [.init("x.b")], given: [.init("a.b")])
        #expect(part.definition.nodes.map(\.name) == ["x", "x.b"])
        #expect(part.definition.nodes[0].sharesParametersOf == nil)
        // Statistics are each node's own, and "x.b.weight" is that of "x.b".
        #expect(part.origins == ["x.weight": "a.weight", "x.bias": "a.bias"])
        let made = try Graph(part.definition, registry: registry)
        #expect(made.parameters.map(\.name) == ["x.weight", "x.bias", "x.b.weight", "x.b.bias"])
    }

    @Test func anOwnerThatIsThereKeepsSharing() throws {
        let part = try graph().part(wanted: [.init("x")], given: [.init("input")])
        #expect(part.definition.nodes.map(\.name) == ["a", "a.b", "x"] && part.origins.isEmpty)
        #expect(part.definition.nodes[2].sharesParametersOf == "a")
    }

    /// What the owner has not, is the node's own: a product with the weight of another layer, with a bias.
    @Test func partlySharedParameters() throws {
        var whole = definition(
            input: [.symbol("N"), .fixed(4)],
            [
                ("a", "core.dense", ["units": 4, "bias": false], ["input"]), ("a.b", "core.relu", [:], ["a"]),
                ("a.c", "core.dense", ["units": 4], ["a.b"]),
            ], outputs: ["a.c"])
        whole.nodes[2].sharesParametersOf = "a"
        let graph = try Graph(whole, registry: registry)
        #expect(graph.parameters.map(\.name) == ["a.weight", "a.c.bias"])
        #expect(graph.parameterCount == 20)
        let part = try graph.part(wanted: [.init("a.c")], given: [.init("a.b")])
        #expect(part.origins == ["a.c.weight": "a.weight"])
        #expect(try Graph(part.definition, registry: registry).parameters.map(\.name) == ["a.c.weight", "a.c.bias"])
        // One at least is shared, and of the owner itself.
        whole.nodes[0].component = "core.layer_norm"
        whole.nodes[0].attributes = ["affine": false]
        let none = #expect(throws: GraphError.self) { try Graph(whole, registry: registry) }
        #expect(none?.text == "node 'a.c' shares 'a.weight', which does not exist")
        var chain = definition(
            input: [.symbol("N"), .fixed(4)],
            [
                ("a", "core.dense", ["units": 4, "bias": false], ["input"]), ("b", "core.dense", ["units": 4], ["a"]),
                ("c", "core.dense", ["units": 4], ["b"]),
            ], outputs: ["c"])
        chain.nodes[1].sharesParametersOf = "a"
        chain.nodes[2].sharesParametersOf = "b"
        let chained = #expect(throws: GraphError.self) { try Graph(chain, registry: registry) }
        #expect(chained?.text == "node 'c' shares 'b.weight', which does not exist")
    }

    @Test func carriedInputsComeLast() throws {
        var carrying = definition(
            input: [.symbol("N"), .fixed(4)], [("sum", "core.add", [:], ["state", "input"])], outputs: ["sum"])
        carrying.inputs.append(.init("state", .float32, [.symbol("N"), .fixed(4)]))
        carrying.carries = [.init("state", from: "sum")]
        _ = try Graph(carrying, registry: registry)
        carrying.inputs.reverse()
        let error = #expect(throws: GraphError.self) { try Graph(carrying, registry: registry) }
        #expect(
            error?.text
                == "input 'state', which is carried, stands before 'input', which is not: carried inputs come last")
    }
}
