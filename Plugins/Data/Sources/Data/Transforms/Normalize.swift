import LaminaSDK

/// Shifts and scales each channel: y = (x − mean) / std, with x / 255 in place of x when the input is uint8.
///
/// Shapes: [C, …] → [C, …] float32; mean and std have C values, or one for all channels. So the same figures hold for
/// bytes and for what `data.to_float` makes of them.
public struct Normalize: Transform {
    public static let name = "normalize"
    public static let documentation = "(x - mean) / std per channel; bytes are divided by 255 first."
    public static let attributes: [AttributeSchema] = [
        .reals("mean", count: 1...65536, "One value per channel, or one for all."),
        .reals("std", 0 ... .infinity, count: 1...65536, "One value per channel, or one for all; above 0."),
    ]

    private let mean: [Double]
    private let deviation: [Double]

    public init(_ attributes: Attributes) throws {
        mean = attributes.reals("mean")
        deviation = attributes.reals("std")
        guard mean.count == 1 || deviation.count == 1 || mean.count == deviation.count else {
            throw PluginError.attribute("mean has \(mean.count) values, std has \(deviation.count): give equally many")
        }
        guard mean.allSatisfy(\.isFinite), deviation.allSatisfy({ $0.isFinite && $0 > 0 }) else {
            throw PluginError.attribute("mean \(mean) must be finite and std \(deviation) above 0")
        }
    }

    private var channels: Int { max(mean.count, deviation.count) }

    public func infer(_ dtype: DataType, _ shape: [Int]) throws -> (DataType, [Int]) {
        guard dtype == .uint8 || dtype == .float32 else {
            throw PluginError.type(
                "data.normalize takes uint8 or float32, got \(dtype.name); put data.to_float before it")
        }
        guard channels == 1 || shape.first == channels else {
            throw PluginError.shape(
                "data.normalize has \(channels) means or deviations, the input \(shape) \(shape.first ?? 0) channels")
        }
        return (.float32, shape)
    }

    public func apply(_ input: Tensor, to output: Tensor, isTraining: Bool, random: RandomStream, host: Host) {
        let planes = channels == 1 ? 1 : channels
        let samples = input.rank == 0 ? 1 : input.size(0)
        guard samples > 0, input.count > 0 else { return }
        let plane = input.count / samples / planes
        let isBytes = input.dtype == .uint8
        host.parallelFor(samples * planes, grain: max(1, (32 << 10) / plane)) { begin, end in
            for index in begin..<end {
                let channel = index % planes
                let scale = 1 / deviation[deviation.count == 1 ? 0 : channel]
                let offset = Float(-mean[mean.count == 1 ? 0 : channel] * scale)
                let y = output.floats + index * plane
                if isBytes {
                    let x = input.uint8s + index * plane
                    let factor = Float(scale / 255)
                    for i in 0..<plane { y[i] = Float(x[i]) * factor + offset }
                } else {
                    let x = input.floats + index * plane
                    let factor = Float(scale)
                    for i in 0..<plane { y[i] = x[i] * factor + offset }
                }
            }
        }
    }
}
