import LaminaSDK

/// How many numbers a parameter [out, in, receptive field…] combines and how many it feeds, as PyTorch counts.
struct Fans {
    let input: Double
    let output: Double

    static let gain = AttributeSchema.real("gain", default: 1, "Factor on every element.")

    /// Throws below rank 2, where there are no fans.
    init(_ tensor: Tensor, for name: String) throws {
        guard tensor.rank >= 2 else {
            throw PluginError.shape(
                "core.\(name) needs a parameter of rank 2 or more, [out, in, …], got shape \(tensor.shape): "
                    + "use core.normal or core.uniform")
        }
        let field = tensor.product(2, tensor.rank)
        input = Double(tensor.size(1) * field)
        output = Double(tensor.size(0) * field)
    }
}

/// Elements that one thread draws at a time.
private let grain = 16_384

extension Tensor {
    /// low + (high − low) u with u uniform in [0, 1).
    func fillUniform(_ low: Double, _ high: Double, _ random: RandomStream, _ host: Host) {
        guard count > 0 else { return }
        let (out, offset, width) = (floats, Float(low), Float(high - low))
        host.parallelFor(count, grain: grain) { begin, end in
            host.uniform(random, first: begin, into: out + begin, count: end - begin)
            for i in begin..<end { out[i] = out[i] * width + offset }
        }
    }

    /// mean + deviation z with z standard normal.
    func fillNormal(_ mean: Double, _ deviation: Double, _ random: RandomStream, _ host: Host) {
        guard count > 0 else { return }
        let (out, mean, deviation) = (floats, Float(mean), Float(deviation))
        host.parallelFor(count, grain: grain) { begin, end in
            host.normal(random, first: begin, into: out + begin, count: end - begin)
            for i in begin..<end { out[i] = out[i] * deviation + mean }
        }
    }
}
