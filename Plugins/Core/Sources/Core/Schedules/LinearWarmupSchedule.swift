import LaminaSDK

/// A straight line from `start` to 1 over the first `duration` steps (or epochs), then 1.
///
/// s + (1 − s) min(t / duration, 1). Reference: Goyal et al., Accurate, Large Minibatch SGD (2017), section 2.2;
/// `torch.optim.lr_scheduler.LinearLR`.
struct LinearWarmupSchedule: Schedule {
    static let name = "linear_warmup"
    static let documentation = "A straight line up to 1 over the first steps or epochs."
    static let attributes: [AttributeSchema] = Warmup.attributes

    private let warmup: Warmup

    init(_ attributes: Attributes) { warmup = Warmup(attributes) }

    func factor(step: Int, stepsPerEpoch: Int, totalSteps: Int) -> Double {
        warmup.factor(step, stepsPerEpoch: stepsPerEpoch)
    }
}

/// The rising part of the schedules that warm up. It rises with every step, also when its length counts epochs.
struct Warmup {
    private let duration: Double
    private let start: Double
    private let countsEpochs: Bool

    static let attributes: [AttributeSchema] = [
        .real("duration", 0 ... .infinity, "How long the rise takes, in steps or epochs."),
        .real("start", default: 1.0 / 3, 0...1, "The factor at the first step."),
        .string("unit", default: "step", choices: ["step", "epoch"], "Whether the duration counts steps or epochs."),
    ]

    init(_ attributes: Attributes) {
        duration = attributes.real("duration")
        start = attributes.real("start")
        countsEpochs = attributes.string("unit") == "epoch"
    }

    func steps(stepsPerEpoch: Int) -> Double { countsEpochs ? duration * Double(stepsPerEpoch) : duration }

    func factor(_ step: Int, stepsPerEpoch: Int) -> Double {
        let steps = steps(stepsPerEpoch: stepsPerEpoch)
        return Double(step) >= steps ? 1 : start + (1 - start) * Double(step) / steps
    }
}
