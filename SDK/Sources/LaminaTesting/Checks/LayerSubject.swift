import CLamina
import LaminaSDK

/// A case made concrete: a created layer, its inferred shapes, and the values of one step.
struct LayerSubject {
    let harness: LayerHarness
    let layerCase: LayerCase
    let inferred: InferredLayer
    /// Random values, with random gradients of the outputs.
    let values: LayerSession.Values
    let forms: [TensorForm?]

    init(
        _ component: UnsafePointer<lamina_component>, _ layerCase: LayerCase, seed: UInt64,
        leavesOutAbsent: Bool = false
    ) throws {
        self.layerCase = layerCase
        harness = try LayerHarness(component, layerCase.attributes)
        harness.leavesOutAbsent = leavesOutAbsent
        let inputs = layerCase.values(seed: seed)
        forms = inputs.map { $0.map { TensorForm($0) } }
        inferred = try harness.infer(forms: forms)
        let session = try LayerSession(harness, forms, inferred, .init(isTraining: false))
        var values = session.values(
            inputs, parameters: layerCase.parameters, buffers: layerCase.buffers, seed: seed &+ 500)
        values.outputGradients = inferred.outputs.enumerated().map { index, output in
            output.dtype == .float32
                ? .uniform(output.shape, -1...1, seed: seed &+ 900 &+ UInt64(index))
                : .filled(output.dtype, output.shape, 1)
        }
        self.values = values
    }

    /// The layouts to try.
    var layouts: [Layouts] { inferred.layoutsToTry(forms.map { $0?.dimensions.count ?? 0 }) }

    var isDifferentiable: Bool { harness.table.pointee.backward != nil }

    func session(_ options: LayerSession.Options) throws -> LayerSession {
        var options = options
        if options.wantedInputs == nil, let wanted = layerCase.differentiable {
            options.wantedInputs = harness.padded(forms).indices.map { wanted.contains($0) }
        }
        return try LayerSession(harness, forms, inferred, options)
    }

    /// Runs `body` with other threads and order, then sets them back.
    func with<Result>(threads: Int, shuffled: Bool = false, _ body: () throws -> Result) rethrows -> Result {
        let host = harness.host
        (host.threads, host.shufflesChunks) = (threads, shuffled)
        defer { (host.threads, host.shufflesChunks) = (1, false) }
        return try body()
    }

    func randomGradient(_ session: LayerSession, seed: UInt64) -> (inputs: [TensorValue?], parameters: [TensorValue?]) {
        func random(_ forms: [TensorForm?], _ seed: UInt64) -> [TensorValue?] {
            forms.enumerated().map { index, form in
                form.flatMap { $0.dtype == .float32 ? .uniform($0.shape, -1...1, seed: seed &+ UInt64(index)) : nil }
            }
        }
        return (random(session.inputGradients.forms, seed), random(session.parameterGradients.forms, seed &+ 50))
    }
}
