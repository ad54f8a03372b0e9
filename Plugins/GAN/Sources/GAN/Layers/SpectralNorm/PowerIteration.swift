import CLaminaMath
import Glibc
import LaminaSDK

/// σ, u and v of a matrix W [outputs, rest] in memory of `floats(…)` numbers.
struct PowerIteration {
    private let memory: UnsafeMutablePointer<Float>
    private let outputs, rest: Int

    static func floats(outputs: Int, rest: Int) -> Int { 1 + 2 * outputs + rest }

    init(_ memory: UnsafeMutableRawPointer, outputs: Int, rest: Int) {
        self.memory = memory.assumingMemoryBound(to: Float.self)
        (self.outputs, self.rest) = (outputs, rest)
    }

    /// Its magnitude is at least `epsilon`, so that W = 0 divides by no zero.
    var sigma: Float { memory.pointee }
    var u: UnsafeMutablePointer<Float> { memory + 1 }
    var v: UnsafeMutablePointer<Float> { memory + 1 + outputs }
    private var product: UnsafeMutablePointer<Float> { memory + 1 + outputs + rest }

    private static let epsilon: Float = 1e-12
    /// How often as many iterations the first step does, which has nothing to begin with.
    private static let headStart = 15

    /// Takes u and v from the buffers; false when they are 0, as in new models.
    func begin(u from: UnsafePointer<Float>, v: UnsafePointer<Float>) -> Bool {
        memcpy(u, from, outputs * 4)
        memcpy(self.v, v, rest * 4)
        return (0..<outputs).contains { from[$0] != 0 }
    }

    /// v ← Wᵀu / ‖Wᵀu‖, u ← W v / ‖W v‖, σ = ‖W v‖, `count` times; of a new model more often, from a random u.
    func iterate(_ weight: UnsafePointer<Float>, _ count: Int, isNew: Bool, _ host: Host) throws {
        if isNew { host.normal(RandomStream(seed: 0, stream: 0, offset: 0), into: u, count: outputs) }
        for _ in 0..<(isNew ? Self.headStart * count : count) {
            try host.gemm(
                transposeA: true, m: rest, n: 1, k: outputs, a: weight, lda: rest, b: u, ldb: 1, c: v, ldc: 1)
            _ = normalize(v, rest)
            try multiply(weight, into: u, host)
            memory.pointee = normalize(u, outputs)
        }
    }

    /// σ = uᵀ W v with u and v as they are.
    func measure(_ weight: UnsafePointer<Float>, _ host: Host) throws {
        try multiply(weight, into: product, host)
        let sigma = Float(lamina_math_dot(u, product, Int64(outputs)))
        memory.pointee = abs(sigma) < Self.epsilon ? Self.epsilon : sigma
    }

    private func multiply(_ weight: UnsafePointer<Float>, into out: UnsafeMutablePointer<Float>, _ host: Host) throws {
        try host.gemm(m: outputs, n: 1, k: rest, a: weight, lda: rest, b: v, ldb: 1, c: out, ldc: 1)
    }

    /// x ← x / ‖x‖; returns the norm, at least epsilon.
    private func normalize(_ x: UnsafeMutablePointer<Float>, _ count: Int) -> Float {
        let norm = max(Float(lamina_math_sum_squares(x, Int64(count)).squareRoot()), Self.epsilon)
        lamina_math_scale(1 / norm, x, x, Int64(count))
        return norm
    }
}
