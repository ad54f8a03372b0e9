import CLamina
import LaminaHost
import LaminaSDK

/// A layer planned for concrete shapes: the handle, released with this object.
final class PlannedHandle: @unchecked Sendable {
    let layer: LayerInstance
    let handle: UnsafeMutableRawPointer

    init(_ layer: LayerInstance, _ handle: UnsafeMutableRawPointer) {
        self.layer = layer
        self.handle = handle
    }

    deinit { layer.table.pointee.release(handle) }
}

extension PlanBuilder {
    /// What a layer's `plan` asks for.
    struct Needs {
        var savedInputs: Set<Int> = []
        var savedOutputs: Set<Int> = []
        var savedBytes: [Int] = []
        var forwardWorkspace = 0
        var backwardWorkspace = 0
        var persistentBytes = 0
        var inPlace: [(output: Int, input: Int, isView: Bool)] = []
        var gradientInPlace: [(input: Int, output: Int, isView: Bool)] = []
        var forwardFLOPs = 0.0
        var backwardFLOPs = 0.0
        var overwrites = false
        var allowsRanges = false
        var announcesOutput = false
        var scratchBytes = 0
        var allowsSteps = false
        /// Sequences, and bytes that are kept of each of their steps.
        var cache: (rows: Int, stepBytes: Int)?
        /// Whether it has an input that holds some of the steps of sequences.
        var takesSteps = false
    }

    private final class Sink {
        var needs = Needs()
        let inputCount: Int
        let outputCount: Int
        /// Requests that make no sense; a bug of the plugin.
        var fault: String?

        init(_ inputCount: Int, _ outputCount: Int) {
            self.inputCount = inputCount
            self.outputCount = outputCount
        }

        static func at(_ pointer: UnsafeMutableRawPointer?) -> Sink {
            Unmanaged<Sink>.fromOpaque(pointer!).takeUnretainedValue()
        }

        func bytes(_ value: UInt64) -> Int {
            guard value <= 1 << 46 else {
                fault = "asks for \(value) bytes"
                return 0
            }
            return Int(value)
        }

        func has(input: Int32) -> Bool {
            let valid = input >= 0 && input < inputCount
            if !valid { fault = "names input \(input), which it does not have" }
            return valid
        }

        func has(output: Int32) -> Bool {
            let valid = output >= 0 && output < outputCount
            if !valid { fault = "names output \(output), which it does not have" }
            return valid
        }
    }

    /// Calls every layer's `plan`.
    func askNeeds() throws(GraphError) {
        for index in operations.indices {
            switch operations[index].kind {
            case .reorder:
                let input = values[operations[index].inputs[0]!]
                if Reorder.isIdentity(input.spec) {
                    operations[index].needs.inPlace = [(0, 0, true)]
                    operations[index].needs.gradientInPlace = [(0, 0, true)]
                }
            case .node(let node):
                try askNeeds(of: index, graph.nodes[node])
            }
        }
    }

    private func askNeeds(of index: Int, _ node: Graph.Node) throws(GraphError) {
        let operation = operations[index]
        let inputs = describe(operation.inputs)
        let outputs = describe(operation.outputs.map { Optional($0) })
        let parameters = DescriptorArray(count: node.parameters.count)
        for (position, parameter) in node.parameters.enumerated() {
            let shape = graph.parameters[parameter].shape.map(Int64.init)
            parameters.describe(position, TensorSpec(dtype: .float32, shape: shape))
        }
        let buffers = DescriptorArray(count: node.buffers.count)
        for (position, buffer) in node.buffers.enumerated() {
            let spec = graph.buffers[buffer]
            buffers.describe(position, TensorSpec(dtype: spec.dtype, shape: spec.shape.map(Int64.init)))
        }
        let wantsInput = operation.inputs.indices.map { UInt8(wantsGradient(operation, input: $0) ? 1 : 0) }
        let wantsParameter = wantedParameters(operation).map { UInt8($0 ? 1 : 0) }
        let holdsSteps = operation.inputs.map { UInt8($0.map { values[$0].holdsSteps } ?? false ? 1 : 0) }
        let sink = Sink(operation.inputs.count, operation.outputs.count)
        var handle: UnsafeMutableRawPointer?
        let status = wantsInput.withUnsafeBufferPointer { wantsInput in
            wantsParameter.withUnsafeBufferPointer { wantsParameter in
                var planning = Self.table(sink)
                planning.phase = request.phase == .training ? LAMINA_PHASE_TRAINING : LAMINA_PHASE_INFERENCE
                planning.input_count = Int32(inputs.count)
                planning.output_count = Int32(outputs.count)
                planning.parameter_count = Int32(parameters.count)
                planning.buffer_count = Int32(buffers.count)
                planning.inputs = UnsafePointer(inputs.base)
                planning.outputs = UnsafePointer(outputs.base)
                planning.parameters = UnsafePointer(parameters.base)
                planning.buffers = UnsafePointer(buffers.base)
                planning.wants_input_gradient = wantsInput.baseAddress ?? Self.none
                planning.wants_parameter_gradient = wantsParameter.baseAddress ?? Self.none
                return holdsSteps.withUnsafeBufferPointer { holdsSteps in
                    if holdsSteps.contains(1) {
                        planning.input_steps = holdsSteps.baseAddress
                        planning.cache_steps = Int64(request.steps!.capacity)
                    }
                    return withExtendedLifetime((inputs, outputs, parameters, buffers, sink)) {
                        node.layer.table.pointee.plan(node.layer.handle, &planning, &handle)
                    }
                }
            }
        }
        if let handle { operations[index].planned = PlannedHandle(node.layer, handle) }
        do {
            try graph.runtime.check(status, node.definition.component)
        } catch {
            throw located(error, node)
        }
        guard handle != nil, sink.fault == nil else {
            throw GraphError(
                .internal, node: node.definition.name,
                "\(node.definition.component) \"\(node.definition.name)\": its plan \(sink.fault ?? "is NULL") (a bug of the plugin)"
            )
        }
        if let rows = sink.needs.cache?.rows,
            let steps = operation.inputs.compactMap({ $0 }).first(where: { values[$0].holdsSteps }),
            rows != values[steps].spec.shape[0]
        {
            throw GraphError(
                .internal, node: node.definition.name,
                "\(node.definition.component) \"\(node.definition.name)\" asks for a cache of \(rows) rows, wanted "
                    + "\(values[steps].spec.shape[0]), one per sequence (a bug of the plugin)")
        }
        operations[index].needs = sink.needs
        operations[index].needs.takesSteps = holdsSteps.contains(1)
        guard !holdsSteps.contains(1) || sink.needs.allowsSteps else {
            throw GraphError(
                .unsupported, node: node.definition.name,
                "\(node.definition.component) \"\(node.definition.name)\" cannot be computed step by step")
        }
    }

    nonisolated(unsafe) private static let none: UnsafePointer<UInt8> = {
        let byte = UnsafeMutablePointer<UInt8>.allocate(capacity: 1)
        byte.pointee = 0
        return UnsafePointer(byte)
    }()

    private func describe(_ ids: [Int?]) -> DescriptorArray {
        let tensors = DescriptorArray(count: ids.count)
        for (index, id) in ids.enumerated() {
            tensors.describe(
                index, id.map { values[$0].spec }, layout: id.map { values[$0].layout } ?? LAMINA_LAYOUT_PLAIN)
        }
        return tensors
    }

    private static func table(_ sink: Sink) -> lamina_planning {
        var planning = lamina_planning()
        planning.struct_size = UInt32(MemoryLayout<lamina_planning>.size)
        planning.sink = Unmanaged.passUnretained(sink).toOpaque()
        planning.save_input = { sink, input in
            let sink = Sink.at(sink)
            if sink.has(input: input) { sink.needs.savedInputs.insert(Int(input)) }
        }
        planning.save_output = { sink, output in
            let sink = Sink.at(sink)
            if sink.has(output: output) { sink.needs.savedOutputs.insert(Int(output)) }
        }
        planning.save_bytes = { sink, bytes in
            let sink = Sink.at(sink)
            sink.needs.savedBytes.append(sink.bytes(bytes))
            return Int32(sink.needs.savedBytes.count - 1)
        }
        planning.set_workspace = { sink, forward, backward in
            let sink = Sink.at(sink)
            (sink.needs.forwardWorkspace, sink.needs.backwardWorkspace) = (sink.bytes(forward), sink.bytes(backward))
        }
        planning.set_persistent = { sink, bytes in
            let sink = Sink.at(sink)
            sink.needs.persistentBytes = sink.bytes(bytes)
        }
        planning.allow_in_place = { sink, output, input, how in
            let sink = Sink.at(sink)
            guard sink.has(input: input), sink.has(output: output) else { return }
            sink.needs.inPlace.append((Int(output), Int(input), how == LAMINA_IN_PLACE_VIEW))
        }
        planning.allow_gradient_in_place = { sink, input, output, how in
            let sink = Sink.at(sink)
            guard sink.has(input: input), sink.has(output: output) else { return }
            sink.needs.gradientInPlace.append((Int(input), Int(output), how == LAMINA_IN_PLACE_VIEW))
        }
        planning.set_flops = { sink, forward, backward in
            (Sink.at(sink).needs.forwardFLOPs, Sink.at(sink).needs.backwardFLOPs) = (forward, backward)
        }
        planning.set_overwrites = { Sink.at($0).needs.overwrites = true }
        planning.allow_ranges = { Sink.at($0).needs.allowsRanges = true }
        planning.announce_output = { Sink.at($0).needs.announcesOutput = true }
        planning.set_scratch = { sink, bytes in
            let sink = Sink.at(sink)
            sink.needs.scratchBytes = sink.bytes(bytes)
        }
        planning.allow_steps = { Sink.at($0).needs.allowsSteps = true }
        planning.set_cache = { sink, rows, bytes in
            let sink = Sink.at(sink)
            if !(0...1 << 32).contains(rows) { sink.fault = "asks for a cache of \(rows) sequences" }
            sink.needs.cache = (Int(clamping: rows), sink.bytes(bytes))
        }
        return planning
    }
}
