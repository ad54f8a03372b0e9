import CLamina
import LaminaSDK

extension LayerSubject {
    /// Shapes inferred with a symbolic batch become those of the concrete batch when it is put in.
    func checkSymbolicBatch() throws -> [String] {
        guard let batch = layerCase.batch, batch > 1 else { return [] }
        let symbol = harness.host.symbol("N")
        let batched = Set(layerCase.batchedInputs)
        let inputs = forms.enumerated().map { index, form in
            form.map { form in
                var form = form
                if batched.contains(index) { form.dimensions[0] = symbol.value }
                return form
            }
        }
        let symbolic: InferredLayer
        do { symbolic = try harness.infer(forms: inputs) } catch {
            return ["with a symbolic batch, \(error) (set hasBatch = false when dimension 0 is none)"]
        }
        var faults: [String] = []
        if symbolic.outputs.count != inferred.outputs.count {
            faults.append(
                "with a symbolic batch, infer declares \(symbolic.outputs.count) outputs, not \(inferred.outputs.count)"
            )
        }
        for (index, (abstract, concrete)) in zip(symbolic.outputs, inferred.outputs).enumerated() {
            let shape = abstract.dimensions.map { harness.host.value(of: $0, where: ["N": batch]) ?? -1 }
            if shape != concrete.shape || abstract.dtype != concrete.dtype {
                let text = harness.host.host.text(abstract.dimensions)
                faults.append(
                    "with a symbolic batch, output \(index) has shape \(text), which is \(shape) for N = \(batch),"
                        + " wanted \(concrete.shape)")
            }
        }
        if symbolic.parameters != inferred.parameters || symbolic.buffers != inferred.buffers {
            faults.append("with a symbolic batch, infer declares other parameters or buffers")
        }
        if symbolic.layouts != inferred.layouts { faults.append("with a symbolic batch, infer accepts other layouts") }
        return faults
    }
}

extension LayerCheck {
    /// The case with fewer and fewer of its optional inputs: those that are missing give what absent ones give.
    func checkMissingInputs(_ harness: LayerHarness) throws -> [String] {
        let ports = harness.ports
        guard !ports.isVariadic, !harness.isLoss, ports.required < ports.count else { return [] }
        let given = layerCase.inputs.prefix(ports.count)
        for count in (ports.required...max(ports.required, given.count)).reversed() where count < ports.count {
            let variant = layerCase.with {
                $0.inputs = Array(given.prefix(count))
                $0.differentiable = $0.differentiable?.filter { $0 < count }
            }
            for isTraining in [true, false] {
                let faults = try compareMissing(variant, isTraining: isTraining)
                if !faults.isEmpty { return faults.map { "with \(count) of \(ports.count) inputs, \($0)" } }
            }
        }
        return []
    }

    private func compareMissing(_ variant: LayerCase, isTraining: Bool) throws -> [String] {
        func step(leavesOutAbsent: Bool) throws -> (LayerResult, InferredLayer) {
            let subject = try LayerSubject(component, variant, seed: seed, leavesOutAbsent: leavesOutAbsent)
            let session = try subject.session(.init(isTraining: isTraining, hasBackward: true, unsaved: .poison))
            return (try session.step(subject.values), subject.inferred)
        }
        let wanted: (result: LayerResult, inferred: InferredLayer)
        do {
            wanted = try step(leavesOutAbsent: false)
        } catch let error as CallError {
            // A layer may need some of its optional inputs together, but must say so.
            return error.text.isEmpty ? ["\(error)"] : []
        }
        var faults: [String]
        do {
            let (result, inferred) = try step(leavesOutAbsent: true)
            let isSame =
                inferred.outputs == wanted.inferred.outputs && inferred.parameters == wanted.inferred.parameters
            faults = isSame ? [] : ["infer declares other outputs or parameters"]
            faults += result.violations + result.differences(from: wanted.result, inferred)
        } catch {
            faults = ["\(error)"]
        }
        return faults.map { "missing instead of absent, \($0)" }
    }

    /// The case must be refused, by a text that contains what is wanted.
    func checkRejection() -> [String] {
        let wanted = layerCase.rejection!
        do {
            let subject = try LayerSubject(component, layerCase, seed: seed)
            _ = try subject.session(.init()).step(subject.values)
            return ["is accepted, wanted an error with '\(wanted)'"]
        } catch {
            let text = "\(error)"
            if let error = error as? CallError, error.text.isEmpty { return [text] }
            return text.contains(wanted) ? [] : ["is refused with '\(text)', wanted '\(wanted)' in it"]
        }
    }

    /// Ranks, sizes and types that make no sense are refused with a text, or accepted: never a crash.
    func checkOddShapes() -> [String] {
        let given = layerCase.inputs.map { input in
            input.value(seed: seed).map { TensorForm($0) }
        }
        guard let harness = try? LayerHarness(component, layerCase.attributes) else { return [] }
        var faults: [String] = []
        func infer(_ forms: [TensorForm?], _ what: String) {
            do {
                let inferred = try harness.infer(forms: forms)
                if inferred.outputs.contains(where: { $0.dimensions.contains { $0.literal == nil } }) {
                    faults.append("infer of \(what) declares an output with an unknown dimension")
                }
            } catch {
                if error.text.isEmpty || error.call.isEmpty { faults.append("infer of \(what): \(error)") }
            }
        }
        for (index, form) in given.enumerated() {
            guard let form else { continue }
            func replaced(_ dimensions: [Int64], _ dtype: DataType? = nil) -> [TensorForm?] {
                var forms = given
                forms[index] = TensorForm(dtype ?? form.dtype, dimensions)
                return forms
            }
            for rank in 0...7 where rank != form.dimensions.count {
                infer(replaced(Array(repeating: 2, count: rank)), "input \(index) with rank \(rank)")
            }
            for axis in form.dimensions.indices {
                for size: Int64 in [0, 1, form.dimensions[axis] + 1] {
                    var dimensions = form.dimensions
                    dimensions[axis] = size
                    infer(replaced(dimensions), "input \(index) of shape \(dimensions)")
                }
            }
            for dtype in DataType.allCases where dtype != form.dtype {
                infer(replaced(form.dimensions, dtype), "input \(index) of type \(dtype.name)")
            }
        }
        return faults
    }
}
