import CLamina
import LaminaFormats
import LaminaSDK

/// Compares a layer or loss with the values of a golden file, in every layout that it accepts. Empty: all agree.
///
/// Outputs may differ by 1e-5, gradients by 1e-4 (unless the file says otherwise), relative to the largest magnitude of
/// the tensor plus the element's own. Each case runs on separate memory, in place where the plan allows it, and on
/// three threads. Only gradients that the file has are wanted. The form of the file is described at `GoldenFile`.
///
/// - Returns: one text per fault, with case, tensor, place, got and wanted.
/// - Throws: when the file cannot be read or is not in the form.
public func checkLayer(_ component: Component, golden path: String) throws -> [String] {
    try checkLayer(component.raw, golden: path)
}

/// The same for a component of a loaded library.
public func checkLayer(_ component: UnsafePointer<lamina_component>, golden path: String) throws -> [String] {
    try GoldenFile(path: path).cases.flatMap { golden in
        do {
            return try GoldenCheck(component, golden).run().map { "\(golden.name): \($0)" }
        } catch {
            return ["\(golden.name): \(error)"]
        }
    }
}

private struct GoldenCheck {
    let golden: GoldenFile.Case
    let harness: LayerHarness
    let inferred: InferredLayer
    let inputs: [TensorValue?]
    let isTraining: Bool
    let tolerances: (output: Double, gradient: Double)

    init(_ component: UnsafePointer<lamina_component>, _ golden: GoldenFile.Case) throws {
        self.golden = golden
        try golden.checkPrefixes([
            "input", "parameter", "buffer", "buffer_after", "output", "output_gradient", "input_gradient",
            "parameter_gradient",
        ])
        harness = try LayerHarness(component, golden.attributes)
        inputs = harness.padded(try golden.numbered("input"))
        inferred = try harness.infer(forms: inputs.map { $0.map { TensorForm($0) } })
        switch golden.details["phase"] {
        case nil: isTraining = !golden.named("output_gradient").isEmpty
        case "training": isTraining = true
        case "inference": isTraining = false
        case let other?: throw GoldenError("the phase \(other.text()) is neither training nor inference")
        }
        tolerances = (
            try golden.tolerance("output", usual: 1e-5), try golden.tolerance("gradient", usual: 1e-4)
        )
    }

    func run() throws -> [String] {
        var faults = try checkForm()
        guard faults.isEmpty else { return faults }
        for layout in layouts {
            let prefix = layout == .plain ? "" : "in channels-last layout, "
            faults += try compare(options(layout)).map { prefix + $0 }
            faults += try compare(options(layout, isInPlace: true)).map { prefix + "in place, " + $0 }
            (harness.host.threads, harness.host.shufflesChunks) = (3, true)
            faults += try compare(options(layout)).map { prefix + "with 3 threads, " + $0 }
            (harness.host.threads, harness.host.shufflesChunks) = (1, false)
            if !faults.isEmpty { break }
        }
        return faults
    }

    private var layouts: [Layouts] {
        inferred.layoutsToTry(inputs.map { $0?.shape.count ?? 0 })
    }

    /// Only the gradients that the file has are wanted.
    private func options(_ layout: Layouts, isInPlace: Bool = false) throws -> LayerSession.Options {
        let wanted = try golden.numbered("input_gradient")
        let parameters = golden.named("parameter_gradient")
        return .init(
            isTraining: isTraining, hasBackward: !golden.named("output_gradient").isEmpty, layout: layout,
            isInPlace: isInPlace, unsaved: .poison,
            wantedInputs: inputs.indices.map { $0 < wanted.count && wanted[$0] != nil },
            wantedParameters: inferred.parameters.map { parameters[$0.name] != nil })
    }

    /// The file and the layer speak of the same tensors.
    private func checkForm() throws -> [String] {
        var faults: [String] = []
        func compare(_ what: String, _ layer: [(String, [Int])], isWhole: Bool = false) {
            let file = golden.named(what)
            for name in file.keys.sorted() where !layer.contains(where: { $0.0 == name }) {
                faults.append("the file has \(what) '\(name)', the layer has \(layer.map(\.0))")
            }
            for (name, shape) in layer {
                if let value = file[name], value.shape != shape {
                    faults.append("\(what) '\(name)' has shape \(shape), the file's has \(value.shape)")
                }
                if isWhole, file[name] == nil { faults.append("the file has no \(what) '\(name)'") }
            }
        }
        let parameters = inferred.parameters.map { ($0.name, $0.shape) }
        let buffers = inferred.buffers.map { ($0.name, $0.shape) }
        let outputs = inferred.outputs.enumerated().map { ("\($0)", $1.shape) }
        let given = inputs.enumerated().compactMap { index, input in input.map { ("\(index)", $0.shape) } }
        compare("parameter", parameters, isWhole: true)
        compare("parameter_gradient", parameters)
        compare("buffer", buffers)
        compare("buffer_after", buffers)
        compare("output", outputs, isWhole: true)
        compare("output_gradient", outputs)
        compare("input_gradient", given)
        return faults
    }

    private func compare(_ options: LayerSession.Options) throws -> [String] {
        let session = try LayerSession(harness, inputs.map { $0.map { TensorForm($0) } }, inferred, options)
        var values = session.values(
            inputs, parameters: golden.named("parameter"), buffers: golden.named("buffer"), seed: 1)
        let gradients = golden.named("output_gradient")
        // Outputs that the file's function does not use have a gradient of zero.
        values.outputGradients = inferred.outputs.enumerated().map { index, output in
            gradients["\(index)"] ?? .filled(output.dtype, output.shape, 0)
        }
        let hasGradients = !gradients.isEmpty
        let result = try session.step(values)
        var faults = result.violations

        func check(_ name: String, _ got: TensorValue?, _ wanted: TensorValue?, _ tolerance: Double) {
            guard let wanted else { return }
            guard let got else {
                faults.append("\(name) is not computed: the layer has no backward or takes it for a target")
                return
            }
            if let text = Comparison.difference(got, wanted, tolerance: tolerance) { faults.append("\(name) \(text)") }
        }
        for (index, output) in result.outputs.enumerated() {
            check("output \(index)", output, golden.tensors["output.\(index)"], tolerances.output)
        }
        for (buffer, value) in zip(inferred.buffers, result.buffers) {
            let wanted = golden.tensors["buffer_after.\(buffer.name)"]
            check("buffer '\(buffer.name)' afterwards", value, wanted, tolerances.output)
        }
        guard hasGradients else { return faults }
        for index in inputs.indices {
            let got = index < result.inputGradients.count ? result.inputGradients[index] : nil
            check("the gradient of input \(index)", got, golden.tensors["input_gradient.\(index)"], tolerances.gradient)
        }
        for (index, parameter) in inferred.parameters.enumerated() {
            let got = index < result.parameterGradients.count ? result.parameterGradients[index] : nil
            let wanted = golden.tensors["parameter_gradient.\(parameter.name)"]
            check("the gradient of parameter '\(parameter.name)'", got, wanted, tolerances.gradient)
        }
        return faults
    }
}
