import LaminaSDK

/// The gradient penalty of WGAN-GP, P = λ · mean_i (‖g_i‖ − 1)² with g_i = ∇ₓD(x̂_i), x̂ = εx + (1 − ε)G(z), ε uniform.
///
/// Its gradient is that of a directional derivative: with v_i = 2λ/n · (‖g_i‖ − 1) · g_i/‖g_i‖ held fixed,
/// ∇_θP = ∇_θ Σ_i v_iᵀ∇ₓD(x̂_i) = ∇_θ Σ_i Ḋ(x̂_i; v_i). So a pass gives g, and the ordinary backward of the tangent network,
/// at x̂ along v, gives ∇_θP exactly: no second derivative is approximated.
///
/// Source: Gulrajani, Ahmed, Arjovsky, Dumoulin, Courville: Improved Training of Wasserstein GANs, NeurIPS 2017.
struct GradientPenalty {
    private let networks: Networks
    private let factor: Double
    private let gradients: Pass
    private let tangent: Pass
    private let host: Host
    /// Which of the discriminator's inputs is the sample; the tangents of the others are zero.
    private let sample: Int
    /// The position of that input's tangent among the tangent network's inputs.
    private let tangentInput: Int
    private let inputCount: Int
    /// ε of each sample of a batch.
    private let weights: TensorBuffer

    init(_ networks: Networks, _ discriminator: Int, sample: Int, factor: Double, host: Host) throws {
        self.networks = networks
        self.factor = factor
        self.sample = sample
        self.host = host
        let inputs = networks[discriminator].inputs
        inputCount = inputs.count
        weights = TensorBuffer(.float32, [networks.batch])
        tangentInput = inputs.count + inputs[..<sample].count { $0.dtype == .float32 }
        gradients = try networks.plan(discriminator, batch: networks.batch, [.training, .inputGradients])
        tangent = try networks.plan(
            discriminator, batch: networks.batch, [.training, .parameterGradients, .accumulates, .tangent])
    }

    /// Adds the penalty's gradient to the parameters', and returns the penalty.
    ///
    /// - Parameters:
    ///   - real: one tensor per input of the discriminator; those beside the sample are conditions.
    ///   - random: of the mixtures.
    func apply(real: [Tensor], generated: Tensor, random: RandomStream) throws -> Double {
        let count = networks.batch
        let size = real[sample].count / max(count, 1)
        let mixed = gradients.inputs[sample].floats
        let weights = weights.tensor.floats
        host.uniform(random, into: weights, count: count)
        for row in 0..<count {
            for index in row * size..<(row + 1) * size {
                mixed[index] = weights[row] * real[sample].floats[index] + (1 - weights[row]) * generated.floats[index]
            }
        }
        copyConditions(real, to: gradients)
        try networks.forward(gradients)
        gradients.outputGradients[0].floats.update(repeating: 1, count: gradients.outputs[0].count)
        try networks.backward(gradients)
        for input in 0..<tangent.raw.pointee.input_count where Int(input) >= inputCount {
            let tensor = tangent.inputs[Int(input)]
            tensor.floats.update(repeating: 0, count: tensor.count)
        }
        copyConditions(real, to: tangent)
        tangent.inputs[sample].floats.update(from: mixed, count: count * size)
        let slopes = gradients.inputGradients[sample].floats
        let direction = tangent.inputs[tangentInput].floats
        var penalty = 0.0
        for row in 0..<count {
            var squares = 0.0
            for index in row * size..<(row + 1) * size { squares += Double(slopes[index]) * Double(slopes[index]) }
            let norm = squares.squareRoot()
            penalty += (norm - 1) * (norm - 1)
            // Where the gradient vanishes, its norm has no derivative.
            let scale = norm > 0 ? Float(2 * factor / Double(count) * (norm - 1) / norm) : 0
            for index in row * size..<(row + 1) * size { direction[index] = scale * slopes[index] }
        }
        try networks.forward(tangent)
        tangent.outputGradients[0].floats.update(repeating: 1, count: tangent.outputs[0].count)
        try networks.backward(tangent, accumulating: true)
        return factor * penalty / Double(max(count, 1))
    }

    private func copyConditions(_ real: [Tensor], to pass: Pass) {
        for (index, tensor) in real.enumerated() where index != sample {
            pass.inputs[index].bytes.copyMemory(from: tensor.bytes, byteCount: tensor.count * tensor.dtype!.size)
        }
    }
}
