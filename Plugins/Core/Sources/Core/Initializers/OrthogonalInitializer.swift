import LaminaSDK

/// A random matrix with orthonormal rows or columns, whichever are fewer, times gain; uniform over all such matrices.
///
/// The parameter counts as a matrix [out, the rest]. Normal vectors are orthonormalised by modified Gram–Schmidt in
/// double precision, which is a QR decomposition whose R has a positive diagonal. Reference: Saxe et al., Exact
/// solutions to the nonlinear dynamics of learning in deep linear neural networks (2014); `torch.nn.init.orthogonal_`.
struct OrthogonalInitializer: Initializer {
    static let name = "orthogonal"
    static let documentation = "A random matrix with orthonormal rows or columns, times gain."
    static let attributes = [Fans.gain]

    private let gain: Double

    init(_ attributes: Attributes) { gain = attributes.real("gain") }

    func fill(_ out: Tensor, random: RandomStream, host: Host) throws {
        guard out.rank >= 2 else {
            throw PluginError.shape(
                "core.orthogonal needs a parameter of rank 2 or more, got shape \(out.shape): use core.normal")
        }
        guard out.count > 0 else { return }
        let (rows, columns, values) = (out.size(0), out.product(1, out.rank), out.floats)
        let (count, length) = (min(rows, columns), max(rows, columns))
        host.normal(random, into: values, count: out.count)

        // The vectors, one after the other.
        let vectors = UnsafeMutablePointer<Double>.allocate(capacity: count * length)
        defer { vectors.deallocate() }
        for i in 0..<out.count { vectors[i] = Double(values[i]) }
        for index in 0..<count {
            let unit = vectors + index * length
            normalise(unit, length, index)
            host.parallelFor(count - index - 1, grain: max(1, 16_384 / length)) { begin, end in
                for other in begin..<end { removeComponent(along: unit, from: unit + (other + 1) * length, length) }
            }
        }
        for index in 0..<count {
            let unit = vectors + index * length
            for i in 0..<length {
                values[rows <= columns ? index * columns + i : i * columns + index] = Float(gain * unit[i])
            }
        }
    }

    /// Scales to length 1. A vector without length becomes a unit vector.
    private func normalise(_ vector: UnsafeMutablePointer<Double>, _ length: Int, _ index: Int) {
        let norm = dot(vector, vector, length).squareRoot()
        if norm > 0 {
            for i in 0..<length { vector[i] /= norm }
        } else {
            for i in 0..<length { vector[i] = i == index ? 1 : 0 }
        }
    }

    private func removeComponent(
        along unit: UnsafePointer<Double>, from vector: UnsafeMutablePointer<Double>, _ length: Int
    ) {
        let share = dot(unit, vector, length)
        for i in 0..<length { vector[i] -= share * unit[i] }
    }

    private func dot(_ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>, _ length: Int) -> Double {
        var sums = SIMD8<Double>()
        var i = 0
        while i &+ 8 <= length {
            sums +=
                UnsafeRawPointer(a + i).loadUnaligned(as: SIMD8<Double>.self)
                * UnsafeRawPointer(b + i).loadUnaligned(as: SIMD8<Double>.self)
            i &+= 8
        }
        var sum = sums.sum()
        while i < length {
            sum += a[i] * b[i]
            i &+= 1
        }
        return sum
    }
}
