import LaminaSDK

extension TransformerCatalogue {
    public static var blocks: [Component] {
        [
            .block(BERT.self),
            .block(Decoder.self),
            .block(DecoderLayer.self),
            .block(Encoder.self),
            .block(EncoderDecoder.self),
            .block(EncoderLayer.self),
            .block(GPT.self),
            .block(MultiHeadAttention.self),
            .block(VisionTransformer.self),
        ]
    }
}
