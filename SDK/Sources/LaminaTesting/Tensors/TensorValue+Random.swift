import CLaminaMath
import LaminaSDK

extension TensorValue {
    /// Uniform float32 numbers, a function of the seed alone.
    public static func uniform(_ shape: [Int], _ range: ClosedRange<Float> = -1...1, seed: UInt64) -> TensorValue {
        let unit = random(shape.reduce(1, *), seed)
        return TensorValue(shape, unit.map { range.lowerBound + $0 * (range.upperBound - range.lowerBound) })
    }

    /// Standard normal float32 numbers, a function of the seed alone.
    public static func normal(_ shape: [Int], seed: UInt64) -> TensorValue {
        var values = [Float](repeating: 0, count: shape.reduce(1, *))
        lamina_random_normal(seed, 0x7E57, 0, &values, Int64(values.count))
        return TensorValue(shape, values)
    }

    /// Integers of `range`, a function of the seed alone.
    public static func integers(
        _ shape: [Int], _ range: Range<Int>, _ dtype: DataType = .int64, seed: UInt64
    ) -> TensorValue {
        let values = random(shape.reduce(1, *), seed).map { range.lowerBound + Int($0 * Float(range.count)) }
        return switch dtype {
        case .int32: TensorValue(shape, int32s: values.map(Int32.init))
        case .uint8: TensorValue(shape, uint8s: values.map(UInt8.init))
        case .bool: TensorValue(shape, bools: values.map { $0 != 0 })
        case .int64: TensorValue(shape, int64s: values.map(Int64.init))
        case .float32: TensorValue(shape, values.map(Float.init))
        case .float64: TensorValue(shape, doubles: values.map(Double.init))
        }
    }

    private static func random(_ count: Int, _ seed: UInt64) -> [Float] {
        var out = [Float](repeating: 0, count: count)
        lamina_random_uniform(seed, 0x7E57, 0, &out, Int64(count))
        return out
    }
}
