import LaminaSDK

extension CoreCatalogue {
    static var initializers: [Component] {
        [
            .initializer(ConstantInitializer.self),
            .initializer(UniformInitializer.self),
            .initializer(NormalInitializer.self),
            .initializer(HeUniformInitializer.self),
            .initializer(HeNormalInitializer.self),
        ]
    }
}
