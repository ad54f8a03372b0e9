import Glibc
import LaminaSDK

/// What happens to a gradient element before the update rule sees it: scaled, limited, then weight decay added.
struct GradientRule {
    private let scale: Float
    private let bound: Float
    private let decay: Float

    /// `decay`: the L2 penalty's factor λ in g + λ p.
    init(_ step: OptimizerStep, decay: Double = 0) {
        scale = step.gradientScale
        bound = step.clipValue
        self.decay = Float(decay)
    }

    /// NaN stays NaN, so that it is noticed.
    @inline(__always)
    func callAsFunction(_ gradient: Float, _ parameter: Float) -> Float {
        var g = gradient * scale
        g = g < -bound ? -bound : g
        g = g > bound ? bound : g
        return g + decay * parameter
    }
}

extension OptimizerStep {
    /// Elements of one chunk of the parallel pass.
    private static let grain = 16_384

    /// One pass over the elements of all parameters: calls `body(parameter, first, count)` in parallel, each range
    /// within one parameter. Elements are independent, so the result does not depend on threads. Allocates nothing.
    func forEachRange(_ body: (_ index: Int, _ first: Int, _ count: Int) -> Void) {
        var total = 0
        for index in 0..<parameterCount { total += parameter(index).count }
        host.parallelFor(total, grain: Self.grain) { begin, end in
            var (index, start) = (0, 0)
            while start < end {
                let size = parameter(index).count
                let (low, high) = (max(begin, start), min(end, start + size))
                if low < high { body(index, low - start, high - low) }
                start += size
                index += 1
            }
        }
    }

    /// The same in blocks of at most 256 elements, with a buffer of that length. A rule that divides by roots leaves
    /// there what they are taken of and lets `lamina_math_sqrt` do it: the compiler cannot vectorise a loop with a root
    /// in it.
    @inline(__always)
    func forEachBlock(
        _ body: (_ index: Int, _ first: Int, _ count: Int, _ buffer: UnsafeMutablePointer<Float>) -> Void
    ) {
        forEachRange { index, first, count in
            withUnsafeTemporaryAllocation(of: Float.self, capacity: 256) { buffer in
                var done = 0
                while done < count {
                    let size = min(256, count - done)
                    body(index, first + done, size, buffer.baseAddress!)
                    done += size
                }
            }
        }
    }

    // Pointers to a range of a parameter, of its gradient and of its states, for simple loops.

    @inline(__always)
    func parameters(_ index: Int, _ first: Int) -> UnsafeMutablePointer<Float> { parameter(index).floats + first }
    @inline(__always)
    func gradients(_ index: Int, _ first: Int) -> UnsafePointer<Float> { UnsafePointer(gradient(index).floats + first) }
    @inline(__always)
    func states(_ which: Int, _ index: Int, _ first: Int) -> UnsafeMutablePointer<Float> {
        state(which, of: index).floats + first
    }
}

/// Attributes that several optimizers share, with each one's default.
enum OptimizerSchema {
    static func learningRate(_ value: Double) -> AttributeSchema {
        .real("learning_rate", default: value, 0 ... .infinity, "Step size; a schedule multiplies it.")
    }
    static func weightDecay(
        _ value: Double, _ documentation: String = "λ of the L2 penalty: λ p is added to the gradient."
    )
        -> AttributeSchema
    {
        .real("weight_decay", default: value, 0 ... .infinity, documentation)
    }
    static func epsilon(_ value: Double) -> AttributeSchema {
        .real("epsilon", default: value, 0 ... .infinity, "Keeps the denominator away from 0.")
    }
    static let beta1 = AttributeSchema.real(
        "beta1", default: 0.9, 0...1, "Decay of the running mean of the gradient; below 1.")
    static let beta2 = AttributeSchema.real(
        "beta2", default: 0.999, 0...1, "Decay of the running mean of the squared gradient; below 1.")

    static let decoupled = AttributeSchema.bool(
        "decoupled_weight_decay", default: false, "Shrink the parameter by η λ instead of adding λ p to the gradient.")

    /// Schema bounds are inclusive, but a decay rate of 1 divides by 0.
    static func belowOne(_ name: String, _ attributes: Attributes) throws -> Double {
        let value = attributes.real(name)
        guard value < 1 else { throw PluginError.attribute("\(name) is \(value), wanted a number in [0, 1)") }
        return value
    }
}
