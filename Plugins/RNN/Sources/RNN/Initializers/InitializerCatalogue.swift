import LaminaSDK

extension RNNCatalogue {
    public static var initializers: [Component] {
        [
            .initializer(GateBiasInitializer.self),
            .initializer(OrthogonalGatesInitializer.self),
        ]
    }
}
