import LaminaSDK

/// Normal with mean and standard deviation, restricted to [low, high].
///
/// Bounds are absolute, not in standard deviations. Each element is the quantile of one uniform number between the
/// bounds' cumulative probabilities, so nothing is drawn twice. Reference: `torch.nn.init.trunc_normal_`.
struct TruncatedNormalInitializer: Initializer {
    static let name = "truncated_normal"
    static let documentation = "Normal, restricted to [low, high]."
    static let attributes: [AttributeSchema] = [
        .real("mean", default: 0, "Mean before the restriction."),
        .real("std", default: 1, 0 ... .infinity, "Standard deviation before the restriction."),
        .real("low", default: -2, "Lower bound."),
        .real("high", default: 2, "Upper bound."),
    ]

    private let mean, deviation, low, high: Double

    init(_ attributes: Attributes) throws {
        mean = attributes.real("mean")
        deviation = attributes.real("std")
        low = attributes.real("low")
        high = attributes.real("high")
        guard low <= high else { throw PluginError.attribute("low is \(low), above high, \(high): swap them") }
    }

    func fill(_ out: Tensor, random: RandomStream, host: Host) {
        guard out.count > 0 else { return }
        let values = out.floats
        guard deviation > 0 else {
            values.update(repeating: Float(max(low, min(high, mean))), count: out.count)
            return
        }
        // Far above the mean, probabilities crowd below 1: the mirrored interval keeps their digits.
        let side: Double = low + high > 2 * mean ? -1 : 1
        let from = normalCumulative(((side > 0 ? low : high) - mean) * side / deviation)
        let to = normalCumulative(((side > 0 ? high : low) - mean) * side / deviation)
        let (mean, deviation) = (mean, deviation)
        let (lowest, highest) = (Float(low), Float(high))
        host.parallelFor(out.count, grain: 4096) { begin, end in
            host.uniform(random, first: begin, into: values + begin, count: end - begin)
            for i in begin..<end {
                // The middle of the 2^-24 wide cell that the number stands for, never 0 or 1.
                let p = from + (to - from) * (Double(values[i]) + 0x1p-25)
                let value = mean + side * deviation * normalQuantile(max(p, Double.leastNormalMagnitude))
                values[i] = max(lowest, min(highest, Float(value)))
            }
        }
    }
}
