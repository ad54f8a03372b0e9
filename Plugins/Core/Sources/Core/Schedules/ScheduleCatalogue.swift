import LaminaSDK

extension CoreCatalogue {
    static var schedules: [Component] {
        [
            .schedule(ConstantSchedule.self),
            .schedule(CosineSchedule.self),
            .schedule(ExponentialSchedule.self),
            .schedule(LinearWarmupSchedule.self),
            .schedule(StepSchedule.self),
            .schedule(WarmupCosineSchedule.self),
        ]
    }
}
