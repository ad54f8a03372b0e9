import LaminaSDK

extension CoreCatalogue {
    static var metrics: [Component] {
        [
            .metric(AccuracyMetric.self)
        ]
    }
}
