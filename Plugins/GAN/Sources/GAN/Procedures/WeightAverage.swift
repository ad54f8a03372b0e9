import LaminaSDK

/// A running average of a network's parameters, which the model holds in their place: a ← d · a + (1 − d) · p after each step.
///
/// A generator in a game never comes to rest; its average makes better samples. At the beginning d is smaller,
/// (1 + t) / (10 + t) in step t, so that the first values are soon forgotten. The averages are states of the procedure; while the
/// model is saved or looked at, they change places with the parameters, bit for bit.
///
/// Source: Yazıcı et al.: The Unusual Effectiveness of Averaging in GAN Training, ICLR 2019.
struct WeightAverage {
    static let schema = AttributeSchema.real(
        "average", default: 0, 0...0.999999,
        "how much the running average of the generator keeps in a step; the model is the average. 0: the last values")

    let decay: Double
    /// Whether averages stand in the parameters' place.
    private(set) var isShown = false

    init(_ attributes: Attributes) { decay = attributes.real("average") }

    var isOn: Bool { decay > 0 }

    /// Asks for the states, from the first on.
    func define(_ model: ProcedureModel, _ network: Networks.Description) throws {
        guard isOn else { return }
        for index in 0..<network.parameterCount {
            try model.addState("average.\(index)", .float32, network.parameter(index).shape)
        }
    }

    private func each(_ run: ProcedureRun, _ network: Int, _ body: (_ parameter: Tensor, _ state: Tensor) -> Void) {
        guard isOn, let description = run.networks?[network] else { return }
        for index in 0..<description.parameterCount { body(description.parameter(index), run.state(index)) }
    }

    func start(_ run: ProcedureRun, _ network: Int) {
        each(run, network) { $1.floats.update(from: $0.floats, count: $0.count) }
    }

    /// After step `number`, from 0.
    func add(_ run: ProcedureRun, _ network: Int, step number: Int) {
        let kept = Float(min(decay, (1 + Double(number)) / (10 + Double(number))))
        each(run, network) { parameter, average in
            let (p, a) = (parameter.floats, average.floats)
            for index in 0..<parameter.count { a[index] = kept * a[index] + (1 - kept) * p[index] }
        }
    }

    /// Puts the averages in the parameters' place, or the parameters back.
    mutating func show(_ shows: Bool, _ run: ProcedureRun, _ network: Int) throws {
        guard isOn, isShown != shows else { return }
        isShown = shows
        each(run, network) { parameter, average in
            let (p, a) = (parameter.floats, average.floats)
            for index in 0..<parameter.count { (p[index], a[index]) = (a[index], p[index]) }
        }
        try run.networks?.parametersChanged(network)
    }

    /// What a checkpoint says.
    mutating func resume(isShown: Bool) { self.isShown = isShown }
}
