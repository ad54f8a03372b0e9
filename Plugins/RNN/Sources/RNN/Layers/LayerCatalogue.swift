import LaminaSDK

extension RNNCatalogue {
    public static var layers: [Component] {
        [
            .layer(Attention.self),
            .layer(Elman.self),
            .layer(GRU.self),
            .layer(LastStep.self),
            .layer(LSTM.self),
            .layer(RepeatOverTime.self),
        ]
    }
}
