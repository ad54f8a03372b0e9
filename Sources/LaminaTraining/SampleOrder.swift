import CLaminaMath
import LaminaRecipe

extension Recipe.Training {
    /// The samples that `validate` leaves for training, and those that it holds back; nil: it holds none back.
    ///
    /// Errors: `.recipe` when one of the two would be empty.
    ///
    /// - Parameters:
    ///   - lanes: of a stream, whose last windows are held back; nil: samples are held back at random.
    ///   - kept: those of the samples that are used, and of whose positions here the parts then are; nil: all.
    public func split(
        _ count: Int, lanes: Int? = nil, kept: [Int64]? = nil
    ) throws(TrainingError) -> (training: [Int64], validation: [Int64])? {
        guard let fraction = validate, fraction > 0 else { return nil }
        var split =
            lanes.map { SampleOrder.tail(count, validation: fraction, lanes: $0) }
            ?? SampleOrder.split(count, validation: fraction, seed: seed)
        if let kept {
            let (held, positions) = (Set(split.validation), 0..<Int64(kept.count))
            split.training = positions.filter { !held.contains(kept[Int($0)]) }
            split.validation = positions.filter { held.contains(kept[Int($0)]) }
        }
        guard !split.training.isEmpty, !split.validation.isEmpty else {
            throw TrainingError(
                .recipe,
                "validate: \(fraction) of \(kept?.count ?? count) samples leaves \(split.training.count) to train on "
                    + "and \(split.validation.count) to validate with; both have to be at least 1")
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
    private static let batchStream: UInt64 = 0x6275_636b_6574

    /// Splits `count` samples into training and validation, at random.
    static func split(_ count: Int, validation fraction: Double, seed: UInt64) -> (
        training: [Int64], validation: [Int64]
    ) {
        let held = min(count, Int((Double(count) * fraction).rounded()))
        var indices = (0..<Int64(count)).map { $0 }
        shuffle(&indices, seed: seed, stream: splitStream, offset: 0)
        return (indices.dropLast(held).sorted(), indices.suffix(held).sorted())
    }

    /// Splits the windows of a stream: the last ones of every lane are for validation.
    static func tail(
        _ count: Int, validation fraction: Double, lanes: Int
    ) -> (training: [Int64], validation: [Int64]) {
        let windows = count / lanes
        let held = min(windows, Int((Double(windows) * fraction).rounded()))
        let first = Int64((windows - held) * lanes)
        return ((0..<first).map { $0 }, (first..<Int64(count)).map { $0 })
    }

    /// The samples in the order of an epoch.
    static func epoch(_ samples: [Int64], _ epoch: Int, shuffles: Bool, seed: UInt64) -> [Int64] {
        guard shuffles else { return samples }
        var order = samples
        shuffle(&order, seed: seed, stream: shuffleStream, offset: UInt64(epoch) << 40)
        return order
    }

    /// The samples by the length of their texts, equal ones in their order; as they are without texts.
    static func byLength(_ samples: [Int64], _ dataset: Dataset) -> [Int64] {
        guard dataset.hasVariableShapes else { return samples }
        return sorted(samples, dataset.length)
    }

    /// An epoch's order in which the samples of a batch have texts of like length.
    ///
    /// Samples of `bucket` batches at a time are sorted by length; then the batches come in a random order, but for the last,
    /// which may be smaller. A function of seed and epoch, as `epoch`.
    static func bucketed(
        _ order: [Int64], _ epoch: Int, bucket: Int, batch: Int, shuffles: Bool, seed: UInt64, length: (Int64) -> Int?
    ) -> [Int64] {
        var sorted: [Int64] = []
        sorted.reserveCapacity(order.count)
        let (window, overflow) = bucket.multipliedReportingOverflow(by: batch)
        for start in stride(from: 0, to: order.count, by: overflow ? max(order.count, 1) : window) {
            let end = overflow ? order.count : min(start + window, order.count)
            sorted += Self.sorted(Array(order[start..<end]), length)
        }
        guard shuffles else { return sorted }
        let full = order.count / batch
        var batches = (0..<Int64(full)).map { $0 }
        shuffle(&batches, seed: seed, stream: batchStream, offset: UInt64(epoch) << 40)
        var result: [Int64] = []
        result.reserveCapacity(order.count)
        for number in batches { result += sorted[Int(number) * batch..<(Int(number) + 1) * batch] }
        return result + sorted[(full * batch)...]
    }

    private static func sorted(_ samples: [Int64], _ length: (Int64) -> Int?) -> [Int64] {
        let keys = samples.enumerated().map { (length: length($1) ?? 0, position: $0) }
        return keys.sorted { $0 < $1 }.map { samples[$0.position] }
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
