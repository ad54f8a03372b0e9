import LaminaSDK

/// Group normalisation: y = (x − μ) / √(σ² + epsilon) · weight_c + bias_c, with μ and σ² of each sample and each group
/// of neighbouring channels.
///
/// x is [N, C, …], C a multiple of `groups`. Any layout. Wu, He: Group Normalization, ECCV 2018.
struct GroupNorm: TangentLayer {
    static let name = "group_norm"
    static let documentation = "Normalisation of each sample over groups of channels."
    static let attributes: [AttributeSchema] = [
        .integer("groups", 1...1e9, "number of groups; divides the number of channels"),
        .real("epsilon", default: 1e-5, 0...Double.infinity, "added to the variance"),
        .bool("affine", default: true, "trains a weight and a bias per channel"),
    ]

    let groups: Int
    let epsilon: Double
    let isAffine: Bool

    init(_ attributes: Attributes) {
        groups = attributes.integer("groups")
        epsilon = attributes.real("epsilon")
        isAffine = attributes.bool("affine")
    }

    func infer(_ inference: Inference) throws {
        try inference.require(0, .float32)
        try inference.requireRank(0, atLeast: 2)
        let shape = inference.shape(0)
        let channels = try inference.literal(
            shape[1], "the number of channels (axis 1), on which the parameters' shapes depend,")
        guard channels % groups == 0 else {
            throw PluginError.shape(
                "the input has shape \(inference.host.text(shape)), but its \(channels) channels cannot be split into "
                    + "\(groups) groups: set groups to a divisor", input: 0)
        }
        if isAffine { try inference.addAffine(channels) }
        try inference.addOutput(.float32, shape)
        inference.setLayouts(.any)
    }

    func plan(_ planning: Planning) -> any PlannedLayer {
        GroupNormPlan(planning, groups: groups, epsilon: epsilon, isAffine: isAffine, momentum: nil)
    }

    func expandTangent(_ tangent: TangentExpansion) throws {
        try tangent.expandNormalization(["groups": .integer(groups)], epsilon: epsilon, affine: isAffine)
    }
}

/// Statistics per sample and group of channels.
struct GroupNormPlan: PlannedLayer {
    private let grid: ChannelGrid
    private let groups: Int
    private let epsilon: Double
    private let isAffine: Bool
    /// nil: no running statistics.
    private let momentum: Double?
    private let saves: Bool

    init(_ planning: Planning, groups: Int, epsilon: Double, isAffine: Bool, momentum: Double?) {
        grid = ChannelGrid(planning.input(0), mergesInstances: false)
        self.groups = groups
        self.epsilon = epsilon
        self.isAffine = isAffine
        self.momentum = planning.isTraining ? momentum : nil
        saves =
            planning.wantsInputGradient(0)
            || isAffine && (planning.wantsParameterGradient(0) || planning.wantsParameterGradient(1))
        if saves {
            planning.saveInput(0)
            planning.save(bytes: 2 * grid.instances * grid.channels * 4)
        }
        planning.allowGradientReuse()
        let bytes = (2 * grid.partials * grid.channels + ChannelCoefficients.floats(grid, perInstance: true)) * 4
        planning.setWorkspace(forward: bytes, backward: saves ? bytes : 0)
        planning.setFLOPs(forward: 6 * Double(grid.count), backward: 9 * Double(grid.count))
    }

    private func channels(of group: Int) -> Range<Int> {
        let size = grid.channels / groups
        return group * size..<(group + 1) * size
    }

    func forward(_ run: Run) {
        if grid.count == 0 { return }
        let channels = grid.channels
        let mean = run.workspace.assumingMemoryBound(to: Float.self)
        let deviation = mean + grid.partials * channels
        let size = grid.instances * channels
        let coefficients = ChannelCoefficients(grid, perInstance: true, at: deviation + grid.partials * channels)
        grid.moments(run.input(0).floats, mean: mean, deviation: deviation, run.host)
        if let momentum { updateRunningStatistics(run, momentum, mean, deviation) }

        // Saved per sample and channel, the same for all channels of a group.
        let saved = saves ? run.saved(0).assumingMemoryBound(to: Float.self) : nil
        let weight = isAffine ? run.parameter(0).floats : nil
        let bias = isAffine ? run.parameter(1).floats : nil
        run.host.parallelFor(grid.instances * groups, grain: max(1, 64 * groups / channels)) { begin, end in
            for set in begin..<end {
                let (instance, range) = (set / groups, self.channels(of: set % groups))
                let (mu, variance) = grid.combine(
                    partials: grid.partials(of: instance), channels: range, mean: mean, deviation: deviation)
                let factor = 1 / (variance + epsilon).squareRoot()
                for c in range {
                    let at = instance &* channels &+ c
                    let scale = factor * Double(weight?[c] ?? 1)
                    coefficients.setCenter(Float(mu), c, instance: instance)
                    // The mean rarely is a float: the rest of it goes to b.
                    let offset = Double(bias?[c] ?? 0) - (mu - Double(Float(mu))) * scale
                    coefficients.set(a: scale, b: offset, c, instance: instance)
                    if let saved {
                        saved[at] = Float(mu)
                        saved[size &+ at] = Float(factor)
                    }
                }
            }
        }
        grid.scale(run.input(0).floats, run.output(0).floats, coefficients, run.host)
    }

    /// Each running statistic follows the average over the batch. As in PyTorch, nobody counts the batches.
    private func updateRunningStatistics(
        _ run: Run, _ momentum: Double, _ mean: UnsafePointer<Float>, _ deviation: UnsafePointer<Float>
    ) {
        let (runningMean, runningVariance) = (run.buffer(0).floats, run.buffer(1).floats)
        let (samples, n) = (Double(grid.instances), Double(grid.positions))
        for c in 0..<grid.channels {
            var (mu, variance) = (0.0, 0.0)
            for instance in 0..<grid.instances {
                let one = grid.combine(
                    partials: grid.partials(of: instance), channels: c..<c + 1, mean: mean, deviation: deviation)
                mu += one.mean / samples
                variance += one.variance * n / (n - 1) / samples
            }
            runningMean[c] = Float((1 - momentum) * Double(runningMean[c]) + momentum * mu)
            runningVariance[c] = Float((1 - momentum) * Double(runningVariance[c]) + momentum * variance)
        }
    }

    // x̂ = (x − μ) / σ;  dbias = Σ dy;  dweight = Σ dy · x̂, over samples and positions;
    // dx = (weight · dy − Σ weight · dy / n − x̂ · Σ weight · dy · x̂ / n) / σ, with sums over the set
    func backward(_ run: Run) {
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
        let size = grid.instances * channels
        let sum = run.workspace.assumingMemoryBound(to: Float.self)
        let product = sum + grid.partials * channels
        let mean = run.saved(0).assumingMemoryBound(to: Float.self)
        let factor = mean + size
        let coefficients = ChannelCoefficients(grid, perInstance: true, at: product + grid.partials * channels)
        for instance in 0..<grid.instances {
            for c in 0..<channels { coefficients.setCenter(mean[instance &* channels &+ c], c, instance: instance) }
        }
        let (x, dy) = (run.input(0).floats, run.outputGradient(0).floats)
        grid.gradientSums(dy, x, coefficients, sum: sum, product: product, run.host)

        if dWeight != nil || dBias != nil {
            run.host.parallelFor(channels, grain: 64) { begin, end in
                for i in begin..<end {
                    var (total, products) = (0.0, 0.0)
                    for instance in 0..<grid.instances {
                        let partials = grid.partials(of: instance)
                        total += grid.combine(partials: partials, channel: i, sum)
                        products +=
                            grid.combine(partials: partials, channel: i, product)
                            * Double(factor[instance &* channels &+ i])
                    }
                    dWeight?.put(Float(products), at: i)
                    dBias?.put(Float(total), at: i)
                }
            }
        }
        let dx = run.inputGradient(0)
        if dx.isAbsent { return }
        let weight = isAffine ? run.parameter(0).floats : nil
        let count = Double(grid.positions * channels / groups)
        run.host.parallelFor(grid.instances * groups, grain: max(1, 64 * groups / channels)) { begin, end in
            for set in begin..<end {
                let (instance, range) = (set / groups, self.channels(of: set % groups))
                let partials = grid.partials(of: instance)
                let first = instance &* channels &+ range.lowerBound
                let inverse = Double(factor[first])
                var (total, products) = (0.0, 0.0)
                for i in range {
                    let w = Double(weight?[i] ?? 1)
                    total += w * grid.combine(partials: partials, channel: i, sum)
                    products += w * grid.combine(partials: partials, channel: i, product)
                }
                let slope = -inverse * inverse * inverse * products / count
                for i in range {
                    coefficients.set(
                        a: inverse * Double(weight?[i] ?? 1), b: slope, c: -inverse * total / count, i,
                        instance: instance)
                }
            }
        }
        grid.gradient(dy, x, dx.floats, coefficients, accumulate: dx.accumulates, run.host)
    }
}
