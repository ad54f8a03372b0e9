import LaminaSDK

extension CoreCatalogue {
    /// One line per layer.
    public static var layers: [Component] {
        [
            .layer(Add.self),
            .layer(Dense.self),
            .layer(Flatten.self),
            .layer(Identity.self),
            .layer(ReLU.self),
        ]
    }
}
