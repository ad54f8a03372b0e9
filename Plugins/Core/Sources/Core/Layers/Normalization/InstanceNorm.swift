import LaminaSDK

/// Instance normalisation: y = (x − μ) / √(σ² + epsilon) · weight_c + bias_c, with μ and σ² of each sample and channel.
///
/// With `track_running_stats` inference uses running statistics, which in training follow the averages over the batch.
/// Any layout. Ulyanov, Vedaldi, Lempitsky: Instance Normalization, arXiv 1607.08022.
struct InstanceNorm<Rank: SpatialRank>: TangentLayer {
    static var name: String { "instance_norm" + Rank.name }
    static var documentation: String { "Normalisation of each sample and channel over its positions." }
    static var attributes: [AttributeSchema] {
        [
            .real("momentum", default: 0.1, 0...1, "weight of the batch in the running statistics"),
            .real("epsilon", default: 1e-5, 0...Double.infinity, "added to the variance"),
            .bool("affine", default: false, "trains a weight and a bias per channel"),
            .bool("track_running_stats", default: false, "keeps running statistics and uses them at inference"),
        ]
    }

    let momentum: Double
    let epsilon: Double
    let isAffine: Bool
    let tracks: Bool

    init(_ attributes: Attributes) {
        momentum = attributes.real("momentum")
        epsilon = attributes.real("epsilon")
        isAffine = attributes.bool("affine")
        tracks = attributes.bool("track_running_stats")
    }

    func infer(_ inference: Inference) throws {
        let channels = try inference.channels(Rank.self)
        guard inference.shape(0).count >= 3 else {
            throw PluginError.shape(
                "the input has shape \(inference.host.text(inference.shape(0))), which has no positions to normalise "
                    + "over: wanted [N, C, L]", input: 0)
        }
        if isAffine { try inference.addAffine(channels) }
        if tracks { try inference.addRunningStatistics(channels) }
        try inference.addOutput(.float32, inference.shape(0))
        inference.setLayouts(.any)
    }

    func plan(_ planning: Planning) throws -> any PlannedLayer {
        let x = planning.input(0)
        guard planning.isTraining || !tracks else {
            return BatchNormInference(planning, ChannelGrid(x, mergesInstances: true), isAffine, epsilon)
        }
        guard !planning.isTraining || x.product(2, x.rank) != 1 else {
            throw PluginError.shape(
                "the input has shape \(x.shape), one position per channel, of which training can take no variance: "
                    + "wanted more positions", input: 0)
        }
        return GroupNormPlan(
            planning, groups: x.size(1), epsilon: epsilon, isAffine: isAffine, momentum: tracks ? momentum : nil)
    }

    func expandTangent(_ tangent: TangentExpansion) throws {
        guard !tracks else {
            throw PluginError.unsupported(
                "with track_running_stats it is another function at inference than in training; set it to false")
        }
        try tangent.expandNormalization([:], epsilon: epsilon, affine: isAffine)
    }
}
