import Glibc
import LaminaSDK

/// What a discriminator's outputs x cost it and the generator, means over all outputs of a batch; σ is the logistic function,
/// ς(x) = log(1 + eˣ).
///
/// | loss | discriminator, real | discriminator, generated | generator | source |
/// |---|---|---|---|---|
/// | minimax | ς(x) − (1 − s)x | ς(x) | −ς(x) | Goodfellow et al. 2014, equation 1 |
/// | non_saturating | ς(x) − (1 − s)x | ς(x) | ς(−x) | ibid., section 3 |
/// | least_squares | ½(x − 1 + s)² | ½x² | ½(x − 1)² | Mao et al. 2017 |
/// | hinge | max(0, 1 − x) | max(0, 1 + x) | −x | Miyato et al. 2018 |
/// | wasserstein | −x | x | −x | Arjovsky, Chintala, Bottou 2017 |
///
/// s is one-sided label smoothing: real samples are to be told as such with 1 − s (Salimans et al. 2016).
struct AdversarialLoss {
    enum Form: String, CaseIterable {
        case minimax, hinge, wasserstein
        case nonSaturating = "non_saturating"
        case leastSquares = "least_squares"
    }

    enum Side { case real, generated, generator }

    let form: Form
    let smoothing: Double

    static func schemas(default form: Form) -> [AttributeSchema] {
        [
            .string(
                "loss", default: form.rawValue,
                choices: ["minimax", "non_saturating", "least_squares", "hinge", "wasserstein"],
                "what the discriminator's outputs cost both sides"),
            .real("smoothing", default: 0, 0...0.5, "real samples are to be told with 1 minus this"),
        ]
    }

    init(form: Form, smoothing: Double) { (self.form, self.smoothing) = (form, smoothing) }

    init(_ attributes: Attributes) throws {
        form = Form(rawValue: attributes.string("loss"))!
        smoothing = attributes.real("smoothing")
        guard smoothing == 0 || ![.hinge, .wasserstein].contains(form) else {
            throw PluginError.attribute(
                "smoothing is \(smoothing), but with loss: \(form.rawValue) there are no labels to smooth; set it to 0")
        }
    }

    /// Mean loss of the outputs times `scale`; its gradients are written to `gradients`.
    func apply(_ side: Side, _ outputs: Tensor, _ gradients: Tensor, scale: Double = 1) -> Double {
        let count = outputs.count
        guard count > 0 else { return 0 }
        var sum = 0.0
        for index in 0..<count {
            let (loss, slope) = value(side, Double(outputs.floats[index]))
            sum += loss
            gradients.floats[index] = Float(slope * scale / Double(count))
        }
        return scale * sum / Double(count)
    }

    /// Loss and derivative of one output.
    func value(_ side: Side, _ x: Double) -> (loss: Double, slope: Double) {
        switch (form, side) {
        case (.minimax, .real), (.nonSaturating, .real):
            (Self.softplus(x) - (1 - smoothing) * x, Self.logistic(x) - (1 - smoothing))
        case (.minimax, .generated), (.nonSaturating, .generated): (Self.softplus(x), Self.logistic(x))
        case (.minimax, .generator): (-Self.softplus(x), -Self.logistic(x))
        case (.nonSaturating, .generator): (Self.softplus(-x), Self.logistic(x) - 1)
        case (.leastSquares, .real): (0.5 * (x - 1 + smoothing) * (x - 1 + smoothing), x - 1 + smoothing)
        case (.leastSquares, .generated): (0.5 * x * x, x)
        case (.leastSquares, .generator): (0.5 * (x - 1) * (x - 1), x - 1)
        case (.hinge, .real): (max(0, 1 - x), x < 1 ? -1 : 0)
        case (.hinge, .generated): (max(0, 1 + x), x > -1 ? 1 : 0)
        case (.wasserstein, .generated): (x, 1)
        case (.hinge, .generator), (.wasserstein, .real), (.wasserstein, .generator): (-x, -1)
        }
    }

    /// How real an output says that a sample is: with minimax and non_saturating the probability, else the output itself.
    func opinion(_ x: Double) -> Double {
        form == .minimax || form == .nonSaturating ? Self.logistic(x) : x
    }

    /// The output above which a sample is told to be real; nil: only differences mean something.
    var threshold: Double? {
        switch form {
        case .minimax, .nonSaturating, .hinge: 0
        case .leastSquares: 0.5
        case .wasserstein: nil
        }
    }

    static func logistic(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
    static func softplus(_ x: Double) -> Double { max(x, 0) + log1p(exp(-abs(x))) }
}
