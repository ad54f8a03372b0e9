import LaminaFormats
import LaminaHost
import LaminaSDK
import Testing

@testable import LaminaGraph

/// Tangent networks: what they compute, what they share, and what is refused.
@Suite(.serialized) struct TangentTests {
    typealias Nodes = [(String, String, JSONObject, [String])]

    private func network(
        _ nodes: Nodes, input: [Int], output: String, change: (inout GraphDefinition) -> Void = { _ in }
    ) throws -> Network {
        var whole = definition(input: [.symbol("N")] + input.map { .fixed($0) }, nodes, outputs: [output])
        change(&whole)
        let graph = try Graph(whole, registry: registry)
        let store = try ParameterStore(graph)
        try store.initialize(seed: 5)
        return Network(graph, store)
    }

    /// Outputs of a tangent network against central differences of the network along the direction, and its parameters'
    /// gradients against central differences of the sum of its outputs.
    private func check(_ network: Network, _ shape: [Int], labels: [Int]? = nil) throws {
        let inputs = [shape] + (labels.map { [$0] } ?? [])
        let plain = try network.plan(.init(inputs: inputs, phase: .training))
        let tangent = try network.tangent()
        let plan = try tangent.plan(.init(inputs: inputs + [shape], phase: .training, parameterGradients: true))
        func fillLabels(_ tensor: PlannedTensor) { if labels != nil { tensor.setLabels(classes: 3) } }
        plan.inputs[0].fill(seed: 1)
        fillLabels(plan.inputs[1])
        plan.inputs.last!.fill(seed: 2)
        let (x, direction) = (plan.inputs[0].values, plan.inputs.last!.values)
        func output(_ step: Float) throws -> [Float] {
            plain.inputs[0].fill(zip(x, direction).map { $0 + step * $1 })
            if labels != nil { plain.inputs[1].setLabels(classes: 3) }
            try network.forward(plain)
            return plain.outputs[0].values
        }
        let step: Float = 1e-2
        let wanted = zip(try output(step), try output(-step)).map { ($0 - $1) / (2 * step) }
        func total() throws -> Float {
            plan.inputs[0].fill(x)
            fillLabels(plan.inputs[1])
            plan.inputs.last!.fill(direction)
            try tangent.forward(plan)
            return plan.outputs[0].values.reduce(0, +)
        }
        _ = try total()
        for (got, want) in zip(plan.outputs[0].values, wanted) { #expect(abs(got - want) < 3e-3) }
        try tangent.backward(plan)
        let gradients = network.graph.parameters.indices.map { network.gradient($0) }
        for (index, gradient) in gradients.enumerated() {
            let values = network.parameters.entries[index].data.assumingMemoryBound(to: Float.self)
            for element in stride(from: 0, to: gradient.count, by: max(1, gradient.count / 7)) {
                let kept = values[element]
                values[element] = kept + step
                let above = try total()
                values[element] = kept - step
                let below = try total()
                values[element] = kept
                #expect(abs((above - below) / (2 * step) - gradient[element]) < 4e-3)
            }
        }
    }

    @Test func arithmetic() throws {
        let nodes: Nodes = [
            ("a", "core.dense", ["units": 4], ["input"]), ("b", "core.tanh", [:], ["a"]),
            ("product", "core.multiply", [:], ["a", "b"]), ("positive", "core.softplus", [:], ["input"]),
            ("ratio", "core.divide", [:], ["product", "positive"]), ("less", "core.subtract", [:], ["ratio", "b"]),
            ("sum", "core.add", [:], ["less", "a", "b"]), ("same", "core.identity", [:], ["sum"]),
            ("out", "core.dense", ["units": 2], ["same"]),
        ]
        try check(network(nodes, input: [4], output: "out"), [3, 4])
    }

    @Test func shapes() throws {
        let nodes: Nodes = [
            ("rows", "core.reshape", ["shape": [3, 2]], ["input"]),
            ("turned", "core.permute", ["axes": [0, 2, 1]], ["rows"]),
            ("padded", "core.pad", ["before": [1], "after": [2], "value": 3], ["turned"]),
            ("mirrored", "core.pad", ["before": [1], "after": [1], "mode": "reflect"], ["padded"]),
            ("part", "core.slice", ["axis": 2, "start": 1, "step": 2], ["mirrored"]),
            ("halves", "core.split", ["axis": 1, "parts": 2], ["part"]),
            ("product", "core.matmul", ["transpose_b": true], ["halves", "halves:1"]),
            ("flat", "core.flatten", [:], ["halves:1"]), ("deep", "core.dense", ["units": 3], ["flat"]),
            ("mean", "core.reduce_mean", ["axes": [1]], ["rows"]),
            ("total", "core.reduce_sum", ["axes": [1, 2]], ["product"]),
            ("column", "core.reshape", ["shape": [1]], ["total"]),
            ("all", "core.concat", [:], ["deep", "mean", "column"]), ("out", "core.dense", ["units": 1], ["all"]),
        ]
        try check(network(nodes, input: [6], output: "out"), [3, 6])
    }

    @Test(.enabled(if: registry.plugin("cnn") != nil)) func images() throws {
        let nodes: Nodes = [
            ("filtered", "cnn.conv2d", ["filters": 4, "kernel": 3], ["input"]),
            ("bent", "core.tanh", [:], ["filtered"]),
            ("shuffled", "cnn.pixel_shuffle", ["factor": 2], ["bent"]),
            ("repeated", "cnn.upsample2d", ["factor": 2], ["shuffled"]),
            ("larger", "cnn.upsample2d", ["factor": [1, 3], "mode": "bilinear"], ["repeated"]),
            ("flat", "core.flatten", [:], ["larger"]), ("out", "core.dense", ["units": 1], ["flat"]),
        ]
        try check(network(nodes, input: [2, 4, 5], output: "out"), [2, 2, 4, 5])
    }

    /// What does not depend on the first input has no tangent: the embedding of labels, in sums, products and rows.
    @Test func labelsHaveNoTangent() throws {
        let nodes: Nodes = [
            ("class", "core.embedding", ["count": 3, "dimension": 4], ["label"]),
            ("class1", "core.dense", ["units": 4], ["class"]), ("input1", "core.dense", ["units": 4], ["input"]),
            ("row", "core.reduce_mean", ["axes": [0], "keep_dimensions": true], ["input1"]),
            ("wide", "core.add", [:], ["class1", "row"]), ("rest", "core.subtract", [:], ["class1", "input1"]),
            ("product", "core.multiply", [:], ["rest", "class1"]), ("ratio", "core.divide", [:], ["class1", "scale"]),
            ("scale", "core.softplus", [:], ["wide"]), ("all", "core.concat", [:], ["product", "class1", "ratio"]),
            ("deep", "core.sigmoid", [:], ["all"]), ("out", "core.dense", ["units": 1], ["deep"]),
        ]
        let ordered =
            nodes.filter { $0.0 != "ratio" && $0.0 != "all" && $0.0 != "deep" && $0.0 != "out" }
            + nodes.filter { ["ratio", "all", "deep", "out"].contains($0.0) }
        let network = try network(ordered, input: [4], output: "out") {
            $0.inputs.append(.init("label", .int64, [.symbol("N")]))
        }
        #expect(try network.tangent().graph.definition.inputs.map(\.name) == ["input", "label", "input/tangent"])
        try check(network, [3, 4], labels: [3])
    }

    private static let critic: Nodes = [
        ("a", "core.dense", ["units": 40], ["input"]), ("b", "core.leaky_relu", ["slope": 0.2], ["a"]),
        ("c", "core.dense", ["units": 30], ["b"]), ("d", "core.tanh", [:], ["c"]),
        ("e", "core.dense", ["units": 1], ["d"]),
    ]

    /// Values, gradients and their order are those of the network; what it adds comes on top of a loss's gradients.
    @Test func sharesValuesAndGradients() throws {
        let critic = try network(Self.critic, input: [6], output: "e")
        var penalty = try GradientPenalty(critic)
        #expect(penalty.tangent.graph.parameters.map(\.name) == critic.graph.parameters.map(\.name))
        #expect(penalty.tangent.parameters === critic.parameters)
        let x = (0..<30).map { (index: Int) -> Float in Float(index * 7 % 11) / 11 - 0.4 }
        try penalty.run(x, [5, 6])
        let alone = critic.gradients
        // Nothing of the penalty depends on the last bias, to which no step contributes.
        #expect(critic.gradient(5) == [0] && alone.contains { $0 != 0 })
        let plan = try critic.plan(.init(inputs: [[5, 6]], phase: .training, parameterGradients: true))
        plan.inputs[0].fill(x)
        try critic.forward(plan)
        try critic.backward(plan)
        let loss = critic.gradients
        #expect(critic.gradient(5) == [5])
        try penalty.run(x, [5, 6], accumulating: true)
        let sums = zip(loss, alone).map { $0 + $1 }
        #expect(zip(critic.gradients, sums).allSatisfy { abs($0 - $1) < 1e-5 })
        #expect(critic.gradient(5) == [5])
        // Without that it replaces them, the last bias's too.
        try penalty.run(x, [5, 6])
        #expect(critic.gradients == alone)
    }

    @Test func threadsAndRepeatsGiveTheSameBits() throws {
        let x = (0..<420).map { (index: Int) -> Float in Float(index * 7 % 101) / 101 - 0.4 }
        var results: [[UInt32]] = []
        for threads in [1, 2, 3, 2] {
            Runtime.shared.threadCount = threads
            var penalty = try GradientPenalty(network(Self.critic, input: [6], output: "e"))
            for _ in 0...1 {
                try penalty.run(x, [70, 6])
                results.append(penalty.critic.gradients.map(\.bitPattern))
            }
        }
        for other in results.dropFirst() { #expect(other == results[0]) }
    }

    @Test func emptyBatchesHaveNoGradient() throws {
        var penalty = try GradientPenalty(network(Self.critic, input: [6], output: "e"))
        try penalty.run([], [0, 6])
        #expect(penalty.critic.gradients.allSatisfy { $0 == 0 })
    }

    /// A tangent shares the parameters of the layer that the layer itself shares them with, and frozen ones stay frozen.
    @Test func tiedAndFrozenParameters() throws {
        let nodes: Nodes = [
            ("a", "core.dense", ["units": 4, "bias": false], ["input"]), ("b", "core.silu", [:], ["a"]),
            ("c", "core.dense", ["units": 4], ["b"]), ("d", "core.silu", [:], ["c"]),
            ("e", "core.dense", ["units": 1], ["d"]),
        ]
        let tied = try network(nodes, input: [4], output: "e") { $0.nodes[2].sharesParametersOf = "a" }
        #expect(try tied.tangent().graph.parameters.map(\.name) == ["a.weight", "c.bias", "e.weight", "e.bias"])
        try check(tied, [3, 4])
        let frozen = try Graph(tied.graph.definition, registry: registry) { name, _ in name == "a.weight" }
        #expect(try frozen.tangent().parameters.map(\.isFrozen) == [true, false, false, false])
    }

    /// Two networks may have different memory: the tangent's plans do not disturb those of the network.
    @Test func itsActivationsAreItsOwn() throws {
        let critic = try network(Self.critic, input: [6], output: "e")
        let tangent = try critic.tangent()
        let plan = try critic.plan(.init(inputs: [[5, 6]]))
        plan.inputs[0].fill(seed: 3)
        try critic.forward(plan)
        let outputs = plan.outputs[0].values
        let other = try tangent.plan(.init(inputs: [[5, 6], [5, 6]]))
        for input in other.inputs { input.fill(seed: 4) }
        try tangent.forward(other)
        #expect(plan.outputs[0].values == outputs)
    }

    private func refusal(_ nodes: Nodes, input: [Int], output: String) throws -> GraphError? {
        let network = try network(nodes, input: input, output: output)
        return #expect(throws: GraphError.self) { try network.tangent() }
    }

    @Test func layersWithoutTangentAreNamed() throws {
        let norm = try refusal(
            [("fc", "core.dense", ["units": 4], ["input"]), ("bn", "core.batch_norm1d", [:], ["fc"])], input: [3],
            output: "bn")
        #expect(norm?.node == "bn" && norm?.kind == .unsupported)
        #expect(
            norm?.text
                == "core.batch_norm1d \"bn\" has no tangent: its outputs depend on the other samples of the batch, so that a "
                + "sample has no gradient of its own; use core.layer_norm, core.group_norm or core.instance_norm1d, or no "
                + "normalisation")
        let dropout = try refusal([("drop", "core.dropout", [:], ["input"])], input: [3], output: "drop")
        #expect(dropout?.text.hasPrefix("core.dropout \"drop\" has no tangent: its mask") == true)
        let other = try refusal([("fault", "faulty.masked", [:], ["input"])], input: [3], output: "fault")
        #expect(
            other?.text
                == "faulty.masked \"fault\": its plugin gives no tangent for it (lamina.jvp/1), which derivatives of "
                + "derivatives need: leave it out of this network, or use a layer that has one")
    }

    /// Where no tangent flows, nothing is asked of a layer.
    @Test func layersBesideTheWayNeedNone() throws {
        let beside = try network(
            [
                ("class", "core.embedding", ["count": 3, "dimension": 4], ["label"]),
                ("drop", "core.dropout", [:], ["class"]), ("sum", "core.add", [:], ["input", "drop"]),
            ], input: [4], output: "sum"
        ) { $0.inputs.append(.init("label", .int64, [.symbol("N")])) }
        _ = try beside.tangent()
    }

    @Test(arguments: [
        ("noOutput", "it gives 0 tangents for 1 outputs"),
        ("unknownReference", "it refers to '#7', which it has not added"),
        ("otherOwner", "'d' shares parameters of 'fc'"), ("twice", "it names two nodes 'd'"),
        ("wrongShape", "'f/d' is float32 [], wanted float32 [N, 4] as 'f'"),
        ("ownParameter", "a tangent has 'f/d.weight' of its own"), ("silent", "all tangents are zero"),
    ])
    func mistakesOfPlugins(fault: String, text: String) throws {
        let error = try refusal(
            [("f", "faulty.faulty_tangent", ["fault": .string(fault)], ["input"])], input: [4], output: "f")
        #expect(error?.text.contains(text) == true, "\(error?.text ?? "")")
    }

    @Test func anInputMayBeItsOwnTangent() throws {
        _ = try network([("f", "faulty.faulty_tangent", [:], ["input"])], input: [4], output: "f").tangent()
    }
}
