import LaminaSDK

/// The number of axes behind batch and channels.
protocol SpatialRank {
    static var name: String { get }
    static var ranks: ClosedRange<Int> { get }
    static var shapes: String { get }
}

enum Spatial1D: SpatialRank {
    static let name = "1d"
    static let ranks = 2...3
    static let shapes = "[N, C] or [N, C, L]"
}

enum Spatial2D: SpatialRank {
    static let name = "2d"
    static let ranks = 4...4
    static let shapes = "[N, C, H, W]"
}

enum Spatial3D: SpatialRank {
    static let name = "3d"
    static let ranks = 5...5
    static let shapes = "[N, C, D, H, W]"
}

/// Batch normalisation: y = (x − μ_c) / √(σ²_c + epsilon) · weight_c + bias_c, per channel c.
///
/// In training μ and σ² are those of the batch over all axes but 1, and the running ones follow them:
/// running ← (1 − momentum) · running + momentum · batch, with Bessel's correction for the variance. At inference the
/// running ones count. Any layout. Ioffe, Szegedy: Batch Normalization, ICML 2015.
struct BatchNorm<Rank: SpatialRank>: TangentLayer {
    static var name: String { "batch_norm" + Rank.name }
    static var documentation: String { "Batch normalisation of \(Rank.shapes) per channel." }
    static var attributes: [AttributeSchema] {
        [
            .real("momentum", default: 0.1, 0...1, "weight of the batch in the running statistics"),
            .real("epsilon", default: 1e-5, 0...Double.infinity, "added to the variance"),
            .bool("affine", default: true, "trains a weight and a bias per channel"),
            .bool("track_running_stats", default: true, "keeps running statistics for inference; else the batch's"),
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
        if isAffine { try inference.addAffine(channels) }
        if tracks { try inference.addRunningStatistics(channels) }
        try inference.addOutput(.float32, inference.shape(0))
        inference.setLayouts(.any)
    }

    func plan(_ planning: Planning) throws -> any PlannedLayer {
        let grid = ChannelGrid(planning.input(0), mergesInstances: true)
        guard planning.isTraining || !tracks else { return BatchNormInference(planning, grid, isAffine, epsilon) }
        guard !planning.isTraining || grid.elements != 1 else {
            throw PluginError.shape(
                "the input has shape \(planning.input(0).shape), one value per channel, of which training can take no "
                    + "variance: wanted a batch of at least 2", input: 0)
        }
        return BatchNormPlan(planning, grid, self)
    }

    func expandTangent(_ tangent: TangentExpansion) throws {
        throw PluginError.unsupported(
            "its outputs depend on the other samples of the batch, so that a sample has no gradient of its own; use "
                + "core.\(LayerNorm.name), core.\(GroupNorm.name) or core.\(InstanceNorm<Rank>.name), or no normalisation"
        )
    }
}

extension Inference {
    /// The number of channels of an input with as many axes as wanted.
    func channels<Rank: SpatialRank>(_ rank: Rank.Type) throws -> Int {
        try require(0, .float32)
        let shape = shape(0)
        guard Rank.ranks.contains(shape.count) else {
            throw PluginError.shape("the input has shape \(host.text(shape)), wanted \(Rank.shapes)", input: 0)
        }
        return try literal(shape[1], "the number of channels (axis 1), on which the parameters' shapes depend,")
    }

    /// weight = 1 and bias = 0, one each per channel.
    func addAffine(_ channels: Int) throws {
        try addParameter("weight", [channels], initializer: "core.constant", ["value": .real(1)], noDecay: true)
        try addParameter("bias", [channels], initializer: "core.constant", ["value": .real(0)], noDecay: true)
    }

    func addRunningStatistics(_ channels: Int) throws {
        try addBuffer("running_mean", [channels], initial: 0)
        try addBuffer("running_var", [channels], initial: 1)
        try addBuffer("num_batches_tracked", [], .int64, initial: 0)
    }
}

/// With the statistics of the batch.
struct BatchNormPlan: PlannedLayer {
    private let grid: ChannelGrid
    private let momentum: Double
    private let epsilon: Double
    private let isAffine: Bool
    private let updates: Bool
    private let saves: Bool

    init<Rank: SpatialRank>(_ planning: Planning, _ grid: ChannelGrid, _ layer: BatchNorm<Rank>) {
        self.grid = grid
        (momentum, epsilon, isAffine) = (layer.momentum, layer.epsilon, layer.isAffine)
        updates = planning.isTraining && layer.tracks
        saves =
            planning.wantsInputGradient(0)
            || isAffine && (planning.wantsParameterGradient(0) || planning.wantsParameterGradient(1))
        if saves {
            planning.saveInput(0)
            planning.save(bytes: 2 * grid.channels * 4)
        }
        planning.allowGradientReuse()
        planning.announceOutput()
        let bytes = (2 * grid.partials * grid.channels + ChannelCoefficients.floats(grid, perInstance: false)) * 4
        planning.setWorkspace(forward: bytes, backward: saves ? bytes : 0)
        planning.setFLOPs(forward: 6 * Double(grid.count), backward: 9 * Double(grid.count))
    }

    func forward(_ run: Run) {
        if grid.count == 0 { return }
        let channels = grid.channels
        let mean = run.workspace.assumingMemoryBound(to: Float.self)
        let deviation = mean + grid.partials * channels
        let coefficients = ChannelCoefficients(
            grid, perInstance: false, at: deviation + grid.partials * channels)
        grid.moments(run.input(0).floats, mean: mean, deviation: deviation, run.host)

        let saved = saves ? run.saved(0).assumingMemoryBound(to: Float.self) : nil
        let weight = isAffine ? run.parameter(0).floats : nil
        let bias = isAffine ? run.parameter(1).floats : nil
        let runningMean = updates ? run.buffer(0).floats : nil
        let runningVariance = updates ? run.buffer(1).floats : nil
        let count = Double(grid.elements)
        run.host.parallelFor(channels, grain: 64) { begin, end in
            for c in begin..<end {
                let (mu, variance) = grid.combine(
                    partials: 0..<grid.partials, channels: c..<c + 1, mean: mean, deviation: deviation)
                let factor = 1 / (variance + epsilon).squareRoot()
                let scale = factor * Double(weight?[c] ?? 1)
                coefficients.setCenter(Float(mu), c)
                // The mean rarely is a float: the rest of it goes to b.
                coefficients.set(a: scale, b: Double(bias?[c] ?? 0) - (mu - Double(Float(mu))) * scale, c)
                if let saved {
                    saved[c] = Float(mu)
                    saved[channels &+ c] = Float(factor)
                }
                if let runningMean, let runningVariance {
                    let unbiased = variance * count / (count - 1)
                    runningMean[c] = Float((1 - momentum) * Double(runningMean[c]) + momentum * mu)
                    runningVariance[c] = Float((1 - momentum) * Double(runningVariance[c]) + momentum * unbiased)
                }
            }
        }
        if updates { run.buffer(2).int64s.pointee += 1 }
        grid.scale(run.input(0).floats, run.output(0).floats, coefficients, run.host) { start, count in
            run.finished(start, count: count)
        }
    }

    // x̂ = (x − μ) / σ;  dbias = Σ dy;  dweight = Σ dy · x̂;
    // dx = weight / σ · (dy − dbias / n − x̂ · dweight / n)
    func backward(_ run: Run) {
        let dx = run.inputGradient(0)
        let channels = grid.channels
        let dWeight = isAffine && !run.parameterGradient(0).isAbsent ? run.parameterGradient(0) : nil
        let dBias = isAffine && !run.parameterGradient(1).isAbsent ? run.parameterGradient(1) : nil
        if grid.count == 0 {
            for gradient in [dWeight, dBias] {
                if let gradient, !gradient.accumulates { fill(gradient.floats, gradient.count, 0) }
            }
            return
        }
        if !saves { return }
        let sum = run.workspace.assumingMemoryBound(to: Float.self)
        let product = sum + grid.partials * channels
        let mean = run.saved(0).assumingMemoryBound(to: Float.self)
        let factor = mean + channels
        let coefficients = ChannelCoefficients(grid, perInstance: false, at: product + grid.partials * channels)
        for c in 0..<channels { coefficients.setCenter(mean[c], c) }
        let (x, dy) = (run.input(0).floats, run.outputGradient(0).floats)
        grid.gradientSums(dy, x, coefficients, sum: sum, product: product, run.host)

        let weight = isAffine ? run.parameter(0).floats : nil
        let count = Double(grid.elements)
        run.host.parallelFor(channels, grain: 64) { begin, end in
            for i in begin..<end {
                let inverse = Double(factor[i])
                let total = grid.combine(partials: 0..<grid.partials, channel: i, sum)
                let products = grid.combine(partials: 0..<grid.partials, channel: i, product) * inverse
                dWeight?.put(Float(products), at: i)
                dBias?.put(Float(total), at: i)
                let scale = inverse * Double(weight?[i] ?? 1)
                coefficients.set(a: scale, b: -scale * inverse * products / count, c: -scale * total / count, i)
            }
        }
        if dx.isAbsent { return }
        grid.gradient(dy, x, dx.floats, coefficients, accumulate: dx.accumulates, run.host)
    }
}

extension Tensor {
    /// Writes one element of a gradient, or adds it.
    @inline(__always)
    func put(_ value: Float, at index: Int) { floats[index] = accumulates ? floats[index] + value : value }
}
