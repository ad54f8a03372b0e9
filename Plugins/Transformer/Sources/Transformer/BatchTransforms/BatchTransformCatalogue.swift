import LaminaSDK

extension TransformerCatalogue {
    public static var batchTransforms: [Component] {
        [
            .batchTransform(MaskTokens.self)
        ]
    }
}
