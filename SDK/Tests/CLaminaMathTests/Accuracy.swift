import CLaminaMath
import Foundation
import Testing

/// A kernel over arrays: input, output, element count.
typealias Kernel = @Sendable (UnsafePointer<Float>?, UnsafeMutablePointer<Float>?, Int64) -> Void

extension Float {
    /// The bits, with all NaNs made one: which of two NaN operands an addition returns is up to the compiler.
    var comparableBits: UInt32 { isNaN ? Float.nan.bitPattern : bitPattern }
}

/// A kernel, the function that it should compute, and how far it may be off.
struct Function: Sendable, CustomTestStringConvertible {
    let name: String
    let kernel: Kernel
    let reference: @Sendable (Double) -> Double
    /// The greatest error allowed, in ulp.
    let bound: Double
    /// Where |x| < 4, errors below this are accepted whatever their ulp: for functions that pass through 0 there.
    let absolute: Double

    init(
        _ name: String, _ kernel: @escaping Kernel, bound: Double, absolute: Double = 0,
        _ reference: @escaping @Sendable (Double) -> Double
    ) {
        self.name = name
        self.kernel = kernel
        self.bound = bound
        self.absolute = absolute
        self.reference = reference
    }

    var testDescription: String { name }

    func callAsFunction(_ x: [Float]) -> [Float] {
        var y = [Float](repeating: -123, count: x.count)
        kernel(x, &y, Int64(x.count))
        return y
    }

    func callAsFunction(_ x: Float) -> Float { self([x])[0] }
}

/// The worst result of a kernel over many inputs.
struct Accuracy {
    var ulp = 0.0
    var input: Float = 0
    var output: Float = 0
    /// Inputs where one of result and reference is NaN, or infinite far from overflow, or has the wrong sign.
    var wrong: [(input: Float, output: Float, want: Double)] = []

    /// The distance between a float and an exact result, in units of the spacing of floats at that result. Infinity
    /// counts as the float after the greatest one.
    static func ulps(_ got: Float, _ want: Double) -> Double {
        let limit = 0x1p128
        let clampedWant = Swift.max(Swift.min(want, limit), -limit)
        let clampedGot = got.isInfinite ? (got > 0 ? limit : -limit) : Double(got)
        let exponent = clampedWant == 0 ? -126 : Swift.min(Swift.max(Int(clampedWant.exponent), -126), 127)
        let spacing = scalbn(1.0, exponent - 23)
        return abs(clampedGot - clampedWant) / spacing
    }

    mutating func add(_ function: Function, _ x: [Float]) {
        for (x, got) in zip(x, function(x)) {
            let want = function.reference(Double(x))
            if got.isNaN || want.isNaN {
                if got.isNaN != want.isNaN { wrong.append((x, got, want)) }
                continue
            }
            if abs(x) < 4, abs(Double(got) - want) <= function.absolute { continue }
            if want.sign != got.sign { wrong.append((x, got, want)) }
            let ulp = Accuracy.ulps(got, want)
            if ulp > self.ulp { (self.ulp, input, output) = (ulp, x, got) }
        }
    }
}

/// Inputs that reach every corner of a float function.
enum Inputs {
    /// Every float whose bits are a multiple of `stride`: all signs and exponents, NaNs too.
    static func forEachChunk(stride: Int, _ body: ([Float]) -> Void) {
        var chunk: [Float] = []
        for bits in Swift.stride(from: 0, to: 1 << 32, by: stride) {
            chunk.append(Float(bitPattern: UInt32(bits)))
            if chunk.count == 4096 {
                body(chunk)
                chunk.removeAll(keepingCapacity: true)
            }
        }
        body(chunk)
    }

    /// Both signs and all 256 exponents, with the mantissas where rounding and carries happen.
    static let exponents: [Float] = [UInt32(0), 1 << 31].flatMap { sign in
        (0..<256 as Range<UInt32>).flatMap { exponent in
            [0, 1, 2, 0x2aaaaa, 0x2aaaab, 0x3504f3, 0x400000, 0x490fdb, 0x7ffffe, 0x7fffff]
                .map { Float(bitPattern: sign | exponent << 23 | $0) }
        }
    }

    /// Zeros, extremes, infinities, NaN, and the neighbourhood of the places where results overflow or vanish.
    static let special: [Float] =
        [0, 1, .infinity, .nan, .leastNonzeroMagnitude, .leastNormalMagnitude, .greatestFiniteMagnitude]
        .flatMap { [$0, -$0] }
        + [88.72283, -103.97208, -87.33655, 9.01, 16.635532, -16.635532, 3.92, -14.15, -10.05].flatMap { (x: Float) in
            (-200...200).map { x + Float($0) * x.ulp }
        }
}
