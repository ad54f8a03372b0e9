import CLamina
import LaminaSDK

/// Checks a layer or loss with random inputs, through the C ABI, as hosts use it. Empty: nothing is wrong.
///
/// For every case, in every layout that the layer accepts: nothing is written outside of its memory or to what is
/// read-only, and all outputs are written; gradients agree with finite differences; they are added where that is asked
/// for; unwanted ones are left alone; backward reads only what `plan` saved; in-place use changes nothing; results are
/// the same bits when repeated, on 1 and 3 threads, and with chunks in any order; shapes with a symbolic batch agree
/// with the concrete ones; a layer that allows sequences step by step gives for the steps what it gives for whole
/// sequences; optional inputs that are missing at the end are as good as absent ones; a call that is
/// repeated does not use malloc. Then the same, shorter, with batches of 0, 1, 3, 7, 17 and one that is large; and
/// shapes that make no sense must be refused with a text.
///
/// - Returns: one text per fault, with the case, what differs, got and wanted.
public func checkLayer(_ component: Component, cases: [LayerCase], seed: UInt64 = 1) -> [String] {
    checkLayer(component.raw, cases: cases, seed: seed)
}

/// The same for a component of a loaded library.
public func checkLayer(
    _ component: UnsafePointer<lamina_component>, cases: [LayerCase], seed: UInt64 = 1
) -> [String] {
    cases.flatMap { LayerCheck(component, $0, seed: seed).run() }
}

/// The checks of one case.
struct LayerCheck {
    let component: UnsafePointer<lamina_component>
    let layerCase: LayerCase
    let seed: UInt64
    /// More faults of one case than this are not worth reading.
    static let faultLimit = 6

    init(_ component: UnsafePointer<lamina_component>, _ layerCase: LayerCase, seed: UInt64) {
        self.component = component
        self.layerCase = layerCase
        self.seed = seed
    }

    func run() -> [String] {
        if layerCase.rejection != nil { return named(layerCase.name, checkRejection()) }
        var faults = named(layerCase.name, attempt { try full() })
        if !faults.isEmpty { return faults }
        for size in [0, 1, 3, 7, 17] {
            guard let variant = layerCase.withBatch(size) else { continue }
            faults += named(variant.name, attempt { try brief(variant, derivatives: size >= 3) })
        }
        if let variant = layerCase.withBatch(largeBatch), largeBatch > 17 {
            faults += named(variant.name, attempt { try brief(variant, derivatives: true) })
        }
        return faults + named(layerCase.name, checkOddShapes())
    }

    private var largeBatch: Int {
        if let size = layerCase.largeBatch { return size }
        let perSample = layerCase.inputs.map { $0.shape.dropFirst().reduce(1, *) }.max() ?? 1
        return max(1, min(150_000 / max(perSample, 1), 150_000))
    }

    /// Turns a failing call into a fault.
    private func attempt(_ body: () throws -> [String]) -> [String] {
        do { return try body() } catch { return ["\(error)"] }
    }

    private func named(_ name: String, _ faults: [String]) -> [String] {
        let component = String(cString: component.pointee.name)
        var result = faults.prefix(Self.faultLimit).map { "\(component) \(name): \($0)" }
        if faults.count > Self.faultLimit {
            result.append("\(component) \(name): and \(faults.count - Self.faultLimit) faults more")
        }
        return result
    }

    private func full() throws -> [String] {
        let subject = try LayerSubject(component, layerCase, seed: seed)
        var plain: LayerResult?
        for layout in subject.layouts {
            let prefix = layout == .plain ? "" : "in channels-last layout, "
            // Each check trusts what those before it have established.
            let checks: [() throws -> [String]] = [
                { try subject.checkMemoryRules(layout) }, { try subject.checkRepeatability(layout) },
                { try subject.checkInPlace(layout) }, { try subject.checkRanges(layout, isTraining: true) },
                { try subject.checkGradientRules(layout) },
                { try subject.checkInference(layout) }, { try layout == .plain ? subject.checkSteps() : [] },
            ]
            for check in checks {
                let faults = try check()
                if !faults.isEmpty { return faults.map { prefix + $0 } }
            }
            let result = try subject.session(.init(layout: layout)).step(subject.values)
            if let plain, layerCase.layoutsAgree {
                let faults = result.differences(from: plain, subject.inferred, tolerance: 2e-5)
                if !faults.isEmpty { return faults.map { prefix + $0 + ": the plain layout is what is wanted" } }
            }
            plain = plain ?? result
        }
        var faults = try subject.checkSymbolicBatch() + checkMissingInputs(subject.harness)
        if layerCase.checksDerivatives, subject.isDifferentiable {
            faults += try FiniteDifferences(subject, layerCase.derivativeTolerance).check()
            faults += try FiniteDifferences(subject, layerCase.derivativeTolerance, isTraining: false).check().map {
                "in the inference phase, \($0)"
            }
        }
        return faults
    }

    /// Checks that cost little, for shapes that differ from the case's in the batch alone.
    private func brief(_ variant: LayerCase, derivatives: Bool) throws -> [String] {
        let subject: LayerSubject
        do {
            subject = try LayerSubject(component, variant, seed: seed &+ 17)
            _ = try subject.session(.init(unsaved: .poison)).step(subject.values)
        } catch let error as CallError {
            // A layer may refuse a batch (statistics of nothing), but must say why.
            return error.text.isEmpty ? ["\(error)"] : []
        }
        var faults: [String] = []
        for layout in subject.layouts {
            faults += try subject.checkMemoryRules(layout, mayBeNaN: variant.batch ?? 2 < 2)
            if faults.isEmpty { faults += try subject.checkThreads(layout) }
        }
        if derivatives, faults.isEmpty, layerCase.checksDerivatives, subject.isDifferentiable {
            faults += try FiniteDifferences(subject, layerCase.derivativeTolerance).checkDirections()
        }
        return faults
    }
}
