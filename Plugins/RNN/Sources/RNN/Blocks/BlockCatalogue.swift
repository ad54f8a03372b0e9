import LaminaSDK

extension RNNCatalogue {
    public static var blocks: [Component] {
        [
            .block(TCN.self),
            .block(TemporalBlock.self),
            .block(WaveNet.self),
            .block(WaveNetBlock.self),
        ]
    }
}
