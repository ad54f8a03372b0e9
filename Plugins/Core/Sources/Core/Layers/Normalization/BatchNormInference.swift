import LaminaSDK

/// Batch normalisation with the running statistics: a scale and an offset per channel.
struct BatchNormInference: PlannedLayer {
    private let grid: ChannelGrid
    private let isAffine: Bool
    private let epsilon: Double
    private let wantsParameters: Bool

    init(_ planning: Planning, _ grid: ChannelGrid, _ isAffine: Bool, _ epsilon: Double) {
        self.grid = grid
        self.isAffine = isAffine
        self.epsilon = epsilon
        wantsParameters = isAffine && (planning.wantsParameterGradient(0) || planning.wantsParameterGradient(1))
        if wantsParameters { planning.saveInput(0) } else { planning.allowReuse() }
        planning.allowGradientReuse()
        let rows = wantsParameters ? 2 * grid.partials : 0
        let coefficients = ChannelCoefficients.floats(grid, perInstance: false)
        planning.setPersistent(bytes: coefficients * 4)
        planning.setWorkspace(backward: (rows * grid.channels + coefficients) * 4)
        planning.allowRanges()
        planning.setFLOPs(
            forward: 2 * Double(grid.count), backward: (wantsParameters ? 6 : 2) * Double(grid.count))
    }

    /// 1 / √(running_var + epsilon) of a channel.
    private func factor(_ run: Run, _ channel: Int) -> Double {
        1 / (Double(run.buffer(1).floats[channel]) + epsilon).squareRoot()
    }

    /// weight / √(running_var + epsilon)
    private func scale(_ run: Run, _ channel: Int) -> Double {
        factor(run, channel) * (isAffine ? Double(run.parameter(0).floats[channel]) : 1)
    }

    /// Those of forward, which `prepare` fills.
    private func coefficients(_ run: Run) -> ChannelCoefficients {
        ChannelCoefficients(grid, perInstance: false, at: run.persistent.assumingMemoryBound(to: Float.self))
    }

    func prepare(_ run: Run) {
        if grid.channels == 0 { return }
        let bias = isAffine ? run.parameter(1).floats : nil
        let coefficients = coefficients(run)
        for c in 0..<grid.channels {
            coefficients.setCenter(run.buffer(0).floats[c], c)
            coefficients.set(a: scale(run, c), b: Double(bias?[c] ?? 0), c)
        }
    }

    func forward(_ run: Run) {
        if grid.count == 0 { return }
        grid.scale(run.input(0).floats, run.output(0).floats, coefficients(run), run.host)
    }

    func forward(_ run: Run, _ range: Range<Int>) {
        grid.scale(run.input(0).floats, run.output(0).floats, coefficients(run), range)
    }

    // x̂ = (x − μ) / σ with fixed μ and σ;  dbias = Σ dy;  dweight = Σ dy · x̂;  dx = dy · weight / σ
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
        let dy = run.outputGradient(0).floats
        let memory = run.workspace.assumingMemoryBound(to: Float.self)
        let coefficients = ChannelCoefficients(grid, perInstance: false, at: memory)
        for c in 0..<channels {
            coefficients.setCenter(run.buffer(0).floats[c], c)
            coefficients.set(a: scale(run, c), b: 0, c: 0, c)
        }
        if wantsParameters {
            let sum = memory + ChannelCoefficients.floats(grid, perInstance: false)
            let product = sum + grid.partials * channels
            grid.gradientSums(dy, run.input(0).floats, coefficients, sum: sum, product: product, run.host)
            for c in 0..<channels {
                let all = 0..<grid.partials
                dWeight?.put(Float(grid.combine(partials: all, channel: c, product) * factor(run, c)), at: c)
                dBias?.put(Float(grid.combine(partials: all, channel: c, sum)), at: c)
            }
        }
        let dx = run.inputGradient(0)
        if dx.isAbsent { return }
        // With b = c = 0 nothing depends on x: dy stands in for it, so that x need not be saved.
        grid.gradient(dy, dy, dx.floats, coefficients, accumulate: dx.accumulates, run.host)
    }
}
