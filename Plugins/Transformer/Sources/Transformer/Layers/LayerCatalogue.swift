import LaminaSDK

extension TransformerCatalogue {
    public static var layers: [Component] {
        [
            .layer(DotProductAttention.self)
        ]
    }
}
