import LaminaFormats
import LaminaGraph
import LaminaHost
import LaminaSDK
import Testing

@Suite(.serialized) struct NetworkTests {
    private static let mlp = definition(
        input: [.symbol("N"), .fixed(5)],
        [
            ("fc1", "core.dense", ["units": 7], ["input"]), ("relu1", "core.relu", [:], ["fc1"]),
            ("fc2", "core.dense", ["units": 4], ["relu1"]), ("skip", "core.dense", ["units": 4], ["input"]),
            ("sum", "core.add", [:], ["fc2", "skip"]),
        ], outputs: ["sum"], loss: "core.cross_entropy")

    private func network(_ definition: GraphDefinition) throws -> Network {
        let graph = try Graph(definition, registry: registry)
        let store = try ParameterStore(graph)
        try store.initialize(seed: 3)
        return Network(graph, store)
    }

    @Test func namesShapesAndSymbols() throws {
        let graph = try Graph(Self.mlp, registry: registry)
        #expect(
            graph.parameters.map(\.name) == [
                "fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias", "skip.weight", "skip.bias",
            ])
        #expect(graph.text(ofOutput: 0) == "[N, 4]")
    }

    @Test func forwardEqualsTheNaiveLoop() throws {
        let network = try network(Self.mlp)
        let plan = try network.plan(.init(inputs: [[3, 5]]))
        plan.inputs[0].fill(seed: 1)
        try network.forward(plan)
        let x = plan.inputs[0].values
        func dense(_ x: [Float], _ name: String, _ inputs: Int, _ units: Int) -> [Float] {
            let w = network.parameters.entries.first { $0.name == name + ".weight" }!.data.assumingMemoryBound(
                to: Float.self)
            let b = network.parameters.entries.first { $0.name == name + ".bias" }!.data.assumingMemoryBound(
                to: Float.self)
            return (0..<3).flatMap { n in
                (0..<units).map { u in (0..<inputs).reduce(b[u]) { $0 + x[n * inputs + $1] * w[u * inputs + $1] } }
            }
        }
        let hidden = dense(x, "fc1", 5, 7).map { max($0, 0) }
        let wanted = zip(dense(hidden, "fc2", 7, 4), dense(x, "skip", 5, 4)).map(+)
        for (got, want) in zip(plan.outputs[0].values, wanted) { #expect(abs(got - want) < 1e-5) }
    }

    /// Every parameter's and the input's gradient against central differences of the loss.
    static func finiteDifferences(_ network: Network, _ request: PlanRequest, classes: Int) throws -> Float {
        let plan = try network.plan(request)
        plan.inputs[0].fill(seed: 5)
        plan.target!.setLabels(classes: classes)
        let input = plan.inputs[0].values
        func loss() throws -> Float {
            try network.forward(plan)
            return plan.loss!.floats[0]
        }
        _ = try loss()
        try network.backward(plan)
        var worst: Float = 0
        let step: Float = 1e-2
        func compare(_ pointer: UnsafeMutablePointer<Float>, _ gradient: Float) throws {
            let kept = pointer.pointee
            pointer.pointee = kept + step
            network.parametersChanged()
            let above = try loss()
            pointer.pointee = kept - step
            network.parametersChanged()
            let below = try loss()
            pointer.pointee = kept
            network.parametersChanged()
            worst = max(worst, abs((above - below) / (2 * step) - gradient))
        }
        let inputGradient = plan.inputGradients[0]!.values
        let gradients = zip(network.graph.parameters, network.parameterGradients).map { parameter, gradient in
            Array(UnsafeBufferPointer(start: gradient, count: parameter.shape.reduce(1, *)))
        }
        for (index, gradient) in gradients.enumerated() {
            let values = network.parameters.entries[index].data.assumingMemoryBound(to: Float.self)
            for element in stride(from: 0, to: gradient.count, by: max(1, gradient.count / 17)) {
                try compare(values + element, gradient[element])
            }
        }
        for element in stride(from: 0, to: input.count, by: max(1, input.count / 17)) {
            try compare(plan.inputs[0].floats + element, inputGradient[element])
        }
        return worst
    }

    @Test func gradientsEqualFiniteDifferences() throws {
        let request = PlanRequest(
            inputs: [[6, 5]], target: .init(.int64, [6]), phase: .training, parameterGradients: true,
            inputGradients: true)
        #expect(try Self.finiteDifferences(network(Self.mlp), request, classes: 4) < 2e-3)
    }

    @Test func aValueUsedTwiceGetsBothGradients() throws {
        let twice = definition(
            input: [.symbol("N"), .fixed(4)],
            [("double", "core.add", [:], ["input", "input"]), ("out", "core.add", [:], ["double", "input"])],
            outputs: ["out"])
        let network = try network(twice)
        let plan = try network.plan(.init(inputs: [[2, 4]], phase: .training, inputGradients: true))
        plan.inputs[0].fill(seed: 2)
        try network.forward(plan)
        try network.backward(plan)
        #expect(plan.outputs[0].values == plan.inputs[0].values.map { $0 + $0 + $0 })
        #expect(plan.inputGradients[0]!.values == Array(repeating: 3, count: 8))
    }

    @Test func gradientsAccumulateOverBatches() throws {
        let network = try network(Self.mlp)
        let request = PlanRequest(
            inputs: [[6, 5]], target: .init(.int64, [6]), phase: .training, parameterGradients: true, accumulates: true)
        let plan = try network.plan(request)
        plan.inputs[0].fill(seed: 9)
        plan.target!.setLabels(classes: 4)
        try network.forward(plan)
        try network.backward(plan)
        let once = (0..<35).map { network.parameterGradients[0][$0] }
        try network.forward(plan)
        try network.backward(plan, accumulating: true)
        let doubled = (0..<35).map { network.parameterGradients[0][$0] }
        for (a, b) in zip(once, doubled) { #expect(abs(2 * a - b) < 1e-6) }
    }

    @Test func threadsAndRepeatsGiveTheSameBits() throws {
        let wide = definition(
            input: [.symbol("N"), .fixed(300)],
            [
                ("fc1", "core.dense", ["units": 500], ["input"]), ("relu1", "core.relu", [:], ["fc1"]),
                ("fc2", "core.dense", ["units": 10], ["relu1"]),
            ], outputs: ["fc2"], loss: "core.cross_entropy")
        let request = PlanRequest(
            inputs: [[130, 300]], target: .init(.int64, [130]), phase: .training, parameterGradients: true)
        var results: [[UInt32]] = []
        for threads in [1, 2, 3, 2] {
            Runtime.shared.threadCount = threads
            let network = try network(wide)
            let plan = try network.plan(request)
            plan.inputs[0].fill(seed: 4)
            plan.target!.setLabels(classes: 10)
            try network.forward(plan)
            try network.backward(plan)
            var bits = plan.outputs[0].values.map(\.bitPattern)
            for (parameter, gradient) in zip(network.graph.parameters, network.parameterGradients) {
                bits += (0..<parameter.shape.reduce(1, *)).map { gradient[$0].bitPattern }
            }
            results.append(bits)
        }
        for other in results.dropFirst() { #expect(other == results[0]) }
    }

    @Test func memoryIsShared() throws {
        let deep = definition(
            input: [.symbol("N"), .fixed(64)],
            (0..<20).flatMap { index -> [(String, String, JSONObject, [String])] in
                [
                    ("fc\(index)", "core.dense", ["units": 64], [index == 0 ? "input" : "relu\(index - 1)"]),
                    ("relu\(index)", "core.relu", [:], ["fc\(index)"]),
                ]
            }, outputs: ["relu19"])
        let plan = try network(deep).plan(.init(inputs: [[100, 64]]))
        // Input, two intermediate results in turn.
        #expect(plan.arenaBytes <= 3 * 100 * 64 * 4)
        #expect(plan.unsharedBytes >= 41 * 100 * 64 * 4)
    }

    @Test func emptyBatchRuns() throws {
        let network = try network(Self.mlp)
        let plan = try network.plan(.init(inputs: [[0, 5]]))
        try network.forward(plan)
        #expect(plan.outputs[0].shape == [0, 4])
    }
}
