import LaminaSDK

extension TensorValue {
    /// Steps of sequences [N, steps, …].
    func steps(_ range: Range<Int>) -> TensorValue {
        let row = shape[2...].reduce(dtype.size, *)
        let bytes = (0..<shape[0]).flatMap { sequence in
            self.bytes[(sequence * shape[1] + range.lowerBound) * row..<(sequence * shape[1] + range.upperBound) * row]
        }
        return TensorValue(dtype, [shape[0], range.count] + shape[2...], bytes: bytes)
    }

    /// These of the sequences.
    func sequences(_ rows: [Int]) -> TensorValue {
        let size = shape[1...].reduce(dtype.size, *)
        return TensorValue(
            dtype, [rows.count] + shape[1...], bytes: rows.flatMap { bytes[$0 * size..<($0 + 1) * size] })
    }

    /// Pieces of sequences behind each other.
    init(joining pieces: [TensorValue]) {
        let (first, total) = (pieces[0], pieces.reduce(0) { $0 + $1.shape[1] })
        let row = first.shape[2...].reduce(first.dtype.size, *)
        let bytes = (0..<first.shape[0]).flatMap { sequence in
            pieces.flatMap { piece in
                piece.bytes[sequence * piece.shape[1] * row..<(sequence + 1) * piece.shape[1] * row]
            }
        }
        self.init(first.dtype, [first.shape[0], total] + first.shape[2...], bytes: bytes)
    }
}
