import CLamina
import LaminaHost
import LaminaRecipe

/// The course of the learning rate.
final class ScheduleDriver: @unchecked Sendable {
    private let call: ComponentCall
    private let table: UnsafePointer<lamina_schedule>

    init(_ schedule: Recipe.Component, registry: Registry) throws(TrainingError) {
        call = try ComponentCall(kind: LAMINA_KIND_SCHEDULE, schedule.id, schedule.attributes, registry)
        table = call.component.table()
    }

    func factor(step: UInt64, stepsPerEpoch: UInt64, totalSteps: UInt64) throws(TrainingError) -> Double {
        var factor = 1.0
        try call.check(
            table.pointee.factor(
                call.component.raw, call.services, call.attributes.raw, step, stepsPerEpoch, totalSteps, &factor))
        return factor
    }
}
