import LaminaSDK

extension RNNCatalogue {
    public static var blocks: [Component] {
        [
            .block(Decoder.self),
            .block(Encoder.self),
            .block(EncoderDecoder.self),
            .block(TCN.self),
            .block(TemporalBlock.self),
            .block(WaveNet.self),
            .block(WaveNetBlock.self),
        ]
    }
}
