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
