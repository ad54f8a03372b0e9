import LaminaSDK

extension CoreCatalogue {
    static var losses: [Component] {
        [
            .loss(CrossEntropyLoss.self),
            .loss(MSELoss.self),
        ]
    }
}
