import LaminaSDK

extension CoreCatalogue {
    static var losses: [Component] {
        [
            .loss(BCELoss.self),
            .loss(BCEWithLogitsLoss.self),
            .loss(CosineLoss.self),
            .loss(CrossEntropyLoss.self),
            .loss(HingeLoss.self),
            .loss(HuberLoss.self),
            .loss(KLDivergenceLoss.self),
            .loss(L1Loss.self),
            .loss(MSELoss.self),
            .loss(NLLLoss.self),
            .loss(SmoothL1Loss.self),
        ]
    }
}
