import LaminaSDK

extension CoreCatalogue {
    static var initializers: [Component] {
        [
            .initializer(ConstantInitializer.self),
            .initializer(HeNormalInitializer.self),
            .initializer(HeUniformInitializer.self),
            .initializer(IdentityInitializer.self),
            .initializer(NormalInitializer.self),
            .initializer(OrthogonalInitializer.self),
            .initializer(TruncatedNormalInitializer.self),
            .initializer(UniformInitializer.self),
            .initializer(XavierNormalInitializer.self),
            .initializer(XavierUniformInitializer.self),
        ]
    }
}
