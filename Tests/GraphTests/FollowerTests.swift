import LaminaFormats
import LaminaGraph
import LaminaHost
import LaminaSDK
import Testing

/// Elementwise layers that run range by range within the layer before them.
@Suite(.serialized, .enabled(if: registry.plugin("cnn") != nil)) struct FollowerTests {
    /// A residual block with a convolution on the skip, in a form whose order of nodes matters.
    private static func block(outputs: [String]) -> GraphDefinition {
        definition(
            input: [.symbol("N"), .fixed(3), .fixed(9), .fixed(7)],
            [
                ("conv1", "cnn.conv2d", ["filters": 6, "kernel": 3, "padding": 1], ["input"]),
                ("bn1", "core.batch_norm2d", [:], ["conv1"]), ("gelu1", "core.gelu", [:], ["bn1"]),
                ("conv2", "cnn.conv2d", ["filters": 6, "kernel": 3, "padding": 1], ["gelu1"]),
                ("bn2", "core.batch_norm2d", [:], ["conv2"]),
                ("skip", "cnn.conv2d", ["filters": 6, "kernel": 1], ["input"]),
                ("add", "core.add", [:], ["bn2", "skip"]),
                ("relu2", "core.relu", [:], ["add"]), ("flat", "core.flatten", [:], ["relu2"]),
                ("fc", "core.dense", ["units": 4], ["flat"]),
            ], outputs: outputs, loss: "core.cross_entropy")
    }

    private func network(_ outputs: [String]) throws -> Network {
        let graph = try Graph(Self.block(outputs: outputs), registry: registry)
        let store = try ParameterStore(graph)
        try store.initialize(seed: 3)
        return Network(graph, store)
    }

    private static let names = ["fc", "conv1", "bn1", "gelu1", "conv2", "bn2", "skip", "add", "relu2"]

    @Test(arguments: [PlanRequest.Phase.inference, .training]) func sameBitsAsOneAfterTheOther(
        _ phase: PlanRequest.Phase
    ) throws {
        // What is an output of the graph is followed by nobody.
        let networks = try [network(["fc"]), network(Self.names)]
        for batch in [1, 2, 5, 0] {
            var results: [[Float]] = []
            for network in networks {
                let plan = try network.plan(
                    .init(
                        inputs: [[batch, 3, 9, 7]],
                        target: phase == .training ? PlanRequest.Target(.int64, [batch]) : nil, phase: phase,
                        parameterGradients: phase == .training))
                plan.inputs[0].fill(seed: 9)
                plan.target?.setLabels(classes: 4)
                try network.forward(plan)
                var values: [Float] = plan.outputs[0].values
                if phase == .training {
                    values.append(plan.loss!.floats[0])
                    try network.backward(plan)
                    for (index, parameter) in network.graph.parameters.enumerated() {
                        values += UnsafeBufferPointer(
                            start: network.parameterGradients[index], count: parameter.shape.reduce(1, *))
                    }
                }
                results.append(values)
            }
            #expect(results[0].map(\.bitPattern) == results[1].map(\.bitPattern), "batch \(batch)")
        }
    }

    /// The mask is drawn and kept while the first convolution runs; the second one runs before its turn would come.
    @Test func randomNumbersAndSavedMemory() throws {
        func network(_ outputs: [String]) throws -> Network {
            let graph = try Graph(
                definition(
                    input: [.symbol("N"), .fixed(3), .fixed(9), .fixed(7)],
                    [
                        ("conv", "cnn.conv2d", ["filters": 6, "kernel": 3, "padding": 1], ["input"]),
                        ("skip", "cnn.conv2d", ["filters": 6, "kernel": 3, "padding": 1], ["input"]),
                        ("mask", "faulty.masked", [:], ["conv"]), ("add", "core.add", [:], ["mask", "skip"]),
                        ("flat", "core.flatten", [:], ["add"]), ("fc", "core.dense", ["units": 4], ["flat"]),
                    ], outputs: outputs, loss: "core.cross_entropy"), registry: registry)
            let store = try ParameterStore(graph)
            try store.initialize(seed: 3)
            return Network(graph, store)
        }
        let networks = try [network(["fc"]), network(["fc", "conv", "mask"])]
        var followed: [String?] = []
        var previous: [UInt32] = []
        for step: UInt64 in 1...3 {
            let results = try networks.map { network in
                let plan = try network.plan(
                    .init(
                        inputs: [[2, 3, 9, 7]], target: .init(.int64, [2]), phase: .training, parameterGradients: true))
                plan.inputs[0].fill(seed: 9)
                plan.target?.setLabels(classes: 4)
                try network.forward(plan, seed: 5, step: step)
                followed.append(plan.nodeReports.first { $0.name == "mask" }?.runsIn)
                var values = plan.outputs[0].values
                try network.backward(plan, seed: 5, step: step)
                for (index, parameter) in network.graph.parameters.enumerated() {
                    values += UnsafeBufferPointer(
                        start: network.parameterGradients[index], count: parameter.shape.reduce(1, *))
                }
                return values
            }
            #expect(results[0].allSatisfy { $0.isFinite })
            let bits = results.map { $0.map(\.bitPattern) }
            #expect(bits[0] == bits[1] && bits[0] != previous)
            previous = bits[0]
        }
        #expect(followed == ["conv", nil, "conv", nil, "conv", nil])
    }

    /// A follower overwrites what it follows, here −∞ with 0; the fault is told of the node that made it.
    @Test func firstNonFiniteNamesTheOrigin() throws {
        let graph = try Graph(
            definition(
                input: [.symbol("N"), .fixed(3), .fixed(9), .fixed(7)],
                [
                    ("conv", "cnn.conv2d", ["filters": 6, "kernel": 1], ["input"]),
                    ("relu", "core.relu", [:], ["conv"]),
                ],
                outputs: ["relu"]), registry: registry)
        let store = try ParameterStore(graph)
        for entry in store.entries {
            let values = entry.data.assumingMemoryBound(to: Float.self)
            for index in 0..<entry.shape.reduce(1, *) { values[index] = -1 }
        }
        let network = Network(graph, store)
        let plan = try network.plan(.init(inputs: [[2, 3, 9, 7]], phase: .inference))
        try #require(plan.nodeReports.first { $0.name == "relu" }?.runsIn == "conv")
        plan.inputs[0].fill(seed: 9)
        #expect(try network.firstNonFinite(plan) == nil)
        for index in 0..<plan.inputs[0].count { plan.inputs[0].floats[index] = .greatestFiniteMagnitude }
        try network.forward(plan)
        #expect(plan.outputs[0].values.allSatisfy { $0 == 0 })
        #expect(try network.firstNonFinite(plan) == "cnn.conv2d \"conv\"")
    }

    @Test func whoFollowsWhom() throws {
        func following(_ phase: PlanRequest.Phase, _ outputs: [String]) throws -> [String] {
            let plan = try network(outputs).plan(.init(inputs: [[2, 3, 9, 7]], phase: phase))
            return plan.nodeReports.compactMap { node in node.runsIn.map { "\(node.name) in \($0)" } }
        }
        // The skip comes after the second convolution, so the sum follows the skip.
        #expect(
            try following(.inference, ["fc"])
                == ["bn1 in conv1", "gelu1 in conv1", "bn2 in conv2", "add in skip", "relu2 in skip"])
        #expect(try following(.training, ["fc"]) == ["gelu1 in bn1", "add in skip", "relu2 in skip"])
        #expect(try following(.inference, Self.names) == [])
    }
}
