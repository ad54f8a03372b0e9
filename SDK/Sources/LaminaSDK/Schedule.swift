import CLamina

/// A learning-rate schedule: a pure function of the step.
public protocol Schedule: ComponentType {
    init(_ attributes: Attributes) throws
    /// The factor on the learning rate at `step`, 0 at the first.
    func factor(step: Int, stepsPerEpoch: Int, totalSteps: Int) throws -> Double
}

extension Component {
    public static func schedule<S: Schedule>(_ type: S.Type) -> Component {
        Component(
            type, kind: LAMINA_KIND_SCHEDULE, vtable: ScheduleTable.shared,
            factory: Factory<ScheduleTable.Make>({ try S($0) }))
    }
}

enum ScheduleTable {
    typealias Make = (Attributes) throws -> any Schedule

    nonisolated(unsafe) static let shared = UnsafeRawPointer(
        permanent(
            lamina_schedule(
                struct_size: UInt32(MemoryLayout<lamina_schedule>.size), reserved: 0,
                factor: { component, host, attributes, step, stepsPerEpoch, totalSteps, out in
                    host!.status {
                        let schedule = try Factory<Make>.of(component)(Attributes(attributes))
                        out!.pointee = try schedule.factor(
                            step: Int(step), stepsPerEpoch: Int(stepsPerEpoch), totalSteps: Int(totalSteps))
                    }
                })))
}
