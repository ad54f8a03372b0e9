import Glibc
import LaminaFormats
import LaminaHost
import LaminaSDK
import Testing

@testable import LaminaGraph

/// Graphs from archives that nobody checked, plugins with mistakes, sizes that no machine has: errors, never a crash.
@Suite(.serialized) struct HardeningTests {
    private func text(_ definition: GraphDefinition) -> String {
        text { _ = try Graph(definition, registry: registry) }
    }

    private func text(_ body: () throws -> Void) -> String {
        do {
            try body()
            return "no error"
        } catch { return "\(error)" }
    }

    private func network(_ definition: GraphDefinition) throws -> Network {
        let graph = try Graph(definition, registry: registry)
        return Network(graph, try ParameterStore(graph))
    }

    private func one(_ component: String, _ attributes: JSONObject = [:], from: [String] = ["input"]) -> GraphDefinition
    {
        definition(input: [.symbol("N"), .fixed(4)], [("x", component, attributes, from)], outputs: ["x"])
    }

    // MARK: Definitions

    @Test(arguments: ["initializer", "optimizer", "source", "block", "", "lay er"]) func foreignKinds(kind: String) {
        var graph = one("core.zeros")
        graph.nodes[0].kind = kind
        #expect(text(graph) == "node 'x' is of kind '\(kind)', wanted layer or loss")
    }

    @Test func theLossHasToBeALoss() {
        var graph = definition(
            input: [.symbol("N"), .fixed(4)], [("x", "core.relu", [:], ["input"])], outputs: ["x"],
            loss: "core.cross_entropy")
        graph.loss!.kind = "layer"
        #expect(text(graph) == "node 'loss' is of kind 'layer', wanted loss")
    }

    @Test func nullInTheTailOfAVariadicPort() {
        var graph = one("core.add", from: ["input", "input"])
        graph.nodes[0].inputs.append(nil)
        #expect(text(graph) == "core.add \"x\": input 'inputs' is not connected")
    }

    @Test func namesAreUnique() {
        var graph = one("core.relu")
        graph.outputs.append(.init("x", .init("input")))
        #expect(text(graph).contains("two outputs are named 'x'"))
        var target = definition(
            input: [.symbol("N"), .fixed(4)], [("x", "core.relu", [:], ["input"])], outputs: ["x"],
            loss: "core.cross_entropy")
        target.inputs.append(.init("target", .int64, [.symbol("N")]))
        #expect(text(target).contains("an input is named 'target'"))
        target.loss = nil
        #expect(text(target) == "no error")
    }

    @Test func onlyTheLossReadsTheTarget() {
        var graph = definition(
            input: [.symbol("N"), .fixed(4)], [("x", "core.relu", [:], ["input"])], outputs: ["x"],
            loss: "core.cross_entropy")
        // Equal to the loss, yet no loss.
        var copy = graph.loss!
        copy.inputs = [.init("x"), .init("target")]
        graph.nodes.append(copy)
        #expect(text(graph) == "node 'loss' reads the target: only the loss may")
    }

    // MARK: Sizes

    @Test func aTargetOfRank20() throws {
        let network = try network(
            definition(
                input: [.symbol("N"), .fixed(4)], [("x", "core.relu", [:], ["input"])], outputs: ["x"],
                loss: "core.cross_entropy"))
        let request = PlanRequest(inputs: [[2, 4]], target: .init(.int64, Array(repeating: 1, count: 20)))
        #expect(text { _ = try network.plan(request) } == "the target has rank 20, at most 8 is possible")
    }

    @Test func sizesThatOverflow() throws {
        #expect(TensorSpec(dtype: .float32, shape: [0, 1 << 62, 1 << 62]).count == nil)
        #expect(TensorSpec(dtype: .float32, shape: [0, 3, 5]).count == 0)
        #expect(TensorSpec(dtype: .float32, shape: [1 << 20, 1 << 20]).count == 1 << 40)
        #expect(TensorSpec(dtype: .float32, shape: [1 << 20, (1 << 20) + 1]).count == nil)
        #expect(text(one("faulty.faulty", ["fault": "hugeParameter"])).contains("more than 2^40 elements"))
        let open = try network(
            definition(
                input: [.symbol("N"), .symbol("T"), .symbol("U")], [("x", "core.relu", [:], ["input"])],
                outputs: ["x"]))
        for shape in [[0, 1 << 62, 1 << 62], [1 << 31, 1 << 31, 1 << 31], [1 << 40, 2, 1], [1, -1, 1]] {
            #expect(throws: GraphError.self) { try open.plan(.init(inputs: [shape])) }
        }
        #expect(throws: GraphError.self) { try ByteCount.sum([.max, 1], "a test") }
        let huge = ArenaLayout.Buffer(bytes: 1 << 60, firstUse: 0, lastUse: 1)
        let small = ArenaLayout.Buffer(bytes: 1, firstUse: 0, lastUse: 1)
        #expect(throws: GraphError.self) { try ArenaLayout([huge, small]) }
        #expect(try ArenaLayout([small]).totalBytes == 64)
    }

    @Test func anArenaThatCannotGrowStaysAsItIs() throws {
        var graph = one("core.relu")
        graph.inputs[0].shape = [.symbol("N"), .symbol("T")]
        // 4 TiB each is within the limit of a tensor, together they are more than a processor can address.
        graph.inputs += (0..<40).map { .init("unused\($0)", .float32, [.symbol("N"), .symbol("T")]) }
        let network = try network(graph)
        let small = try network.plan(.init(inputs: Array(repeating: [2, 3], count: 41)))
        let error = text { _ = try network.plan(.init(inputs: Array(repeating: [1 << 40, 1], count: 41))) }
        #expect(error.hasPrefix("no memory for activations"))
        small.inputs[0].fill(seed: 1)
        try network.forward(small)
        #expect(small.outputs[0].values == small.inputs[0].values.map { max($0, 0) })
    }

    // MARK: Plugins

    @Test(arguments: [
        ("layouts", "accepts layouts 5 and prefers 0"), ("preferred", "accepts layouts 1 and prefers 2"),
        ("bothPreferred", "accepts layouts 3 and prefers 3"), ("initial", "a int64 cannot be nan"),
        ("negativeInitial", "a uint8 cannot be -1.0"),
    ])
    func wrongShapeRules(fault: String, wanted: String) {
        let got = text(one("faulty.faulty", ["fault": .string(fault)]))
        #expect(got.contains(wanted) && got.contains("(a bug of the plugin)"), "\(got)")
    }

    @Test(arguments: [("saveOutput", "names output 1"), ("saveInput", "names input 5")])
    func wrongPlans(fault: String, wanted: String) throws {
        let network = try network(one("faulty.faulty", ["fault": .string(fault)]))
        let got = text { _ = try network.plan(.init(inputs: [[2, 4]])) }
        #expect(got.contains(wanted), "\(got)")
    }

    @Test func aLayerWithoutInputsSavesItsOutput() throws {
        let network = try network(one("faulty.faulty", from: []))
        let plan = try network.plan(.init(inputs: [[2, 4]]))
        try network.forward(plan)
        #expect(plan.outputs[0].values == [1, 1, 1, 1])
    }

    @Test(arguments: ["renames", "retypes"]) func layersThatChangeTheirMind(fault: String) throws {
        let network = try network(one("faulty.faulty", ["fault": .string(fault)]))
        let got = text { _ = try network.plan(.init(inputs: [[2, 4]])) }
        #expect(got.contains("do not fit the model"), "\(got)")
    }

    @Test(arguments: [
        ("no_forward", "its function 'forward' is NULL"), ("no_release", "its function 'release' is NULL"),
        ("short_table", "its table has 8 bytes, wanted"),
    ])
    func incompleteTables(name: String, wanted: String) {
        let got = text(one("faulty." + name))
        #expect(got.contains(wanted), "\(got)")
    }

    // MARK: Results

    @Test func aValueReadTwiceIsNotOverwritten() throws {
        let network = try network(
            definition(
                input: [.symbol("N"), .fixed(4)],
                [
                    ("a", "core.tanh", [:], ["input"]), ("b", "core.relu", [:], ["input"]),
                    ("sum", "core.add", [:], ["a", "b", "a"]),
                ], outputs: ["sum"]))
        let plan = try network.plan(.init(inputs: [[2, 4]]))
        plan.inputs[0].fill(seed: 8)
        try network.forward(plan)
        for (y, x) in zip(plan.outputs[0].values, plan.inputs[0].values) {
            let wanted = 2 * tanhf(x) + max(x, 0)
            #expect(abs(y - wanted) < 1e-5)
        }
    }

    @Test func oneValueAsTwoOutputsCountsTwice() throws {
        var graph = one("core.relu")
        graph.outputs.append(.init("again", .init("x")))
        let network = try network(graph)
        let plan = try network.plan(.init(inputs: [[1, 4]], phase: .training, inputGradients: true))
        for index in 0..<4 { plan.inputs[0].floats[index] = 1 }
        try network.forward(plan)
        try network.backward(plan)
        #expect(plan.inputGradients[0]!.values == [2, 2, 2, 2])
    }

    @Test func integersHaveNoGradient() throws {
        let network = try network(
            definition(
                input: [.symbol("N"), .fixed(4)],
                [("x", "core.relu", [:], ["input"]), ("y", "faulty.rounded", [:], ["input"])], outputs: ["x", "y"]))
        let plan = try network.plan(
            .init(inputs: [[1, 4]], phase: .training, parameterGradients: true, inputGradients: true))
        plan.inputs[0].fill(seed: 1)
        try network.forward(plan)
        try network.backward(plan)
        #expect(plan.inputGradients[0] != nil)
    }

    /// The later reader comes first in backward, but contributes nothing: the other one has to overwrite.
    @Test func sharedParametersOfAnOperationWithoutGradient() throws {
        var graph = definition(
            input: [.symbol("N"), .fixed(4)],
            [("x", "faulty.scaled", [:], ["input"]), ("y", "faulty.rounded", [:], ["input"])], outputs: ["x", "y"])
        graph.nodes[1].sharesParametersOf = "x"
        let network = try network(graph)
        let plan = try network.plan(.init(inputs: [[1, 4]], phase: .training, parameterGradients: true))
        for index in 0..<4 { plan.inputs[0].floats[index] = 1 }
        for _ in 0..<3 {
            try network.forward(plan)
            try network.backward(plan)
            #expect(network.parameterGradients[0][0] == 4)
        }
    }

    @Test func readOnlyWeightsAreNotTrained() throws {
        let graph = try Graph(one("core.batch_norm1d"), registry: registry)
        let source = try ParameterStore(graph)
        try source.initialize(seed: 1)
        let store = try ParameterStore(graph)
        let tensors = source.entries.map { ($0.name, $0.dtype, $0.shape, UnsafeRawPointer($0.data)) }
        try store.borrow(tensors.map { (name: $0.0, dtype: $0.1, shape: $0.2, data: $0.3) }, owner: source)
        let wanted = "the weights are mapped read-only: open the model with writable: true"
        #expect(text { try store.initialize(seed: 1) } == wanted)
        #expect(text { try store.load([]) } == wanted)
        let network = Network(graph, store)
        // A plan alone writes nothing.
        let training = try network.plan(.init(inputs: [[2, 4]], phase: .training))
        #expect(text { try network.forward(training) } == wanted)
        #expect(text { _ = try network.firstNonFinite(training) } == wanted)
        let inference = try network.plan(.init(inputs: [[2, 4]]))
        #expect(text { try network.forward(inference) } == "no error")
    }

    @Test func tensorsOutliveTheirPlan() throws {
        let tensor = try network(one("core.relu")).plan(.init(inputs: [[3, 4]])).inputs[0]
        #expect(tensor.raw.pointee.rank == 2)
        #expect(tensor.raw.pointee.shape[0] == 3 && tensor.raw.pointee.shape[1] == 4)
    }
}
