import LaminaSDK

extension TransformerCatalogue {
    /// What is put behind the layers of a trained network to adapt it.
    static var adaptation: [Component] {
        [
            .layer(LoRA.self),
            .layer(Adapter.self),
            .layer(Prompt.self),
        ]
    }
}
