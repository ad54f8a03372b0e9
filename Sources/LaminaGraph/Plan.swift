import CLamina
import Glibc
import LaminaHost
import LaminaSDK

/// A tensor of a plan that the caller fills or reads. Its memory is valid until another plan of the network runs.
public struct PlannedTensor: @unchecked Sendable {
    public let name: String
    public let dtype: DataType
    public let shape: [Int]
    fileprivate let descriptor: UnsafeMutablePointer<lamina_tensor>
    /// Keeps the descriptor alive.
    fileprivate let owner: PlanAssembler.Result

    /// Plain (row-major).
    public var data: UnsafeMutableRawPointer { descriptor.pointee.data }
    public var floats: UnsafeMutablePointer<Float> { data.assumingMemoryBound(to: Float.self) }
    public var count: Int { shape.reduce(1, *) }
    public var byteCount: Int { count * dtype.size }
    public var raw: UnsafePointer<lamina_tensor> { UnsafePointer(descriptor) }
}

/// A step, ready to run: every call with its tensors described, every byte of memory assigned.
public final class Plan: @unchecked Sendable {
    /// One row of `lamina inspect --plan`.
    public struct NodeReport: Sendable {
        public let name: String
        public let component: String
        /// The node whose forward calls this one's, range by range, and has its time; nil: it runs by itself.
        public let runsIn: String?
        public let outputShape: [Int]
        public let outputBytes: Int
        /// Bytes of the tensors that forward has to read and to write once: inputs, parameters, outputs.
        public let forwardBytes: Int
        public let forwardFLOPs: Double
        public let backwardFLOPs: Double
    }

    public let request: PlanRequest
    public private(set) var inputs: [PlannedTensor] = []
    public private(set) var target: PlannedTensor?
    public private(set) var outputs: [PlannedTensor] = []
    public private(set) var loss: PlannedTensor?
    /// With `request.takesOutputGradients`: one per graph output, nil where none flows; written before backward.
    public private(set) var outputGradients: [PlannedTensor?] = []
    /// With `request.inputGradients`: one per graph input, nil where none flows; the target's last.
    public private(set) var inputGradients: [PlannedTensor?] = []
    /// Bytes of activations, gradients, saved tensors and workspaces together.
    public let arenaBytes: Int
    /// What they would be without sharing memory.
    public let unsharedBytes: Int
    /// Bytes that plans keep for themselves (prepacked weights).
    public let persistentBytes: Int
    /// Bytes that nodes ask for per thread, and share.
    public let scratchBytes: Int
    public let nodeReports: [NodeReport]

    let steps: [PlanStep]
    /// What gradients hold before backward, unless the caller writes them.
    let seeds: [(gradient: UnsafeMutablePointer<lamina_tensor>, value: Float)]
    /// Trained parameters, with their sizes, to whose gradients no step contributes: they are zero.
    let untouchedParameters: [(parameter: Int, count: Int)]
    private let assembled: PlanAssembler.Result
    var boundBase: UnsafeMutableRawPointer?
    var boundVersion = 0
    var preparedVersion = 0

    convenience init(_ graph: Graph, _ request: PlanRequest) throws(GraphError) {
        let builder = PlanBuilder(graph, request)
        try builder.build()
        try self.init(builder, Liveness(builder))
    }

    private init(_ builder: PlanBuilder, _ liveness: Liveness) throws(GraphError) {
        request = builder.request
        let layout = try ArenaLayout(liveness.buffers)
        arenaBytes = layout.totalBytes
        unsharedBytes = try Plan.unshared(builder)
        persistentBytes = try ByteCount.sum(builder.operations.map(\.needs.persistentBytes), "prepacked weights")
        scratchBytes = builder.operations.map(\.needs.scratchBytes).max() ?? 0
        builder.graph.runtime.expectScratch(bytes: scratchBytes)
        var assembler = PlanAssembler(builder, liveness, layout)
        for index in builder.operations.indices { try assembler.addStep(index) }
        assembler.connectFollowers()
        let seeded = liveness.seeded.map { (gradient: assembler.gradient($0.value), value: $0.gradient) }
        seeds = request.takesOutputGradients ? [] : seeded
        let owner = assembler.built
        nodeReports = Plan.reports(builder)
        // Callers' tensors.
        func planned(_ value: Int, _ descriptor: UnsafeMutablePointer<lamina_tensor>) -> PlannedTensor {
            let v = builder.values[value]
            return PlannedTensor(
                name: v.name, dtype: v.spec.dtype, shape: v.spec.shape.map(Int.init), descriptor: descriptor,
                owner: owner)
        }
        let inputValues = builder.inputValues
        inputs = inputValues.map { planned($0, assembler.value($0)) }
        target = builder.targetValue.map { planned($0, assembler.value($0)) }
        outputs = zip(builder.graph.definition.outputs, builder.outputValues).map { output, value in
            PlannedTensor(
                name: output.name, dtype: builder.values[value].spec.dtype,
                shape: builder.values[value].spec.shape.map(Int.init), descriptor: assembler.value(value),
                owner: owner)
        }
        loss = builder.lossValue.map { planned($0, assembler.value($0)) }
        if request.inputGradients {
            inputGradients = (inputValues + (builder.targetValue.map { [$0] } ?? [])).map { value in
                liveness.gradientBuffer[value] == nil ? nil : planned(value, assembler.gradient(value))
            }
        }
        if request.takesOutputGradients {
            outputGradients = builder.outputValues.map { value in
                liveness.gradientBuffer[value] == nil ? nil : planned(value, assembler.gradient(value))
            }
        }
        assembled = assembler.result()
        let touched = Set(assembled.gradientTensors.map(\.0))
        untouchedParameters = builder.graph.parameters.enumerated().compactMap { index, parameter in
            builder.request.parameterGradients && !parameter.isFrozen && !touched.contains(index)
                ? (index, parameter.shape.reduce(1, *)) : nil
        }
        steps = assembled.steps
    }

    /// Points all descriptors into an arena, the parameters and their gradients.
    func bind(to base: UnsafeMutableRawPointer, _ store: ParameterStore, _ gradients: [UnsafeMutableRawPointer]) {
        for (tensor, offset) in assembled.arenaTensors { tensor.pointee.data = base + offset }
        for (parameter, tensor) in assembled.parameterTensors { tensor.pointee.data = store.parameters[parameter] }
        for (buffer, tensor) in assembled.bufferTensors { tensor.pointee.data = store.buffers[buffer] }
        for (parameter, tensor) in assembled.gradientTensors { tensor.pointee.data = gradients[parameter] }
        for (slot, offset) in assembled.arenaPointers { slot.pointee = base + offset }
        boundBase = base
    }

    private static func unshared(_ builder: PlanBuilder) throws(GraphError) -> Int {
        let values = builder.values.map { $0.bytes * ($0.needsGradient ? 2 : 1) }
        let own = builder.operations.flatMap {
            $0.needs.savedBytes + [$0.needs.forwardWorkspace, $0.needs.backwardWorkspace]
        }
        return try ByteCount.sum(values + own, "activations")
    }

    private static func reports(_ builder: PlanBuilder) -> [NodeReport] {
        builder.operations.map { operation in
            let output = builder.values[operation.outputs[0]]
            var component = "reorder"
            var name = output.name
            var bytes = (operation.inputs.compactMap { $0 } + operation.outputs).reduce(0) {
                $0 + builder.values[$1].bytes
            }
            if case .node(let node) = operation.kind {
                component = builder.graph.nodes[node].definition.component
                name = builder.graph.nodes[node].definition.name
                for parameter in builder.graph.nodes[node].parameters {
                    bytes += builder.graph.parameters[parameter].shape.reduce(4, *)
                }
            }
            return NodeReport(
                name: name, component: component,
                runsIn: operation.root.map { builder.values[builder.operations[$0].outputs[0]].name },
                outputShape: output.spec.shape.map(Int.init),
                outputBytes: output.bytes, forwardBytes: bytes,
                forwardFLOPs: operation.needs.forwardFLOPs, backwardFLOPs: operation.needs.backwardFLOPs)
        }
    }
}
