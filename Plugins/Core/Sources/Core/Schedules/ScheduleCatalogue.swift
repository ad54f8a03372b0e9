import LaminaSDK

extension CoreCatalogue {
    static var schedules: [Component] {
        [
            .schedule(ConstantSchedule.self)
        ]
    }
}
