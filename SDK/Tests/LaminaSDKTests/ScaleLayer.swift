import CLamina
import Glibc
import LaminaSDK
import Synchronization

/// y = w·x² with one weight: right when `fault` is "none", and otherwise wrong in the way that it names.
struct ScaleLayer: Layer {
    static let name = "scale"
    static let documentation = "y = w·x²; for tests of the tests."
    static let faults = [
        "none", "forward_outside", "backward_outside", "workspace_outside", "unwritten", "writes_input",
        "wrong_gradient",
        "wrong_weight_gradient", "wrong_tail", "forgets_accumulate", "writes_unwanted", "not_repeatable",
        "depends_on_order", "depends_on_threads", "keeps_state", "reads_unsaved", "in_place_wrong", "symbolic_wrong",
        "symbolic_refused", "no_text", "channels_last_wrong", "inference_wrong", "inference_gradient_wrong",
        "flushes_denormals", "nan", "scratch_outside", "name_twice", "trusts_plan", "allocates",
        "range_wrong", "range_reads_more", "announces_less", "announces_early", "scratch_more",
    ]
    static let attributes: [AttributeSchema] = [
        .string("fault", default: "none", choices: faults, "What is wrong.")
    ]

    let fault: String
    init(_ attributes: Attributes) { fault = attributes.string("fault") }

    func infer(_ inference: Inference) throws {
        try inference.require(0, .float32)
        var shape = inference.shape(0)
        guard shape.count >= 1 else {
            throw PluginError.shape(fault == "no_text" ? "" : "input has rank 0, wanted at least 1", input: 0)
        }
        if shape[0].isSymbolic {
            if fault == "symbolic_wrong" { shape[0] = try inference.host.add(shape[0], Dimension(1)) }
            if fault == "symbolic_refused" { _ = try inference.literal(shape[0], "the batch") }
        }
        try inference.addOutput(.float32, shape)
        try inference.addParameter("weight", [1], initializer: "core.constant", ["value": .real(1)])
        if fault == "name_twice" { try inference.addParameter("weight", [1], initializer: "core.constant") }
        inference.setLayouts(.any)
    }

    func plan(_ planning: Planning) -> any PlannedLayer {
        if fault != "reads_unsaved" { planning.saveInput(0) } else { planning.saveOutput(0) }
        if fault == "in_place_wrong" { planning.allowGradientReuse() }
        if fault.hasPrefix("range") { planning.allowRanges() }
        if fault.hasPrefix("announces") { planning.announceOutput() }
        planning.setWorkspace(forward: fault.hasPrefix("range") ? 0 : 64, backward: 8 * 1024)
        planning.setPersistent(bytes: 4)
        if fault == "scratch_more" { planning.setScratch(bytes: 64) }
        planning.setFLOPs(forward: Double(2 * planning.input(0).count))
        return PlannedScale(
            fault: fault, wantsBoth: planning.wantsInputGradient(0) && planning.wantsParameterGradient(0))
    }
}

private let calls = Atomic<Int>(0)

private struct PlannedScale: PlannedLayer {
    let fault: String
    /// What `plan` was told, not what backward is asked for.
    let wantsBoth: Bool
    static let grain = 1000

    func forward(_ run: Run) throws {
        let (x, y, w) = (run.input(0), run.output(0), run.parameter(0).floats[0])
        let count = x.count
        run.host.parallelFor(count, grain: Self.grain) { begin, end in
            if fault == "announces_early" { run.finished(begin, count: end - begin) }
            for i in begin..<end { y.floats[i] = w * x.floats[i] * x.floats[i] }
        }
        if fault == "announces_less", count > 0 { run.finished(0, count: count - 1) }
        guard count > 0 else { return }
        switch fault {
        case "forward_outside": y.floats[count] = 1
        case "workspace_outside": run.workspace.storeBytes(of: 1, toByteOffset: -4, as: Int32.self)
        case "unwritten": y.floats[count / 2] = Float(bitPattern: 0x7FF7_A5A5)
        case "writes_input": x.floats[0] += 1
        case "nan": y.floats[0] = .nan
        case "not_repeatable": y.floats[0] += Float(calls.wrappingAdd(1, ordering: .relaxed).newValue)
        case "channels_last_wrong": if x.isChannelsLast { y.floats[0] += 1 }
        case "inference_wrong": if !run.isTraining { y.floats[count] = 1 }
        case "keeps_state":
            let memory = run.persistent.assumingMemoryBound(to: Float.self)
            y.floats[0] += memory.pointee
            memory.pointee += x.floats[0]
        case "scratch_outside": try run.host.scratch(bytes: 16).storeBytes(of: 1, toByteOffset: 16, as: Int32.self)
        case "scratch_more": _ = try run.host.scratch(bytes: 65)
        case "flushes_denormals": fesetround(FE_DOWNWARD)
        case "allocates": free(realpath("/", nil))
        default: break
        }
    }

    func forward(_ run: Run, _ range: Range<Int>) {
        let (x, y, w) = (run.input(0), run.output(0), run.parameter(0).floats[0])
        let factor: Float = fault == "range_wrong" ? 1.01 : 1
        for i in range { y.floats[i] = (i == range.lowerBound ? factor : 1) * w * x.floats[i] * x.floats[i] }
        if fault == "range_reads_more" { y.floats[range.lowerBound] += 0 * x.floats[0] }
    }

    // dL/dx = 2·w·x·dy, dL/dw = Σ x²·dy
    func backward(_ run: Run) {
        let (dy, dx, dw) = (run.outputGradient(0), run.inputGradient(0), run.parameterGradient(0))
        let (x, w) = (run.input(0), run.parameter(0).floats[0])
        let (source, count) = (fault == "reads_unsaved" ? run.input(0).raw.pointee.data : x.bytes, dy.count)
        guard let source else { return }
        if fault == "trusts_plan", wantsBoth, dx.isAbsent { return }
        let values = source.assumingMemoryBound(to: Float.self)
        if !dw.isAbsent || fault == "writes_unwanted" {
            let sum = weightGradient(run, values, dy.floats, count) * (fault == "wrong_weight_gradient" ? 0.9 : 1)
            if !dw.isAbsent {
                if dw.accumulates && fault != "forgets_accumulate" { dw.floats[0] += sum } else { dw.floats[0] = sum }
            }
        }
        if dx.isAbsent { return }
        let factor: Float = fault == "wrong_gradient" ? 2.1 : 2
        if fault == "inference_gradient_wrong", !run.isTraining {
            for i in 0..<count { dx.floats[i] = dx.accumulates ? dx.floats[i] : 0 }
            return
        }
        if fault == "in_place_wrong" {
            for i in 0..<count { dx.floats[i] = 0 }
        }
        for i in 0..<count {
            let value = factor * w * values[i] * dy.floats[i] * (fault == "wrong_tail" && i >= 2048 ? 0.5 : 1)
            if dx.accumulates { dx.floats[i] += value } else { dx.floats[i] = value }
        }
        if fault == "backward_outside", count > 0 { dx.floats[-1] = 0 }
    }

    private func weightGradient(
        _ run: Run, _ x: UnsafeMutablePointer<Float>, _ dy: UnsafeMutablePointer<Float>, _ count: Int
    ) -> Float {
        if fault == "depends_on_order" {
            // A running sum over chunks: right, but the rounding depends on their order.
            let sum = Atomic<UInt32>(0)
            run.host.parallelFor(count, grain: 2) { begin, end in
                var part: Float = 0
                for i in begin..<end { part += x[i] * x[i] * dy[i] }
                var old = sum.load(ordering: .relaxed)
                while true {
                    let new = (Float(bitPattern: old) + part).bitPattern
                    let result = sum.compareExchange(expected: old, desired: new, ordering: .relaxed)
                    if result.exchanged { break }
                    old = result.original
                }
            }
            return Float(bitPattern: sum.load(ordering: .relaxed))
        }
        let parts = run.workspace.assumingMemoryBound(to: Float.self)
        let grain = max(Self.grain, (count + 1023) / 1024)
        run.host.parallelFor(count, grain: grain) { begin, end in
            var part: Float = 0
            for i in begin..<end { part += x[i] * x[i] * dy[i] }
            if fault == "depends_on_threads", begin > 0, pthread_self() != mainThreadOfCall.value { part *= 1.0001 }
            parts[begin / grain] = part
        }
        var sum: Float = 0
        for chunk in 0..<((count + grain - 1) / grain) { sum += parts[chunk] }
        return sum
    }
}

/// The thread that runs the tests' calls, for the fault "depends_on_threads".
final class CallingThread: @unchecked Sendable {
    private let key: pthread_key_t = {
        var key = pthread_key_t()
        pthread_key_create(&key, nil)
        return key
    }()
    func mark() { pthread_setspecific(key, UnsafeRawPointer(bitPattern: 1)) }
    /// The calling thread when it is marked, else none that exists.
    var value: pthread_t { pthread_getspecific(key) != nil ? pthread_self() : 0 }
}
let mainThreadOfCall = CallingThread()
