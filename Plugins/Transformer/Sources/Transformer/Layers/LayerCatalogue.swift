import LaminaSDK

extension TransformerCatalogue {
    public static var layers: [Component] {
        [
            .layer(DotProductAttention.self),
            .layer(RMSNorm.self),
            .layer(Gate.self),
            .layer(Rotary.self),
            .layer(LearnedPositions.self),
            .layer(SinusoidalPositions.self),
            .layer(ClassToken.self),
            .layer(SegmentVectors.self),
            .layer(ImageSize.self),
        ]
    }
}
