import LaminaSDK

extension CoreCatalogue {
    public static var layers: [Component] {
        [
            .layer(Identity.self)
        ]
    }
}
