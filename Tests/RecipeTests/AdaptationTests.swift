import LaminaGraph
import Testing

@testable import LaminaRecipe

/// Networks that begin with another: what is put in the place of nodes and behind nodes, and what recipes say of it.
@Suite struct AdaptationTests {
    private func lines(_ definition: GraphDefinition) -> [String] {
        definition.nodes.map { node in
            "\(node.name) = \(node.component)(\(node.inputs.map { $0?.description ?? "-" }.joined(separator: ", ")))"
        }
    }

    private static let layers = """
        - test.linear: { units: 4 }
          name: a
        - test.bend
        - test.linear: { units: 4 }
          name: b
        - test.add:
          from: [b, a]
          name: sum
        """

    private func adapted(_ keys: String, rest: String = "") throws -> GraphDefinition {
        try graph(
            model(
                Self.layers, rest: keys.split(separator: "\n").map { "  " + $0 }.joined(separator: "\n") + "\n" + rest))
    }

    @Test func aLayerBehindNodes() throws {
        let definition = try adapted("adapt: [ { test.bend: , to: [a, sum] } ]", rest: "loss: test.squared")
        #expect(
            lines(definition) == [
                "a = test.linear(input)", "a.bend = test.bend(a)", "bend_1 = test.bend(a.bend)",
                "b = test.linear(bend_1)",
                "sum = test.add(b, a.bend)", "sum.bend = test.bend(sum)",
            ])
        #expect(definition.outputs == [.init("output", .init("sum.bend"))])
        #expect(definition.loss?.inputs == [.init("sum.bend"), .init("target")])
    }

    @Test func oneThatTakesInputAndOutput() throws {
        let definition = try adapted("adapt:\n- test.add:\n  to: [a, b]\n- test.bend:\n  to: b")
        #expect(
            lines(definition) == [
                "a = test.linear(input)", "a.add = test.add(input, a)", "bend_1 = test.bend(a.add)",
                "b = test.linear(bend_1)", "b.add = test.add(bend_1, b)", "b.bend = test.bend(b.add)",
                "sum = test.add(b.bend, a.add)",
            ])
        // Its optional inputs stay unconnected, and what it takes from before is adapted, too.
        #expect(
            try lines(adapted("adapt: { test.attend: , to: [a, sum] }")).suffix(2) == [
                "sum = test.add(b, a.attend)", "sum.attend = test.attend(b, -, sum)",
            ])
    }

    @Test func namesThatAreTaken() throws {
        let definition = try adapted("adapt:\n- test.bend:\n  to: a\n- test.bend:\n  to: a")
        #expect(definition.nodes.map(\.name) == ["a", "a.bend", "a.bend_2", "bend_1", "b", "sum"])
        #expect(definition.nodes[2].inputs == [.init("a.bend")])
    }

    @Test func anotherLayerInTheSamePlace() throws {
        let definition = try adapted("replace: { b: { test.linear: { units: 4, bias: false } } }")
        #expect(lines(definition)[2] == "b = test.linear(bend_1)")
        #expect(definition.nodes[2].attributes == ["units": 4, "bias": false])
    }

    /// A recipe without layers changes the network that it is given.
    @Test func theBaseIsTheNetwork() throws {
        var base = try graph(model(Self.layers, rest: "loss: test.squared"))
        base.nodes[0].isFrozen = true
        let recipe = try parse("lamina: 1\nfrom: b.lamina\nmodel: { adapt: { test.bend: , to: \"?\" } }\n")
        #expect(recipe.base?.path == "/folder/b.lamina")
        let definition = try recipe.graph(TestCatalogue.registry, base: base)
        #expect(definition.nodes.map(\.name) == ["a", "a.bend", "bend_1", "b", "b.bend", "sum"])
        #expect(definition.nodes.allSatisfy { !$0.isFrozen })
        #expect(definition.loss == base.loss && definition.inputs == base.inputs)
        // Everything that the recipe says is written and read back.
        let text = """
            lamina: 1
            from: /there/b.lamina
            model:
              frozen: ["a.*", b.bias]
              replace:
                b: { test.linear: { units: 2 }, initializers: { weight: test.bell } }
              adapt:
                - test.bend:
                  to: [a, "s*"]
            """
        let full = try parse(text)
        #expect(try parse(full.text()) == full)
        #expect(full.model.adaptation.frozen?.map(\.text) == ["a.*", "b.bias"])
    }

    @Test(arguments: [
        ("adapt: { test.bend: , to: c }", "'to': no node of the network is named 'c'; did you mean 'a'?"),
        ("adapt: { test.bend: }", "say beside 'test.bend' with 'to' behind which nodes it is put"),
        ("adapt: { test.join: , to: a }", "'test.join' takes inputs; wanted a layer of one input"),
        ("adapt: { test.residual: { units: 2 }, to: a }", "'test.residual' is a block, wanted a layer"),
        ("adapt: 5", "'adapt' is a list of layers with 'to', got 5"),
        ("replace: { c: test.bend }", "'replace': the network has no node 'c'"),
        ("replace: { sum: { test.attend: , to: a } }", "has no key 'to'"),
        ("replace: [a]", "'replace' is a mapping from nodes to the layers in their place, got a list"),
        ("frozen: { a: b }", "'frozen': wanted a list of patterns, got a mapping"),
        ("frozen: [\"\"]", "'frozen': wanted a pattern of parameter names, got nothing"),
    ])
    func mistakes(keys: String, expected: String) {
        let got = message { _ = try adapted(keys) }
        #expect(got.contains(expected), "\(got)")
    }

    @Test(arguments: [
        ("lamina: 1\nfrom: [a]\n", "recipe.yaml:2:7: 'from': wanted a text, got a list"),
        ("lamina: 1\nfrom: \"\"\n", "'from': wanted the path of an archive, got nothing"),
        ("lamina: 1\nfrom: b.lamina\nmodel: { outputs: [a] }\n", "'outputs' goes with 'layers'"),
    ])
    func mistakesOfBases(text: String, expected: String) {
        let got = message { _ = try parse(text) }
        #expect(got.contains(expected), "\(got)")
    }
}
