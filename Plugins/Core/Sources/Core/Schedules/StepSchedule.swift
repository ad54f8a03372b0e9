import Glibc
import LaminaSDK

/// Multiplies the learning rate by `factor` every `every` epochs (or steps): factor^⌊t / every⌋.
///
/// Reference: `torch.optim.lr_scheduler.StepLR`.
struct StepSchedule: Schedule {
    static let name = "step"
    static let documentation = "Multiplies by a factor every so many epochs or steps."
    static let attributes: [AttributeSchema] = [
        .integer("every", 1...1e15, "Epochs or steps between two changes."),
        .real("factor", default: 0.1, 0 ... .infinity, "What each change multiplies by."),
        ScheduleTime.schema("epoch"),
    ]

    private let every: Int
    private let factor: Double
    private let time: ScheduleTime

    init(_ attributes: Attributes) {
        every = attributes.integer("every")
        factor = attributes.real("factor")
        time = ScheduleTime(attributes)
    }

    func factor(step: Int, stepsPerEpoch: Int, totalSteps: Int) -> Double {
        pow(factor, Double(time.ticks(step, stepsPerEpoch: stepsPerEpoch) / every))
    }
}
