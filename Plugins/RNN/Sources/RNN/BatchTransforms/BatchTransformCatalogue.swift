import LaminaSDK

extension RNNCatalogue {
    public static var batchTransforms: [Component] {
        [
            .batchTransform(ScheduledSampling.self)
        ]
    }
}
