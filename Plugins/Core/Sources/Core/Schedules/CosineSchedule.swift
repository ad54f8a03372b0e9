import LaminaSDK

/// Half a cosine from 1 down to `minimum` over the whole training: m + (1 − m)(1 + cos(π t / T)) / 2.
///
/// T is the number of steps of the training; with `unit: epoch` the factor changes once per epoch and T counts epochs.
/// Reference: Loshchilov and Hutter, SGDR (2017), equation 5; `torch.optim.lr_scheduler.CosineAnnealingLR` with T_max =
/// T and eta_min = m · lr.
struct CosineSchedule: Schedule {
    static let name = "cosine"
    static let documentation = "Half a cosine from 1 down to a minimum over the whole training."
    static let attributes: [AttributeSchema] = [
        .real("minimum", default: 0, 0...1, "The factor at the end."),
        ScheduleTime.schema("step"),
    ]

    private let minimum: Double
    private let time: ScheduleTime

    init(_ attributes: Attributes) {
        minimum = attributes.real("minimum")
        time = ScheduleTime(attributes)
    }

    func factor(step: Int, stepsPerEpoch: Int, totalSteps: Int) -> Double {
        let total = max(1, time.ticks(totalSteps, stepsPerEpoch: stepsPerEpoch))
        let progress = Double(time.ticks(step, stepsPerEpoch: stepsPerEpoch)) / Double(total)
        return minimum + (1 - minimum) * cosineDescent(progress)
    }
}
