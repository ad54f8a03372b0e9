import Glibc
import LaminaSDK

/// Multiplies the learning rate by `factor` after every epoch (or step): factor^t.
///
/// Reference: `torch.optim.lr_scheduler.ExponentialLR`.
struct ExponentialSchedule: Schedule {
    static let name = "exponential"
    static let documentation = "Multiplies by a factor after every epoch or step."
    static let attributes: [AttributeSchema] = [
        .real("factor", 0 ... .infinity, "What each epoch or step multiplies by."),
        ScheduleTime.schema("epoch"),
    ]

    private let factor: Double
    private let time: ScheduleTime

    init(_ attributes: Attributes) {
        factor = attributes.real("factor")
        time = ScheduleTime(attributes)
    }

    func factor(step: Int, stepsPerEpoch: Int, totalSteps: Int) -> Double {
        pow(factor, Double(time.ticks(step, stepsPerEpoch: stepsPerEpoch)))
    }
}
