import LaminaFormats
import LaminaGraph
import LaminaHost
import LaminaSDK
import Testing

@testable import LaminaRecipe

/// From layers and blocks to nodes: names, connections, versions, repeats.
@Suite struct GraphBuilderTests {
    /// "name = component(inputs)", one per node.
    func lines(_ definition: GraphDefinition) -> [String] {
        definition.nodes.map { node in
            let inputs = node.inputs.map { $0?.description ?? "-" }.joined(separator: ", ")
            return "\(node.name) = \(node.component)(\(inputs))"
        }
    }

    @Test func aChain() throws {
        let definition = try graph(
            model("- test.linear: { units: 3 }\n- test.bend\n- test.linear: { units: 2 }", rest: "loss: test.squared"))
        #expect(
            lines(definition) == [
                "linear_1 = test.linear(input)", "bend_1 = test.bend(linear_1)", "linear_2 = test.linear(bend_1)",
            ])
        #expect(definition.inputs == [.init("input", .float32, [.symbol("N"), .fixed(4)])])
        #expect(definition.outputs == [.init("output", .init("linear_2"))])
        #expect(definition.nodes[0].attributes == ["units": 3, "bias": true])
        #expect(definition.nodes[0].version == 3)
        #expect(definition.nodes.allSatisfy { $0.kind == "layer" })
        #expect(
            definition.loss
                == .init(
                    name: "loss", kind: "loss", component: "test.squared", version: 1,
                    attributes: ["reduction": "mean"],
                    inputs: [.init("linear_2"), .init("target")]))
    }

    @Test func everyKeyArrivesInTheGraph() throws {
        let definition = try graph(fullRecipe)
        #expect(
            lines(definition) == [
                "first = test.linear(input)", "bend_1 = test.bend(first)",
                "detour.0.linear1 = test.linear(bend_1)", "detour.0.bend = test.bend(detour.0.linear1)",
                "detour.0.linear2 = test.linear(detour.0.bend)", "detour.0.add = test.add(detour.0.linear2, bend_1)",
                "detour.1.linear1 = test.linear(detour.0.add)", "detour.1.bend = test.bend(detour.1.linear1)",
                "detour.1.linear2 = test.linear(detour.1.bend)",
                "detour.1.add = test.add(detour.1.linear2, detour.0.add)",
                "linear_1 = test.linear(detour.1.add)", "add_1 = test.add(linear_1, detour.1.linear2)",
                "look = test.attend(add_1, -, bend_1)",
            ])
        #expect(definition.outputs.map(\.description) == ["look: look", "first: first"])
        #expect(
            definition.nodes[0].initializers == [
                "weight": .init("test.bell", ["deviation": 0.1]), "bias": .init("test.bell", ["deviation": 1.0]),
            ])
        let shared = try #require(definition.nodes.first { $0.name == "linear_1" })
        #expect(shared.sharesParametersOf == "first")
        #expect(shared.isFrozen)
        #expect(definition.loss?.inputs == [.init("look"), .init("target")])
        #expect(try GraphDefinition(json: definition.json) == definition)
    }

    /// A sole block without prefix gives the parameter names that other frameworks have.
    @Test func blocksWithAndWithoutPrefix() throws {
        let plain = [
            "stem", "layer1.0.linear1", "layer1.0.bend", "layer1.0.linear2", "layer1.0.add", "layer1.0.bend_out",
        ]
        func names(_ extra: String) throws -> [String] {
            try graph(model("- test.tower: { stages: [1] }\n\(extra)")).nodes.map(\.name)
        }
        #expect(try names("  name: \"\"") == plain)
        #expect(try names("  name: net") == plain.map { "net." + $0 })
        #expect(try names("") == plain.map { "tower_1." + $0 })
    }

    @Test func blocksSayWhichParametersAreSharedAndHowTheyBegin() throws {
        let definition = try graph(model("- test.tied:\n  name: net"))
        let last = try #require(definition.nodes.first { $0.name == "net.out" })
        #expect(last.sharesParametersOf == "net.inner.linear1")
        let first = try #require(definition.nodes.first { $0.name == "net.first" })
        #expect(first.initializers == ["weight": .init("test.bell", ["deviation": 0.02])])
    }

    @Test func blocksAreReferredToByNameAndByTheirNodes() throws {
        let definition = try graph(
            model(
                """
                - test.residual: { units: 4 }
                  name: a
                  frozen: true
                - test.add:
                  from: ["a:1", a.linear1]
                - test.add:
                  from: [a, input]
                """))
        #expect(
            lines(definition).suffix(2) == [
                "add_1 = test.add(a.linear2, a.linear1)", "add_2 = test.add(a.bend_out, input)",
            ])
        #expect(definition.nodes.prefix(5).allSatisfy { $0.isFrozen })
        #expect(!definition.nodes[5].isFrozen)
    }

    @Test func repeats() throws {
        let named = try graph(
            model("- test.linear: { units: 4 }\n  name: l\n  repeat: 3\n- test.bend\n- test.add:\n  from: [bend_1, l]"))
        #expect(
            lines(named) == [
                "l.0 = test.linear(input)", "l.1 = test.linear(l.0)", "l.2 = test.linear(l.1)",
                "bend_1 = test.bend(l.2)",
                "add_1 = test.add(bend_1, l.2)",
            ])
        let automatic = try graph(model("- test.bend:\n  repeat: 2\n- test.bend"))
        #expect(
            lines(automatic) == [
                "bend_1 = test.bend(input)", "bend_2 = test.bend(bend_1)", "bend_3 = test.bend(bend_2)",
            ])
        let several = try graph(model("- test.bend\n- test.add:\n  from: [bend_1, input]\n  repeat: 2"))
        #expect(lines(several).suffix(2) == ["add_1 = test.add(bend_1, input)", "add_2 = test.add(add_1, input)"])
    }

    @Test func automaticNamesLeaveGivenOnesFree() throws {
        let definition = try graph(model("- test.bend\n- test.bend:\n  name: bend_1\n- test.bend"))
        #expect(definition.nodes.map(\.name) == ["bend_2", "bend_1", "bend_3"])
    }

    @Test func severalInputsAndOutputs() throws {
        let definition = try graph(
            """
            lamina: 1
            model:
              input: { a: [4], b: { shape: [4], dtype: int64 } }
              layers:
                - test.bend:
                  from: a
                - test.join:
                  from: [bend_1, b, a]
              outputs: { joined: join_1, bent: bend_1 }
            loss: { test.squared: , from: bend_1 }
            """)
        #expect(lines(definition) == ["bend_1 = test.bend(a)", "join_1 = test.join(bend_1, b, a)"])
        #expect(definition.outputs == [.init("joined", .init("join_1")), .init("bent", .init("bend_1"))])
        #expect(definition.loss?.inputs == [.init("bend_1"), .init("target")])
    }

    @Test func theTargetGoesWhereTheLossHasIt() throws {
        func inputs(_ loss: String) throws -> [String]? {
            try graph(model("- test.bend", rest: "loss: \(loss)")).loss?.inputs.map { $0?.description ?? "-" }
        }
        #expect(try inputs("test.weighted") == ["bend_1", "target"])
        #expect(try inputs("{ test.weighted: , from: [bend_1, input] }") == ["bend_1", "target", "input"])
        #expect(
            message { _ = try inputs("{ test.squared: , from: [bend_1, input] }") }
                == "recipe.yaml:6:9: 'test.squared' takes 2 inputs (prediction, target), got 3: name them with "
                + "'from: [prediction]'"
        )
    }

    @Test(
        arguments: [
            ("- test.bend:\n  from: bnd", "6:13", "there is no layer or input 'bnd' above"),
            (
                "- test.bend\n- test.bend:\n  from: bend1", "7:13",
                "there is no layer or input 'bend1' above; did you mean 'bend_1'?"
            ),
            (
                "- test.bend:\n  from: later\n- test.bend:\n  name: later", "6:13",
                "'later' stands below; a layer takes what stands above it"
            ),
            ("- test.bend:\n  from: \"input:1\"", "6:13", "'input:1': an input of the model has no further outputs"),
            (
                "- test.residual:\n  name: r\n- test.bend:\n  from: \"r:2\"", "8:13",
                "'r:2': 'r' has 2 outputs, counted from 0"
            ),
            (
                "- test.add", "5:7",
                "'add_1' (test.add) takes 2 inputs (left, right), got 1: name them with 'from: [left, right]'"
            ),
            (
                "- test.bend:\n  from: [input, input]", "5:7",
                "'bend_1' (test.bend) takes 1 input (input), got 2: name them with 'from: [input]'"
            ),
            (
                "- test.attend", "5:7",
                "'attend_1' (test.attend) takes 3 to 4 inputs (query, mask?, memory, bias?), got 1: "
                    + "name them with 'from: [query, mask, memory, bias]'"
            ),
            (
                "- test.attend:\n  from: [~, input, input]", "5:7",
                "'attend_1' (test.attend): its input 'query' has to be connected"
            ),
            (
                "- test.join:\n  from: []", "5:7",
                "'join_1' (test.join) takes 1 or more inputs (inputs…), got 0: name them with 'from: [inputs…]'"
            ),
            (
                "- test.join:\n  from: [input, ~, input]", "5:7",
                "'join_1' (test.join): its input 'inputs' has to be connected"
            ),
            (
                "- test.bend:\n  name: a\n- test.bend:\n  name: a", "7:7",
                "two nodes are named 'a'; give this one another 'name'"
            ),
            ("- test.bend:\n  name: input", "5:7", "two nodes are named 'input'; give this one another 'name'"),
            (
                "- test.residual:\n  name: \"\"\n- test.residual:\n  name: \"\"", "7:7",
                "two nodes are named 'linear1'; give this one another 'name'"
            ),
            ("- test.bend:\n  share: nope", "6:14", "there is no layer or input 'nope' above"),
            ("- test.residual:\n  name: r\n- test.bend:\n  share: r", "8:14", "'share': 'r' is no single layer"),
            ("- test.bend:\n  share: input", "6:14", "'share': 'input' is no single layer"),
            (
                "- test.endless", "5:7",
                "'endless_1\(String(repeating: ".again", count: 16))' (test.endless): blocks nest deeper than 16 levels"
            ),
            ("- test.bend:\n  repeat: 100000\n- test.bend", "7:7", "the model has more than 100000 nodes"),
            (
                "- test.tower: { stages: [1, 1, 1, 1, 1] }", "5:7",
                "'tower_1' (test.tower): it refused to expand: stages has 5 values, at most 4 make sense"
            ),
        ] as [(String, String, String)])
    func faults(layers: String, place: String, expected: String) {
        #expect(message { _ = try graph(model(layers)) } == "recipe.yaml:\(place): \(expected)")
    }

    @Test(
        arguments: [
            ("no output", "the plugin gave it no output"),
            ("output", "the plugin refers to 'zzz', which it has not added"),
            ("forward", "the plugin refers to 'b', which it has not added"),
            ("twice", "the plugin names two nodes 'a'"),
            ("name", "the plugin named a node 'a b'"),
            ("swallowed", "the plugin named a node 'a b'"),
            ("missing component", "plugin 'test' 1.2.3 has no layer or block 'test.bent'; did you mean 'test.bend'?"),
            ("attribute", "node 'a' (test.bend): unknown attribute 'slop'; did you mean 'slope'?"),
            ("range", "node 'a' (test.bend): slope: wanted a number from 0 to 1, got 2"),
            ("input", "the plugin refers to input 7, it has 1"),
            (
                "unconnected",
                "node 'a' (test.add) takes 2 inputs (left, right), got 1: name them with 'from: [left, right]'"
            ),
            (
                "absent",
                "node 'a' (test.attend) takes 3 to 4 inputs (query, mask?, memory, bias?), got 1: name them with "
                    + "'from: [query, mask, memory, bias]'"
            ),
            ("passed on", "the plugin gives an input that is not connected as an output"),
            (
                "inputs",
                "node 'a' (test.add) takes 2 inputs (left, right), got 1: name them with 'from: [left, right]'"
            ),
            ("share", "node 'a' shares the parameters of 'b', which is no layer before it"),
            (
                "shared block",
                "node 'a' (test.residual) is a block, and only layers share parameters or have initializers"
            ),
            (
                "initializer",
                "node 'a', initializer of 'w': unknown attribute 'd'; known are 'deviation'"
            ),
            ("many", "it has more than 100000 nodes"),
        ] as [(String, String)])
    func faultyBlocks(fault: String, expected: String) {
        #expect(
            message { _ = try graph(model("- test.faulty: { fault: \"\(fault)\" }")) }
                == "recipe.yaml:5:7: 'faulty_1' (test.faulty): \(expected)")
    }

    /// A block leaves optional inputs of its nodes unconnected, between others too.
    @Test func blocksWithGaps() throws {
        let definition = try graph(model("- test.faulty: { fault: \"none, with a gap\" }"))
        #expect(definition.nodes.first?.inputs == [.init("input"), nil, .init("input")])
    }

    @Test func blocksThatNeedAMissingPlugin() throws {
        let error = #expect(throws: RecipeError.self) { try graph(model("- test.faulty: { fault: missing plugin }")) }
        #expect(error?.kind == .missingPlugin)
        #expect(
            error?.message
                == "'faulty_1' (test.faulty): layer 'other.bend' needs plugin 'other', which is not installed "
                + "(installed: test)")
    }

    @Test func severalInputsHaveToBeChosen() {
        func text(_ layers: String) -> String { model(layers, input: "{ a: [4], b: [4] }") }
        #expect(
            message { _ = try graph(text("- test.bend")) }
                == "recipe.yaml:5:7: the model has several inputs (a, b): say with 'from' which 'test.bend' takes")
        #expect(
            message { _ = try graph(text("- test.bend:\n  from: a")) }
                == "recipe.yaml:5:7: no layer takes the input 'b': name it in a 'from', or remove it")
        #expect(
            message {
                _ = try graph(
                    "lamina: 1\nmodel:\n  input: [4]\n  layers: [test.bend]\n  outputs: [bend_1, input]\nloss: "
                        + "test.squared\n"
                )
            }
                == "recipe.yaml:6:7: the model has several outputs (bend_1, input): say with 'from' what "
                + "'test.squared' compares"
        )
    }
}

extension GraphDefinition.Output: CustomStringConvertible {
    public var description: String { "\(name): \(reference)" }
}
