import CLamina
import LaminaSDK

extension LayerSubject {
    /// Sequences step by step, where the plan allows it, give what whole sequences give.
    ///
    /// Those inputs are cut that have the sequences and steps of output 0: all of them, then the first alone.
    func checkSteps() throws -> [String] {
        guard let output = inferred.outputs.first, output.dtype == .float32, output.shape.count >= 3,
            output.shape[0] > 0, output.shape[1] > 1
        else { return [] }
        let padded = harness.padded(forms)
        let fitting = padded.map { form in
            guard let form, form.dimensions.count >= 2 else { return false }
            return form.dimensions[..<2].map { Int($0) } == Array(output.shape[..<2])
        }
        guard fitting.first == true else { return [] }
        let alone = fitting.indices.map { $0 == 0 }
        var faults = try checkSteps(cutting: fitting)
        if faults.isEmpty, fitting != alone { faults = try checkSteps(cutting: alone) }
        return faults
    }

    private func checkSteps(cutting cut: [Bool]) throws -> [String] {
        let count = inferred.outputs[0].shape[1]
        let whole = try session(.init(isTraining: false)).forward(values)
        var pieces: [[TensorValue]] = []
        var faults: [String] = []
        var cache: GuardedMemory?
        var kept: (rows: Int, stepBytes: Int)?
        var past = 0
        for size in [count / 2, 1, count - count / 2 - 1] where size > 0 {
            var values = values
            values.inputs = zip(values.inputs, cut).map { $1 ? $0?.steps(past..<past + size) : $0 }
            let forms = values.inputs.map { $0.map { TensorForm($0) } }
            let options = LayerSession.Options(isTraining: false, steps: (cut, count, past))
            let session: LayerSession
            do {
                let piece = try harness.infer(forms: forms)
                // Parameters whose shape depends on the number of steps.
                guard piece.parameters == inferred.parameters, piece.buffers == inferred.buffers else { return [] }
                session = try LayerSession(harness, forms, piece, options)
            } catch let error as CallError {
                // A layer may refuse: attention to steps that are still to come, say.
                return past == 0 && !error.text.isEmpty ? [] : ["in steps from \(past) on: \(error)"]
            }
            guard session.needs.allowsSteps else { return [] }
            if let needed = session.needs.cache {
                if let kept, kept != needed { return ["in steps, the cache changes from \(kept) to \(needed)"] }
                if cache == nil {
                    cache = GuardedMemory(bytes: needed.rows * count * needed.stepBytes, name: "the cache")
                    cache?.poison()
                }
                (kept, session.cache) = (needed, cache)
            }
            let result = try session.forward(values)
            faults += result.violations
            pieces.append(result.outputs)
            past += size
        }
        for (index, wanted) in whole.outputs.enumerated()
        where wanted.shape.count >= 2 && wanted.shape[..<2] == whole.outputs[0].shape[..<2] {
            let got = TensorValue(joining: pieces.map { $0[index] })
            if let text = Comparison.difference(got, wanted, tolerance: 1e-5) {
                faults.append("output \(index) \(text)")
            }
        }
        return faults.map { "in steps (inputs \(cut.indices.filter { cut[$0] })), \($0)" }
    }
}
