import CAllocationCounter
import CLamina
import LaminaSDK

extension LayerSession {
    /// What goes into a step.
    struct Values {
        var inputs: [TensorValue?]
        var parameters: [TensorValue]
        var buffers: [TensorValue]
        var outputGradients: [TensorValue]
        /// What gradients are added to; nil: they overwrite poison.
        var accumulateOn: (inputs: [TensorValue?], parameters: [TensorValue?])?
    }

    /// Completes what a test gives with random parameters, initial buffers and output gradients of 1.
    func values(
        _ inputs: [TensorValue?], parameters given: [String: TensorValue] = [:],
        buffers state: [String: TensorValue] = [:],
        seed: UInt64
    ) -> Values {
        let parameters = inferred.parameters.enumerated().map { index, parameter in
            given[parameter.name] ?? .uniform(parameter.shape, -0.9...0.9, seed: seed &* 31 &+ UInt64(index))
        }
        let buffers = inferred.buffers.map { state[$0.name] ?? .filled($0.dtype, $0.shape, $0.initial) }
        let gradients = inferred.outputs.map { TensorValue.filled($0.dtype, $0.shape, 1) }
        return Values(
            inputs: harness.padded(inputs), parameters: parameters, buffers: buffers, outputGradients: gradients)
    }

    /// Forward, and backward when gradients are asked for and the layer has one. Throws `CallError`.
    func step(_ values: Values) throws -> LayerResult {
        var result = try forward(values)
        if options.computesGradients, harness.table.pointee.backward != nil { try backward(values, &result) }
        return result
    }

    /// Forward alone; in the inference phase `prepare` comes before it when parameters or buffers have changed.
    func forward(_ values: Values) throws -> LayerResult {
        var result = LayerResult()
        load(values)
        for memory in outputs.memory.indices where !aliases.contains(where: { $0.target == memory }) {
            outputs.memory[memory]?.poison()
        }
        (saved + [workspaces.forward].compactMap { $0 }).forEach { $0.poison() }
        let overwritten = Set(aliases.map(\.source))
        setReadOnly(inputs, except: overwritten)
        setReadOnly(parameters)
        setReadOnly(buffers, except: options.isTraining ? Set(0..<buffers.count) : [])
        setReadOnly(outputs, except: Set(0..<outputs.count))

        var watched = snapshot(inputs, except: overwritten) + snapshot(parameters)
        if !options.isTraining { watched += snapshot(buffers) }
        var run = self.run(workspaces.forward)
        try withSaved(&run) { run in
            let state = values.parameters + values.buffers
            if !options.isTraining, prepared != state, let prepare = harness.table.pointee.prepare {
                try call("prepare", &result) { prepare(planned, run) }
                prepared = state
            }
            try call("forward", &result) { forward(run) }
        }
        if needs.announcesOutput, let output = outputs.forms[0] {
            result.violations += announcements.faults(output, outputs.memory[0]?.bytes)
        }
        check(watched, "forward", &result)
        checkMemory("forward", &result)
        checkWritten(outputs, "forward", &result)
        result.outputs = (0..<outputs.count).map { outputs.value(at: $0)! }
        result.buffers = (0..<buffers.count).map { buffers.value(at: $0)! }
        return result
    }

    /// The call itself, or its ranges.
    private func forward(_ run: UnsafePointer<lamina_run>) -> lamina_status {
        guard options.isInRanges, needs.allowsRanges, let forwardRange = harness.table.pointee.forward_range else {
            return harness.table.pointee.forward(planned, run)
        }
        let count = outputs.forms[0].map { Int64($0.byteCount / $0.dtype.size) } ?? 0
        let cuts = [0, count / 3, count / 2 + 1, count].map { min($0, count) }
        for (begin, end) in zip(cuts, cuts.dropFirst()).reversed() where end > begin {
            // What lies outside the range has not been computed yet, or is overwritten already.
            let hidden = aliases.isEmpty ? hideInputs(outside: Int(begin)..<Int(end)) : []
            forwardRange(planned, run, begin, end - begin)
            for (memory, contents) in hidden { memory.bytes.copyMemory(from: contents, byteCount: contents.count) }
        }
        return LAMINA_OK
    }

    /// Whether the table has `forward_range`.
    var computesRanges: Bool { harness.table.pointee.forward_range != nil }

    /// Makes NaN of all float inputs outside the range; returns what they were.
    private func hideInputs(outside range: Range<Int>) -> [(GuardedMemory, [UInt8])] {
        lamina_allocation_pause()
        defer { lamina_allocation_resume() }
        return inputs.forms.indices.compactMap { index in
            guard let form = inputs.forms[index], form.dtype == .float32, let memory = inputs.memory[index] else {
                return nil
            }
            let contents = memory.contents
            let values = memory.bytes.assumingMemoryBound(to: Float.self)
            for i in 0..<form.byteCount / 4 where !range.contains(i) { values[i] = .nan }
            return (memory, contents)
        }
    }

    private func backward(_ values: Values, _ result: inout LayerResult) throws {
        let kept = hideUnsaved()
        defer { restoreUnsaved() }
        let adds = values.accumulateOn != nil && !needs.overwrites
        prepareGradients(inputGradients, adds ? values.accumulateOn!.inputs : nil, Set(gradientAliases.map(\.target)))
        prepareGradients(parameterGradients, adds ? values.accumulateOn!.parameters : nil, [])
        for (index, value) in values.outputGradients.enumerated() { outputGradients.store(value, at: index) }
        let overwritten = Set(gradientAliases.map(\.source))
        setReadOnly(outputGradients, except: overwritten)
        setReadOnly(inputs)
        setReadOnly(outputs)
        setReadOnly(buffers)
        workspaces.backward?.poison()

        let watched =
            kept.map { ($0, $0.contents) } + snapshot(parameters) + snapshot(buffers)
            + snapshot(outputGradients, except: overwritten)
        var run = self.run(workspaces.backward)
        run.output_gradients = UnsafePointer(outputGradients.raw)
        run.input_gradients = UnsafePointer(inputGradients.raw)
        run.parameter_gradients = UnsafePointer(parameterGradients.raw)
        try withSaved(&run) { run in
            try call("backward", &result) { harness.table.pointee.backward(planned, run) }
        }
        check(watched, "backward", &result)
        checkMemory("backward", &result)
        checkWritten(inputGradients, "backward", &result)
        checkWritten(parameterGradients, "backward", &result)
        result.inputGradients = (0..<inputGradients.count).map { inputGradients.value(at: $0) }
        result.parameterGradients = (0..<parameterGradients.count).map { parameterGradients.value(at: $0) }
        if values.accumulateOn != nil, needs.overwrites { addAfterwards(values.accumulateOn!, &result) }
    }

    /// What the host does for layers that always overwrite.
    private func addAfterwards(
        _ base: (inputs: [TensorValue?], parameters: [TensorValue?]), _ result: inout LayerResult
    ) {
        func sum(_ gradients: [TensorValue?], _ base: [TensorValue?]) -> [TensorValue?] {
            zip(gradients, base).map { gradient, base in
                guard let gradient, let base else { return gradient }
                return TensorValue(gradient.shape, zip(gradient.floats, base.floats).map(+))
            }
        }
        result.inputGradients = sum(result.inputGradients, base.inputs)
        result.parameterGradients = sum(result.parameterGradients, base.parameters)
    }

    private func load(_ values: Values) {
        for (index, value) in values.inputs.enumerated() { if let value { inputs.store(value, at: index) } }
        for (index, value) in values.parameters.enumerated() { parameters.store(value, at: index) }
        for (index, value) in values.buffers.enumerated() { buffers.store(value, at: index) }
    }

    private func prepareGradients(_ gradients: TensorArray, _ base: [TensorValue?]?, _ aliased: Set<Int>) {
        for index in 0..<gradients.count where gradients.forms[index] != nil {
            // A gradient that shares memory with that of an output cannot hold a sum as well.
            let start = aliased.contains(index) ? nil : base?[index]
            gradients.setFlag(LAMINA_TENSOR_ACCUMULATE, start != nil, for: index)
            gradients.memory[index]?.poison()
            if let start { gradients.store(start, at: index) }
        }
    }

    private func run(_ workspace: GuardedMemory?) -> lamina_run {
        var run = lamina_run()
        run.struct_size = UInt32(MemoryLayout<lamina_run>.size)
        run.phase = options.isTraining ? LAMINA_PHASE_TRAINING : LAMINA_PHASE_INFERENCE
        run.inputs = UnsafePointer(inputs.raw)
        run.outputs = UnsafePointer(outputs.raw)
        run.parameters = UnsafePointer(parameters.raw)
        run.buffers = UnsafePointer(buffers.raw)
        run.workspace = workspace?.bytes
        run.persistent = persistent?.bytes
        run.random = random
        run.cache = cache?.bytes
        run.past = Int64(options.steps?.past ?? 0)
        if needs.announcesOutput, let output = outputs.memory[0] { announcements.listen(output.bytes, &run) }
        return run
    }

    private func withSaved(_ run: inout lamina_run, _ body: (UnsafePointer<lamina_run>) throws -> Void) throws {
        let pointers: [UnsafeMutableRawPointer?] = saved.map(\.bytes)
        try pointers.withUnsafeBufferPointer { pointers in
            run.saved = pointers.baseAddress
            try body(&run)
        }
    }

    private func call(_ name: String, _ result: inout LayerResult, _ body: () -> lamina_status) throws(CallError) {
        let before = FloatingPointState()
        let allocations = lamina_thread_allocation_count()
        let status = body()
        let allocated = lamina_thread_allocation_count() - allocations
        if let announced = needs.scratchBytes, harness.host.largestScratch > announced, name != "prepare" {
            result.violations.append(
                "\(name) asks for \(harness.host.largestScratch) bytes of scratch, plan said at most \(announced)")
        }
        result.violations += harness.host.endCall().map { "\(name) \($0)" }
        if before.restore() {
            result.violations.append(
                "\(name) changes the floating-point state (rounding or denormals) and leaves it so")
        }
        try harness.host.check(status, name)
        // The first call may set up what later ones use.
        if !called.insert(name).inserted, name != "prepare", allocated > 0 {
            result.violations.append(
                "\(name) calls malloc (\(allocated) times), wanted no call: ask for memory in plan (workspace, saved, "
                    + "persistent), or use the host's scratch")
        }
    }
}
