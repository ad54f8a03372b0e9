import CLamina
import LaminaSDK

/// A planned layer with memory for its tensors; runs any number of steps.
///
/// Every block of memory is guarded and poisoned before each step, saved tensors apart: see `GuardedMemory`.
final class LayerSession {
    /// What backward finds in tensors that `plan` did not save.
    enum Unsaved { case values, poison, null }

    struct Options {
        var isTraining = true
        /// Whether backward follows; nil: in the training phase. Both phases may have gradients.
        var hasBackward: Bool?
        var layout: Layouts = .plain
        /// Uses every allowed in-place and view.
        var isInPlace = false
        var unsaved = Unsaved.null
        /// Forward by ranges, the last one first, where the plan allows it.
        var isInRanges = false
        /// Inputs hold the newest steps of sequences.
        var steps: (inputs: [Bool], capacity: Int, past: Int)?
        /// Which gradients backward computes; nil: all that can be.
        var wantedInputs: [Bool]?
        var wantedParameters: [Bool]?
        /// Which of those that `plan` was told of backward is asked for; nil: all.
        var askedInputs: [Bool]?
        var askedParameters: [Bool]?

        var computesGradients: Bool { hasBackward ?? isTraining }
    }

    let harness: LayerHarness
    let inferred: InferredLayer
    let options: Options
    let needs: LayerNeeds
    var random = lamina_random(seed: 42, stream: 7, offset: 3 << 40)

    let inputs: TensorArray
    let outputs: TensorArray
    let parameters: TensorArray
    let buffers: TensorArray
    let outputGradients: TensorArray
    let inputGradients: TensorArray
    let parameterGradients: TensorArray
    let saved: [GuardedMemory]
    let workspaces: (forward: GuardedMemory?, backward: GuardedMemory?)
    let persistent: GuardedMemory?
    /// Outputs whose memory is an input's, and gradients of inputs whose memory is that of an output's gradient.
    let aliases: [LayerNeeds.InPlace]
    let gradientAliases: [LayerNeeds.InPlace]
    let planned: UnsafeMutableRawPointer?
    /// The parameters and buffers that `prepare` has seen.
    var prepared: [TensorValue]?
    let announcements = Announcements()
    /// The functions that have been called before.
    var called: Set<String> = []
    /// What is kept from session to session, one for each piece of sequences.
    var cache: GuardedMemory?

    /// Runs `plan` and allocates what it asks for. Throws `CallError`.
    init(_ harness: LayerHarness, _ given: [TensorForm?], _ inferred: InferredLayer, _ options: Options) throws {
        self.harness = harness
        self.inferred = inferred
        self.options = options
        func laidOut(_ form: TensorForm) -> TensorForm { TensorForm(form.dtype, form.dimensions, options.layout) }

        let inputForms = harness.padded(given).map { $0.map(laidOut) }
        let outputForms = inferred.outputs.map { laidOut(TensorForm($0.dtype, $0.dimensions.map(\.value))) }
        let parameterForms = inferred.parameters.map { TensorForm(.float32, $0.shape.map(Int64.init)) }
        let bufferForms = inferred.buffers.map { TensorForm($0.dtype, $0.shape.map(Int64.init)) }
        let last = inputForms.count - 1
        let hasBackward = options.computesGradients && harness.table.pointee.backward != nil
        let wantsInput = inputForms.enumerated().map { index, form in
            hasBackward && form?.dtype.isReal == true
                && options.wantedInputs?[index] ?? !(harness.isLoss && index == last)
        }
        let wantsParameter = parameterForms.indices.map { hasBackward && options.wantedParameters?[$0] ?? true }

        func names(_ what: String, _ count: Int) -> [String] { (0..<count).map { "\(what) \($0)" } }
        let parameterNames = inferred.parameters.map { "parameter '\($0.name)'" }
        let missing = harness.missingCount(inputForms)
        inputs = TensorArray(inputForms, names: names("input", inputForms.count), strangers: missing)
        outputs = TensorArray(outputForms, names: names("output", outputForms.count))
        parameters = TensorArray(parameterForms, names: parameterNames)
        buffers = TensorArray(bufferForms, names: inferred.buffers.map { "buffer '\($0.name)'" })
        outputGradients = TensorArray(
            outputForms.map { hasBackward && $0.dtype.isReal ? $0 : nil },
            names: names("the gradient of output", outputForms.count))
        inputGradients = TensorArray(
            inputForms.indices.map { wantsInput[$0] && options.askedInputs?[$0] ?? true ? inputForms[$0] : nil },
            names: names("the gradient of input", inputForms.count), strangers: missing)
        parameterGradients = TensorArray(
            parameterForms.indices.map {
                wantsParameter[$0] && options.askedParameters?[$0] ?? true ? parameterForms[$0] : nil
            },
            names: parameterNames.map { "the gradient of \($0)" })

        (planned, needs) = try Self.plan(
            harness, options, inputForms, outputForms, parameterForms, bufferForms, wantsInput, wantsParameter)
        let needs = needs
        saved = needs.savedBytes.enumerated().map { GuardedMemory(bytes: $1, name: "saved tensor \($0)") }
        func block(_ bytes: Int, _ name: String) -> GuardedMemory? {
            bytes > 0 ? GuardedMemory(bytes: bytes, name: name) : nil
        }
        workspaces = (
            block(needs.forwardWorkspace, "the workspace of forward"),
            block(needs.backwardWorkspace, "the workspace of backward")
        )
        persistent = block(needs.persistentBytes, "the persistent memory")
        if let persistent { persistent.bytes.initializeMemory(as: UInt8.self, repeating: 0, count: persistent.count) }

        for array in [inputs, outputs, parameters, buffers, outputGradients, inputGradients, parameterGradients] {
            array.allocate()
        }
        aliases =
            options.isInPlace
            ? Self.share(outputs, inputs, needs.inPlace.filter { $0.isView || !needs.savedInputs.contains($0.source) })
            : []
        gradientAliases =
            options.isInPlace && hasBackward ? Self.share(inputGradients, outputGradients, needs.gradientInPlace) : []
    }

    deinit { harness.table.pointee.release(planned) }

    private static func plan(
        _ harness: LayerHarness, _ options: Options, _ inputs: [TensorForm?], _ outputs: [TensorForm],
        _ parameters: [TensorForm], _ buffers: [TensorForm], _ wantsInput: [Bool], _ wantsParameter: [Bool]
    ) throws(CallError) -> (UnsafeMutableRawPointer?, LayerNeeds) {
        // These arrays end with the call: a layer that keeps them reads freed memory.
        let arrays = [inputs, outputs, parameters, buffers].enumerated().map { index, forms in
            TensorArray(
                forms, names: Array(repeating: "", count: forms.count),
                strangers: index == 0 ? harness.missingCount(forms) : 0)
        }
        let sink = PlanningSink(inputCount: inputs.count, outputCount: outputs.count)
        var planning = lamina_planning()
        planning.struct_size = UInt32(MemoryLayout<lamina_planning>.size)
        planning.phase = options.isTraining ? LAMINA_PHASE_TRAINING : LAMINA_PHASE_INFERENCE
        planning.input_count = Int32(inputs.count)
        planning.output_count = Int32(outputs.count)
        planning.parameter_count = Int32(parameters.count)
        planning.buffer_count = Int32(buffers.count)
        planning.inputs = UnsafePointer(arrays[0].raw)
        planning.outputs = UnsafePointer(arrays[1].raw)
        planning.parameters = UnsafePointer(arrays[2].raw)
        planning.buffers = UnsafePointer(arrays[3].raw)
        sink.install(in: &planning)
        var planned: UnsafeMutableRawPointer?
        let status = wantsInput.map { UInt8($0 ? 1 : 0) }.withUnsafeBufferPointer { wantsInput in
            wantsParameter.map { UInt8($0 ? 1 : 0) }.withUnsafeBufferPointer { wantsParameter in
                planning.wants_input_gradient = wantsInput.baseAddress
                planning.wants_parameter_gradient = wantsParameter.baseAddress
                let flags = (options.steps?.inputs ?? []).map { UInt8($0 ? 1 : 0) }
                return flags.withUnsafeBufferPointer { flags in
                    if let steps = options.steps {
                        (planning.input_steps, planning.cache_steps) = (flags.baseAddress, Int64(steps.capacity))
                    }
                    return withExtendedLifetime((arrays, sink)) {
                        harness.table.pointee.plan(harness.layer, &planning, &planned)
                    }
                }
            }
        }
        let outside = harness.host.endCall()
        try harness.host.check(status, "plan")
        let nothing = planned == nil ? "plan succeeds but leaves its result NULL" : nil
        if let fault = sink.faults.first ?? outside.first ?? nothing {
            if planned != nil { harness.table.pointee.release(planned) }
            throw CallError(call: "plan", status: LAMINA_ERROR_INTERNAL, text: fault, argument: -1)
        }
        return (planned, sink.needs)
    }

    /// Lets targets use the memory of sources where `permits` allow and sizes agree; each source at most once.
    private static func share(
        _ targets: TensorArray, _ sources: TensorArray, _ permits: [LayerNeeds.InPlace]
    ) -> [LayerNeeds.InPlace] {
        var taken: [LayerNeeds.InPlace] = []
        for permit in permits {
            guard let target = targets.forms[permit.target], let source = sources.forms[permit.source],
                target.byteCount == source.byteCount, let memory = sources.memory[permit.source],
                !taken.contains(where: { $0.target == permit.target || $0.source == permit.source })
            else { continue }
            targets.use(memory, for: permit.target)
            taken.append(permit)
        }
        return taken
    }
}
