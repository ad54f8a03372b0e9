import LaminaSDK

/// `NormalizationTangent` on rows, the sets, each of which is contiguous.
struct NormalizationTangentPlan: PlannedLayer {
    private let rows: Int
    private let features: Int
    private let epsilon: Float
    private let hasWeight: Bool
    /// Rows with weights of their own, after which they repeat; each weight serves so many neighbouring elements.
    private let period: Int
    private let spread: Int
    private let saves: Bool
    private let sumsWeight: Bool
    /// Rows of a chunk of the backward pass, each of which sums the weight's gradient for itself.
    private let chunk: Int

    /// What is saved of a row: μ, 1/σ, mean(ẋ), mean(x̂ · ẋ).
    private typealias Row = SIMD4<Float>

    init(_ planning: Planning, _ layer: NormalizationTangent) {
        let x = planning.input(0)
        if let dimensions = layer.dimensions {
            (rows, period, spread) = (x.product(0, x.rank - dimensions), 1, 1)
            features = x.product(x.rank - dimensions, x.rank)
        } else {
            (period, spread) = (layer.groups ?? x.size(1), x.product(2, x.rank))
            rows = x.size(0) * period
            features = period == 0 ? 0 : x.size(1) / period * spread
        }
        (epsilon, hasWeight) = (layer.epsilon, layer.hasWeight)
        sumsWeight = hasWeight && planning.wantsParameterGradient(0)
        let needsDirection = planning.wantsInputGradient(0) || sumsWeight
        saves = needsDirection || planning.wantsInputGradient(1)
        chunk = max(1, elementGrain / max(features, 1), (rows + 31) / 32)
        if saves {
            planning.saveInput(0)
            planning.save(bytes: rows * MemoryLayout<Row>.size)
        }
        if needsDirection { planning.saveInput(1) }
        planning.allowGradientReuse(input: 1)
        let weights = hasWeight && spread > 1 ? period * features * 4 : 0
        let sums = sumsWeight ? (rows + chunk - 1) / chunk * period * features * 4 : 0
        planning.setWorkspace(forward: weights, backward: weights + sums)
        planning.setFLOPs(forward: 14 * Double(x.count), backward: 24 * Double(x.count))
    }

    /// The weights of `period` rows, one per element: the parameter itself, or spread over the positions of channels.
    private func weights(_ run: Run) -> UnsafeMutablePointer<Float>? {
        guard hasWeight else { return nil }
        let weight = run.parameter(0).floats
        if spread <= 1 { return weight }
        let out = run.workspace.assumingMemoryBound(to: Float.self)
        for c in 0..<period * features / spread { fill(out + c * spread, spread, weight[c]) }
        return out
    }

    // ẏ = weight · (ẋ − mean(ẋ) − x̂ · mean(x̂ · ẋ)) / σ
    func forward(_ run: Run) {
        if rows == 0 || features == 0 { return }
        let (x, direction, y) = (run.input(0).floats, run.input(1).floats, run.output(0).floats)
        let weights = weights(run)
        let saved = saves ? run.saved(0).assumingMemoryBound(to: Row.self) : nil
        run.host.parallelFor(rows, grain: max(1, elementGrain / features)) { begin, end in
            for row in begin..<end {
                let offset = row &* features
                let (x, direction, y) = (x + offset, direction + offset, y + offset)
                let weight = weights.map { $0 + row % period &* features }
                let (mean, factor) = rowStatistics(x, features, epsilon: epsilon)
                var (total, product) = (Vector(), Vector())
                forEachVector(features) { i, remaining in
                    let d = direction.vector(i, remaining)
                    total += d
                    product += d * ((x.vector(i, remaining) - mean) * factor)
                }
                let (average, slope) = (total.sum() / Float(features), product.sum() / Float(features))
                saved?[row] = Row(mean, factor, average, slope)
                forEachVector(features) { i, remaining in
                    let normalized = (x.vector(i, remaining) - mean) * factor
                    var v = (direction.vector(i, remaining) - average - normalized * slope) * factor
                    if let weight { v *= weight.vector(i, remaining) }
                    y.store(v, i, remaining)
                }
            }
        }
    }

    // With J u = (u − mean(u) − x̂ · mean(x̂ · u)) / σ, which is symmetric, and g = weight · dy:
    // dẋ = J g;  dweight = Σ_rows dy · J ẋ;
    // dx = −(x̂ · mean(g · J ẋ) + J ẋ · mean(x̂ · g) + J g · mean(x̂ · ẋ)) / σ, as ∂σ/∂x = x̂ / n and ∂x̂/∂x = J
    func backward(_ run: Run) {
        if rows == 0 || features == 0 {
            if hasWeight { clear(run.parameterGradient(0)) }
            return
        }
        if !saves { return }
        let weights = weights(run)
        let sums =
            sumsWeight ? run.workspace.assumingMemoryBound(to: Float.self) + (spread > 1 ? period * features : 0) : nil
        run.host.parallelFor(rows, grain: chunk) { begin, end in
            let sums = sums.map { $0 + begin / chunk &* period &* features }
            if let sums { fill(sums, period &* features, 0) }
            for row in begin..<end {
                backward(
                    run, row, weights.map { $0 + row % period &* features }, sums.map { $0 + row % period &* features })
            }
        }
        if let sums { combine(sums, into: run.parameterGradient(0)) }
    }

    private func backward(
        _ run: Run, _ row: Int, _ weight: UnsafeMutablePointer<Float>?, _ sums: UnsafeMutablePointer<Float>?
    ) {
        let offset = row &* features
        let (ds, dd) = (run.inputGradient(0), run.inputGradient(1))
        let (x, dy) = (run.input(0).floats + offset, run.outputGradient(0).floats + offset)
        let direction = ds.isAbsent && sums == nil ? nil : run.input(1).floats + offset
        let saved = run.saved(0).assumingMemoryBound(to: Row.self)[row]
        let (mean, factor, average, slope) = (saved[0], saved[1], saved[2], saved[3])
        /// x̂, g and J ẋ
        func terms(_ i: Int, _ remaining: Int) -> (Vector, Vector, Vector) {
            let normalized = (x.vector(i, remaining) - mean) * factor
            var g = dy.vector(i, remaining)
            if let weight { g *= weight.vector(i, remaining) }
            guard let direction else { return (normalized, g, Vector()) }
            return (normalized, g, (direction.vector(i, remaining) - average - normalized * slope) * factor)
        }
        var (total, product, change) = (Vector(), Vector(), Vector())
        forEachVector(features) { i, remaining in
            let (normalized, g, moved) = terms(i, remaining)
            total += g
            product += g * normalized
            change += g * moved
            if let sums { sums.store(dy.vector(i, remaining) * moved, i, remaining, accumulate: true) }
        }
        let n = Float(features)
        let (level, tilt, whole) = (total.sum() / n, product.sum() / n, change.sum() / n)
        let pds = ds.isAbsent ? nil : ds.floats + offset
        let pdd = dd.isAbsent ? nil : dd.floats + offset
        if pds == nil && pdd == nil { return }
        forEachVector(features) { i, remaining in
            let (normalized, g, moved) = terms(i, remaining)
            let passed = (g - level - normalized * tilt) * factor
            if let pds {
                let value = -factor * (normalized * whole + moved * tilt + passed * slope)
                pds.store(value, i, remaining, accumulate: ds.accumulates)
            }
            if let pdd { pdd.store(passed, i, remaining, accumulate: dd.accumulates) }
        }
    }

    /// Adds up the chunks' sums in order, and those of the elements that share a weight.
    private func combine(_ sums: UnsafePointer<Float>, into gradient: Tensor) {
        if gradient.isAbsent { return }
        let (chunks, width) = ((rows + chunk - 1) / chunk, period * features)
        let (out, accumulate) = (gradient.floats, gradient.accumulates)
        for c in 0..<gradient.count {
            var total = 0.0
            for part in 0..<chunks {
                for i in 0..<max(spread, 1) { total += Double(sums[part &* width &+ c &* spread &+ i]) }
            }
            out[c] = accumulate ? out[c] + Float(total) : Float(total)
        }
    }

    private func clear(_ gradient: Tensor) {
        if gradient.isAbsent || gradient.accumulates || gradient.count == 0 { return }
        fill(gradient.floats, gradient.count, 0)
    }
}
