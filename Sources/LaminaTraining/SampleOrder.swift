import CLaminaMath
import LaminaRecipe

extension Recipe.Training {
    /// The samples that `validate` leaves for training, and those that it holds back; nil: it holds none back.
    ///
    /// Errors: `.recipe` when one of the two would be empty.
    public func split(_ count: Int) throws(TrainingError) -> (training: [Int64], validation: [Int64])? {
        guard let fraction = validate, fraction > 0 else { return nil }
        let split = SampleOrder.split(count, validation: fraction, seed: seed)
        guard !split.training.isEmpty, !split.validation.isEmpty else {
            throw TrainingError(
                .recipe,
                "validate: \(fraction) of \(count) samples leaves \(split.training.count) to train on and "
                    + "\(split.validation.count) to validate with; both have to be at least 1")
        }
        return split
    }
}

/// Which samples a pass over a dataset visits, in which order.
///
/// The order of an epoch is a function of seed and epoch alone (a Fisher–Yates shuffle on a counter-based generator), so a
/// resumed run sees what an uninterrupted one would have seen.
struct SampleOrder {
    private static let shuffleStream: UInt64 = 0x7368_7566_666c_65
    private static let splitStream: UInt64 = 0x7370_6c69_74

    /// Splits `count` samples into training and validation, at random.
    static func split(_ count: Int, validation fraction: Double, seed: UInt64) -> (
        training: [Int64], validation: [Int64]
    ) {
        let held = min(count, Int((Double(count) * fraction).rounded()))
        var indices = (0..<Int64(count)).map { $0 }
        shuffle(&indices, seed: seed, stream: splitStream, offset: 0)
        return (indices.dropLast(held).sorted(), indices.suffix(held).sorted())
    }

    /// The samples in the order of an epoch.
    static func epoch(_ samples: [Int64], _ epoch: Int, shuffles: Bool, seed: UInt64) -> [Int64] {
        guard shuffles else { return samples }
        var order = samples
        shuffle(&order, seed: seed, stream: shuffleStream, offset: UInt64(epoch) << 40)
        return order
    }

    private static func shuffle(_ values: inout [Int64], seed: UInt64, stream: UInt64, offset: UInt64) {
        guard values.count > 1 else { return }
        var bits = [UInt32](repeating: 0, count: 2 * values.count)
        lamina_random_bits(seed, stream, offset, &bits, Int64(bits.count))
        for index in stride(from: values.count - 1, to: 0, by: -1) {
            let random = UInt64(bits[2 * index]) << 32 | UInt64(bits[2 * index + 1])
            // The high half of a 64 × 64 bit product: uniform in 0 ... index up to 2⁻⁴⁰.
            values.swapAt(index, Int(random.multipliedFullWidth(by: UInt64(index + 1)).high))
        }
    }
}
