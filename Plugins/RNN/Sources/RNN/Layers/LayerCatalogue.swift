import LaminaSDK

extension RNNCatalogue {
    public static var layers: [Component] {
        [
            .layer(Attention.self),
            .layer(LastStep.self),
            .layer(RepeatOverTime.self),
        ]
    }
}
