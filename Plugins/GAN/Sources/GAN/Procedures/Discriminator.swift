import CLamina
import LaminaSDK

/// A discriminator in training: it learns to tell real samples from generated ones, and tells generators how to do better.
final class Discriminator {
    /// How it is trained.
    struct Settings {
        var loss: AdversarialLoss
        /// Its parameters are limited to [-clip, clip] after each step; 0: they are not (Arjovsky et al. 2017).
        var clip: Double
        /// λ of the gradient penalty; 0: none.
        var penalty: Double
        /// Factors on what the table of `AdversarialLoss` says of the discriminator's own loss, and of the generator's;
        /// the first on the penalty, too.
        var (learning, judging) = (1.0, 1.0)

        static func schemas(loss: AdversarialLoss.Form = .nonSaturating) -> [AttributeSchema] {
            AdversarialLoss.schemas(default: loss) + [
                .real("clip", default: 0, 0...1e6, "limits the discriminator's parameters; 0: no limit"),
                .real("gradient_penalty", default: 0, 0...1e6, "factor of the gradient penalty; 0: none"),
            ]
        }

        init(_ attributes: Attributes) throws {
            loss = try AdversarialLoss(attributes)
            clip = attributes.real("clip")
            penalty = attributes.real("gradient_penalty")
        }

        /// Warns of a Wasserstein loss without a limit: it grows with the discriminator's scale, which then only layers can
        /// stop.
        func warnOfNoLimit(_ host: Host) {
            guard loss.form == .wasserstein, clip == 0, penalty == 0 else { return }
            host.log(
                LAMINA_LOG_WARNING,
                "loss: wasserstein has no limit on the discriminator, whose outputs then grow without end: set "
                    + "gradient_penalty: 10 or clip: 0.01, if its layers have none themselves (norm: spectral)")
        }

        /// As for image translation: least squares has no ½ there, and discriminators learn by half of their loss
        /// (Isola et al. 2017, section 3.3; Zhu et al. 2017, section 4).
        func forTranslation() -> Settings {
            var settings = self
            settings.judging = loss.form == .leastSquares ? 2 : 1
            settings.learning = settings.judging / 2
            return settings
        }
    }

    let number: Int
    private let networks: Networks
    private let settings: Settings
    private let learning: Pass
    private let judging: Pass
    private let penalty: GradientPenalty?
    /// Which of its inputs is the sample; the others are conditions.
    private let sample: Int
    /// Before the names of what is measured.
    private let prefix: String
    private let host: Host
    /// Of the running epoch: judgements, and those that were right.
    private var judged = (right: 0.0, count: 0.0)

    init(
        _ networks: Networks, _ number: Int, sample: Int, _ settings: Settings, prefix: String = "", host: Host
    ) throws {
        (self.networks, self.number, self.sample, self.settings) = (networks, number, sample, settings)
        (self.prefix, self.host) = (prefix, host)
        learning = try networks.plan(
            number, batch: networks.batch, [.training, .parameterGradients, .accumulates])
        // Its own gradients are of no use to a generator: nobody computes them.
        judging = try networks.plan(number, batch: networks.batch, [.training, .inputGradients])
        guard !judging.inputGradients[sample].isAbsent else {
            throw PluginError.attribute(
                "network '\(networks[number].name)': its output does not depend on '\(networks[number].inputs[sample].name)', so "
                    + "that a generator learns nothing of it; connect it")
        }
        penalty =
            settings.penalty > 0
            ? try GradientPenalty(
                networks, number, sample: sample, factor: settings.penalty * settings.learning, host: host)
            : nil
    }

    /// A step on a batch of real samples and one of generated ones; one tensor per input.
    func learn(real: [Tensor], generated: [Tensor], random: RandomStream) throws {
        fill(learning, real)
        try networks.forward(learning)
        let (outputs, gradients) = (learning.outputs[0], learning.outputGradients[0])
        var loss = settings.loss.apply(.real, outputs, gradients, scale: settings.learning)
        tell("d_real", real: true)
        try networks.backward(learning)
        fill(learning, generated)
        try networks.forward(learning)
        loss += settings.loss.apply(.generated, outputs, gradients, scale: settings.learning)
        tell("d_fake", real: false)
        try networks.backward(learning, accumulating: true)
        if let penalty {
            let value = try penalty.apply(real: real, generated: generated[sample], random: random)
            networks.measure(prefix + "penalty", value)
            loss += value
        }
        networks.measure(prefix + "discriminator_loss", loss)
        try networks.update(number)
        if settings.clip > 0 { try clip() }
    }

    /// What generated samples cost their generator; the gradient is then in `slope`.
    func judge(_ generated: [Tensor]) throws -> Double {
        fill(judging, generated)
        try networks.forward(judging)
        let loss = settings.loss.apply(
            .generator, judging.outputs[0], judging.outputGradients[0], scale: settings.judging)
        try networks.backward(judging)
        return loss
    }

    /// Of the last judgement, by the generated samples.
    var slope: Tensor { judging.inputGradients[sample] }

    private func fill(_ pass: Pass, _ tensors: [Tensor]) {
        for (index, tensor) in tensors.enumerated() {
            let size = tensor.count * (tensor.dtype?.size ?? 0)
            pass.inputs[index].bytes.copyMemory(from: tensor.bytes, byteCount: size)
        }
    }

    /// Mean opinion, and how often it is right.
    private func tell(_ name: String, real: Bool) {
        let outputs = learning.outputs[0]
        var (sum, right) = (0.0, 0.0)
        for index in 0..<outputs.count {
            let x = Double(outputs.floats[index])
            sum += settings.loss.opinion(x)
            if let threshold = settings.loss.threshold, (x > threshold) == real { right += 1 }
        }
        networks.measure(prefix + name, sum, count: Double(outputs.count))
        if settings.loss.threshold != nil {
            networks.measure(prefix + "d_accuracy", right, count: Double(outputs.count))
            judged = (judged.right + right, judged.count + Double(outputs.count))
        }
    }

    /// Warns of a game that is won: its generator learns little from a discriminator that is always right.
    func endEpoch(_ epoch: Int) {
        defer { judged = (0, 0) }
        guard judged.count > 0, judged.right / judged.count > 0.995 else { return }
        host.log(
            LAMINA_LOG_WARNING,
            "epoch \(epoch): the discriminator\(prefix.isEmpty ? "" : " of " + prefix.dropLast()) told almost every sample right: "
                + "the game is won and the generator learns little; lower the discriminator's learning rate, or try "
                + "smoothing, loss: least_squares or a gradient penalty")
    }

    private func clip() throws {
        let limit = Float(settings.clip)
        let network = networks[number]
        for index in 0..<network.parameterCount {
            let parameter = network.parameter(index)
            for element in 0..<parameter.count {
                parameter.floats[element] = min(max(parameter.floats[element], -limit), limit)
            }
        }
        try networks.parametersChanged(number)
    }
}
