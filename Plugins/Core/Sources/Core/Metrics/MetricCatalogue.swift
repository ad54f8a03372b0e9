import LaminaSDK

extension CoreCatalogue {
    static var metrics: [Component] {
        [
            .metric(AccuracyMetric.self),
            .metric(ConfusionMatrixMetric.self),
            .metric(ExactMatchMetric.self),
            .metric(F1Metric.self),
            .metric(MAEMetric.self),
            .metric(MSEMetric.self),
            .metric(PerplexityMetric.self),
            .metric(PrecisionMetric.self),
            .metric(R2Metric.self),
            .metric(RecallMetric.self),
            .metric(TopKAccuracyMetric.self),
        ]
    }
}
