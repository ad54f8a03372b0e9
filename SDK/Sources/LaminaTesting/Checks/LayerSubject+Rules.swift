import CLamina
import LaminaSDK

extension LayerSubject {
    /// Memory is respected, outputs are finite, and backward gets by with what was saved.
    func checkMemoryRules(_ layout: Layouts, mayBeNaN: Bool = false) throws -> [String] {
        let whole = try session(.init(layout: layout, unsaved: .values)).step(values)
        var faults = whole.violations
        let again = try session(.init(layout: layout, unsaved: .values)).step(values)
        faults += again.differences(from: whole, inferred).map { "run again, \($0)" }
        if !mayBeNaN, faults.isEmpty {
            faults += whole.named(inferred).compactMap { name, value in
                guard value.dtype.isReal, let index = value.doubles.firstIndex(where: { !$0.isFinite }) else {
                    return nil
                }
                return "\(name) is \(value.doubles[index]) at \(value.position(of: index)), with finite inputs"
            }
        }
        guard faults.isEmpty, isDifferentiable else { return faults }
        // Poison first: a layer that reads what it has not saved then shows in its results. Only after that NULL, which
        // would end the process.
        let poisoned = try session(.init(layout: layout, unsaved: .poison)).step(values)
        faults += unsavedReads(poisoned, whole)
        guard faults.isEmpty else { return faults }
        let bare = try session(.init(layout: layout, unsaved: .null)).step(values)
        return bare.violations + bare.differences(from: whole, inferred)
    }

    /// What shows that backward has read poison instead of `whole`'s values.
    private func unsavedReads(_ poisoned: LayerResult, _ whole: LayerResult) -> [String] {
        (poisoned.differences(from: whole, inferred) + poisoned.violations).prefix(1).map {
            "backward reads an input or output that plan did not save: \($0)"
        }
    }

    /// The same bits again: on a new plan, on a used one, on other threads.
    func checkRepeatability(_ layout: Layouts) throws -> [String] {
        let session = try session(.init(layout: layout))
        let first = try session.step(values)
        var other = values
        other.inputs = layerCase.values(seed: 77)
        _ = try session.step(other)
        let again = try session.step(values)
        var faults = again.differences(from: first, inferred).map { "run again after another batch, \($0)" }
        let fresh = try self.session(.init(layout: layout)).step(values)
        faults += fresh.differences(from: first, inferred).map { "run again on a new plan, \($0)" }
        if !faults.isEmpty { return faults }
        return try checkThreads(layout)
    }

    /// Threads and the order of chunks do not show in the result.
    func checkThreads(_ layout: Layouts) throws -> [String] {
        let session = try session(.init(layout: layout))
        let alone = try session.step(values)
        let reordered = try with(threads: 1, shuffled: true) { try session.step(values) }
        var faults = reordered.differences(from: alone, inferred).map {
            "with parallel_for's chunks in another order, \($0)"
        }
        for round in 1...2 where faults.isEmpty {
            let together = try with(threads: 3, shuffled: round == 2) { try session.step(values) }
            faults += together.differences(from: alone, inferred).map { "with 3 threads instead of 1, \($0)" }
            faults += together.violations
        }
        return faults
    }

    /// Forward range by range, where the plan allows it, gives the same bits, in place or not.
    func checkRanges(_ layout: Layouts, isTraining: Bool) throws -> [String] {
        let whole = try session(.init(isTraining: isTraining, layout: layout))
        guard whole.needs.allowsRanges else { return [] }
        guard whole.computesRanges else { return ["plan allows ranges, but forward_range is NULL"] }
        if whole.needs.forwardWorkspace > 0 { return ["plan allows ranges and asks for a workspace of forward"] }
        let wanted = try whole.step(values)
        return try [false, true].flatMap { isInPlace in
            let parts = try session(
                .init(isTraining: isTraining, layout: layout, isInPlace: isInPlace, isInRanges: true))
            let result = try parts.step(values)
            return (result.violations + result.differences(from: wanted, inferred)).map { "by ranges, \($0)" }
        }
    }

    /// Sharing memory where the plan allows it changes nothing.
    func checkInPlace(_ layout: Layouts) throws -> [String] {
        let session = try session(.init(layout: layout, isInPlace: true))
        guard !session.aliases.isEmpty || !session.gradientAliases.isEmpty else { return [] }
        let apart = try self.session(.init(layout: layout)).step(values)
        let shared = try session.step(values)
        return (shared.violations + shared.differences(from: apart, inferred)).map { "in place, as plan allows, \($0)" }
    }

    /// Gradients are added on request, and each is right when it alone is wanted.
    func checkGradientRules(_ layout: Layouts) throws -> [String] {
        guard isDifferentiable else { return [] }
        let session = try session(.init(layout: layout))
        let overwritten = try session.step(values)
        var adding = values
        adding.accumulateOn = randomGradient(session, seed: 4711)
        let added = try session.step(adding)
        var wanted = overwritten
        wanted.inputGradients = sum(overwritten.inputGradients, adding.accumulateOn!.inputs)
        wanted.parameterGradients = sum(overwritten.parameterGradients, adding.accumulateOn!.parameters)
        var faults = (added.violations + added.differences(from: wanted, inferred, tolerance: 1e-5)).map {
            "with LAMINA_TENSOR_ACCUMULATE, \($0)"
        }
        let inputs = session.inputGradients.forms.map { $0 != nil }
        let parameters = session.parameterGradients.forms.map { $0 != nil }
        let total = (inputs + parameters).filter { $0 }.count
        for index in 0..<(inputs.count + parameters.count) where total > 1 && faults.isEmpty {
            guard (inputs + parameters)[index] else { continue }
            let ofInputs = inputs.indices.map { $0 == index }
            let ofParameters = parameters.indices.map { $0 + inputs.count == index }
            let alone = try self.session(
                .init(layout: layout, wantedInputs: ofInputs, wantedParameters: ofParameters)
            ).step(values)
            faults += (alone.violations + alone.differences(from: overwritten, inferred, tolerance: 1e-5)).map {
                "with only one gradient wanted, \($0)"
            }
            let asked = try self.session(
                .init(layout: layout, askedInputs: ofInputs, askedParameters: ofParameters)
            ).step(values)
            faults += (asked.violations + asked.differences(from: overwritten, inferred, tolerance: 1e-5)).map {
                "with one gradient of those that plan was told of, \($0)"
            }
        }
        return faults
    }

    private func sum(_ gradients: [TensorValue?], _ base: [TensorValue?]) -> [TensorValue?] {
        zip(gradients, base).map { gradient, base in
            guard let gradient, let base, gradient.dtype == .float32 else { return gradient }
            return TensorValue(gradient.shape, zip(gradient.floats, base.floats).map(+))
        }
    }

    /// Gradients may be wanted in the inference phase too: batch statistics and dropout then play no part.
    private func checkInferenceGradients(_ layout: Layouts, _ forward: LayerResult) throws -> [String] {
        func step(_ unsaved: LayerSession.Unsaved) throws -> LayerResult {
            try session(.init(isTraining: false, hasBackward: true, layout: layout, unsaved: unsaved)).step(values)
        }
        let whole = try step(.values)
        var faults = whole.violations
        faults += forward.differences(from: whole, inferred, tolerance: 1e-5).map { "without gradients, \($0)" }
        let poisoned = try step(.poison)
        faults += unsavedReads(poisoned, whole)
        guard faults.isEmpty else { return faults }
        let bare = try step(.null)
        return bare.violations + bare.differences(from: whole, inferred)
    }

    /// The inference phase follows the same rules.
    func checkInference(_ layout: Layouts) throws -> [String] {
        let session = try session(.init(isTraining: false, layout: layout))
        let first = try session.step(values)
        let again = try session.step(values)
        var faults = first.violations + again.differences(from: first, inferred).map { "run again, \($0)" }
        let together = try with(threads: 3, shuffled: true) { try session.step(values) }
        faults += together.differences(from: first, inferred).map { "with 3 threads instead of 1, \($0)" }
        let shared = try self.session(.init(isTraining: false, layout: layout, isInPlace: true)).step(values)
        faults += (shared.violations + shared.differences(from: first, inferred)).map {
            "in place, as plan allows, \($0)"
        }
        if faults.isEmpty { faults += try checkRanges(layout, isTraining: false) }
        if faults.isEmpty, isDifferentiable { faults += try checkInferenceGradients(layout, first) }
        return faults.map { "in the inference phase, \($0)" }
    }
}
