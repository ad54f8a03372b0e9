import LaminaSDK

extension CoreCatalogue {
    static var optimizers: [Component] {
        [
            .optimizer(Adadelta.self),
            .optimizer(Adagrad.self),
            .optimizer(Adam.self),
            .optimizer(Adamax.self),
            .optimizer(AdamW.self),
            .optimizer(ASGD.self),
            .optimizer(NAdam.self),
            .optimizer(RAdam.self),
            .optimizer(RMSprop.self),
            .optimizer(Rprop.self),
            .optimizer(SGD.self),
        ]
    }
}
