import LaminaSDK

extension CoreCatalogue {
    static var optimizers: [Component] {
        [
            .optimizer(SGD.self),
            .optimizer(Adam.self),
            .optimizer(AdamW.self),
        ]
    }
}
