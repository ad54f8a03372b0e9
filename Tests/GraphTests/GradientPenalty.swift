import LaminaGraph

/// The penalty of WGAN-GP, P = 10 · mean_i (‖∇D(xᵢ)‖ − 1)², and its gradient through a tangent network.
struct GradientPenalty {
    let critic: Network
    let tangent: Network
    private(set) var value: Float = 0
    /// ∇D(x), of all samples.
    private(set) var slope: [Float] = []

    init(_ critic: Network) throws {
        self.critic = critic
        tangent = try critic.tangent()
    }

    /// Leaves the gradient in that of the parameters, on top of what is there if `accumulating`.
    mutating func run(_ x: [Float], _ shape: [Int], accumulating: Bool = false) throws {
        let plain = try critic.plan(.init(inputs: [shape], phase: .training, inputGradients: true))
        plain.inputs[0].fill(x)
        try critic.forward(plain)
        try critic.backward(plain)
        slope = plain.inputGradients[0]!.values
        let samples = shape[0]
        let length = samples == 0 ? 0 : slope.count / samples
        value = 0
        var directions: [Float] = []
        for sample in 0..<samples {
            let g = slope[sample * length..<(sample + 1) * length]
            let norm = Double(g.reduce(0) { $0 + $1 * $1 }).squareRoot()
            value += Float(10 * (norm - 1) * (norm - 1) / Double(samples))
            directions += g.map { Float(20 / Double(samples) * (norm - 1) / norm) * $0 }
        }
        let plan = try tangent.plan(
            .init(inputs: [shape, shape], phase: .training, parameterGradients: true, accumulates: true))
        plan.inputs[0].fill(x)
        plan.inputs[1].fill(directions)
        try tangent.forward(plan)
        try tangent.backward(plan, accumulating: accumulating)
    }
}

extension PlannedTensor {
    func fill(_ values: [Float]) { for (index, value) in values.enumerated() { floats[index] = value } }
}

extension Network {
    /// The gradient of a parameter.
    func gradient(_ index: Int) -> [Float] {
        (0..<graph.parameters[index].shape.reduce(1, *)).map { parameterGradients[index][$0] }
    }
    /// Those of all, one after the other.
    var gradients: [Float] { graph.parameters.indices.flatMap(gradient) }
}
