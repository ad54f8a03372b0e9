import Glibc
import LaminaSDK

extension TensorBuffer {
    /// A copy of a plain tensor, which outlives it.
    public convenience init(copying tensor: Tensor) {
        self.init(tensor.dtype ?? .float32, tensor.shape)
        let bytes = tensor.count * (tensor.dtype?.size ?? 4)
        if bytes > 0 { memcpy(self.tensor.bytes, tensor.bytes, bytes) }
    }

    /// The last step of each row of logits [rows, steps, vocabulary]: [rows, vocabulary]. Throws `.data` for other shapes.
    public convenience init(lastSteps logits: Tensor, rows: Int, steps: Int) throws {
        guard logits.rank == 3, logits.size(0) == rows, logits.size(1) == steps, steps > 0, logits.dtype == .float32
        else {
            throw PluginError.data(
                "the model gives \(logits.shape) for \(rows) texts of \(steps) tokens, wanted logits [\(rows), \(steps), "
                    + "vocabulary]")
        }
        let size = logits.size(2)
        self.init(.float32, [rows, size])
        for row in 0..<rows where size > 0 {
            memcpy(tensor.floats + row * size, logits.floats + ((row + 1) * steps - 1) * size, 4 * size)
        }
    }

    /// A tensor whose element i along `axis` is this one's element `rows[i]`.
    public func gathering(_ rows: [Int], axis: Int) -> TensorBuffer {
        var shape = tensor.shape
        let (outer, size) = (shape[..<axis].reduce(1, *), shape[axis])
        let inner = shape[(axis + 1)...].reduce(tensor.dtype!.size, *)
        shape[axis] = rows.count
        let result = TensorBuffer(tensor.dtype!, shape)
        for block in 0..<outer {
            for (position, row) in rows.enumerated() {
                memcpy(
                    result.tensor.bytes + (block * rows.count + position) * inner,
                    tensor.bytes + (block * size + row) * inner, inner)
            }
        }
        return result
    }
}
