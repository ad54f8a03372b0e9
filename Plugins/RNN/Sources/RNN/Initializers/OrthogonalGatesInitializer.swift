import LaminaSDK

/// A random orthonormal matrix for each gate, times gain: the recurrent weights of `gates` gates on top of each other.
///
/// The parameter is [gates · rows, columns]. Within a gate rows or columns, whichever are fewer, are orthonormal: normal
/// vectors after modified Gram–Schmidt in double precision. A product with such a matrix keeps the length of a state, so
/// that gradients neither vanish nor explode in the first steps of training. Saxe, McClelland, Ganguli: Exact solutions
/// to the nonlinear dynamics of learning in deep linear neural networks (2014).
struct OrthogonalGatesInitializer: Initializer {
    static let name = "orthogonal_gates"
    static let documentation = "A random orthonormal matrix for each gate, times gain."
    static let attributes: [AttributeSchema] = [
        .integer("gates", 1...64, "Matrices on top of each other, one per gate."),
        .real("gain", default: 1, "Factor on every element."),
    ]

    private let gates: Int
    private let gain: Double

    init(_ attributes: Attributes) {
        gates = attributes.integer("gates")
        gain = attributes.real("gain")
    }

    func fill(_ out: Tensor, random: RandomStream, host: Host) throws {
        guard out.rank == 2 else {
            throw PluginError.shape("rnn.\(Self.name) needs a matrix, got a parameter of shape \(out.shape)")
        }
        let part = try out.part(of: gates, for: Self.name)
        if out.count == 0 { return }
        let (values, rows, columns) = (out.floats, out.size(0) / gates, out.size(1))
        host.normal(random, into: values, count: out.count)
        host.parallelFor(gates, grain: 1) { begin, end in
            for gate in begin..<end { orthonormalise(values + gate * part, rows, columns) }
        }
    }

    private func orthonormalise(_ matrix: UnsafeMutablePointer<Float>, _ rows: Int, _ columns: Int) {
        let (count, length) = (min(rows, columns), max(rows, columns))
        // Vectors are rows of a wide matrix and columns of a tall one.
        let (step, next) = rows <= columns ? (columns, 1) : (1, columns)
        var vectors = (0..<count).map { vector in (0..<length).map { Double(matrix[vector * step + $0 * next]) } }
        for index in 0..<count {
            for earlier in 0..<index {
                var share = 0.0
                for i in 0..<length { share += vectors[earlier][i] * vectors[index][i] }
                for i in 0..<length { vectors[index][i] -= share * vectors[earlier][i] }
            }
            let norm = vectors[index].reduce(0) { $0 + $1 * $1 }.squareRoot()
            for i in 0..<length { vectors[index][i] = norm > 0 ? vectors[index][i] / norm : (i == index ? 1 : 0) }
            for i in 0..<length { matrix[index * step + i * next] = Float(gain * vectors[index][i]) }
        }
    }
}
