import CLamina
import Glibc
import LaminaSDK

// One small component of each kind, for tests of the harnesses.

/// SGD with momentum; `fault` makes it keep its momentum to itself or write to gradients.
final class Momentum: Optimizer {
    static let name = "momentum"
    static let documentation = "v = m·v + g, w = w - rate·v."
    static let attributes: [AttributeSchema] = [
        .real("rate", default: 0.1, "Rate."), .real("momentum", default: 0.5, 0...1, "Momentum."),
        .string("fault", default: "none", choices: ["none", "hidden_state", "writes_gradient"], "What is wrong."),
    ]
    let states = [OptimizerState("velocity"), OptimizerState("count", .scalar)]
    let (rate, momentum, fault): (Float, Float, String)
    var hidden: [UnsafeMutablePointer<Float>] = []

    init(_ attributes: Attributes) {
        (rate, momentum, fault) = (attributes.float("rate"), attributes.float("momentum"), attributes.string("fault"))
    }

    deinit { hidden.forEach { $0.deallocate() } }

    func step(_ step: OptimizerStep) {
        let factor = rate * Float(step.learningRateFactor)
        for index in 0..<step.parameterCount {
            let (w, g, state) = (step.parameter(index), step.gradient(index), step.state(0, of: index))
            if hidden.count <= index {
                hidden.append(.allocate(capacity: max(w.count, 1)))
                hidden[index].initialize(repeating: 0, count: w.count)
            }
            let v = fault == "hidden_state" ? hidden[index] : state.floats
            step.state(1, of: index).doubles[0] += 1
            step.host.parallelFor(w.count, grain: 4096) { begin, end in
                for i in begin..<end {
                    let gradient = max(-step.clipValue, min(step.clipValue, g.floats[i] * step.gradientScale))
                    v[i] = momentum * v[i] + gradient
                    w.floats[i] -= factor * v[i]
                }
            }
            if fault == "writes_gradient" { g.floats[0] = 0 }
        }
    }
}

final class MeanError: Metric {
    static let name = "mean_error"
    static let documentation = "Mean of |prediction - target|."
    let higherIsBetter = false
    private var (sum, count) = (0.0, 0)
    init(_ attributes: Attributes) {}
    func reset() { (sum, count) = (0, 0) }
    func update(prediction: Tensor, target: Tensor) throws {
        guard prediction.shape == target.shape else { throw PluginError.shape("prediction and target differ in shape") }
        for i in 0..<prediction.count { sum += Double(abs(prediction.floats[i] - target.floats[i])) }
        count += prediction.count
    }
    func result() -> [MetricResult] {
        [.value("", sum / Double(count)), .matrix("pair", rows: 1, columns: 2, [sum, Double(count)])]
    }
}

struct Shift: Transform {
    static let name = "shift"
    static let documentation = "Adds `by`, and in training a random number below 1; the type becomes float32."
    static let attributes: [AttributeSchema] = [.real("by", default: 1, "Addend.")]
    let by: Float
    init(_ attributes: Attributes) { by = attributes.float("by") }
    func infer(_ dtype: DataType, _ shape: [Int]) throws -> (DataType, [Int]) {
        guard dtype == .uint8 else { throw PluginError.type("the field has type \(dtype.name), wanted uint8") }
        return (.float32, shape)
    }
    func apply(_ input: Tensor, to output: Tensor, isTraining: Bool, random: RandomStream, host: Host) {
        if isTraining { host.uniform(random, into: output.floats, count: output.count) }
        for i in 0..<input.count {
            output.floats[i] = (isTraining ? output.floats[i] : 0) + by + Float(input.uint8s[i])
        }
    }
}

struct Spread: Transform {
    static let name = "spread"
    static let documentation = "Two dimensions of 1 more."
    init(_ attributes: Attributes) {}
    func infer(_ dtype: DataType, _ shape: [Int]) -> (DataType, [Int]) { (dtype, shape + [1, 1]) }
    func apply(_ input: Tensor, to output: Tensor, isTraining: Bool, random: RandomStream, host: Host) {
        output.bytes.copyMemory(from: input.bytes, byteCount: input.count)
    }
}

final class Counting: Source {
    static let name = "counting"
    static let documentation = "Sample i is [i, i]; labels are i modulo 2."
    static let attributes: [AttributeSchema] = [.integer("count", 0...1000, "How many.")]
    let description: SourceDescription
    init(_ attributes: Attributes, host: Host) throws {
        let count = attributes.integer("count")
        if count == 13 { throw PluginError.file("'13.csv' is missing") }
        description = SourceDescription(
            count: count, fields: [.init("input", .float32, [2]), .init("label", .int64, [])],
            classes: ["even", "odd"],
            fingerprint: Array(repeating: 7, count: 32))
    }
    func read(_ indices: UnsafeBufferPointer<Int64>, into outputs: Tensors) {
        for (row, index) in indices.enumerated() {
            outputs[0].floats[2 * row] = Float(index)
            outputs[0].floats[2 * row + 1] = Float(index)
            outputs[1].int64s[row] = index % 2
        }
    }
}

struct Fill: Initializer {
    static let name = "fill"
    static let documentation = "One value; leaves the last element out when told to."
    static let attributes: [AttributeSchema] = [
        .real("value", "Value."), .bool("forgets_last", default: false, "Whether it is wrong."),
    ]
    let (value, forgetsLast): (Float, Bool)
    init(_ attributes: Attributes) {
        (value, forgetsLast) = (attributes.float("value"), attributes.bool("forgets_last"))
    }
    func fill(_ out: Tensor, random: RandomStream, host: Host) {
        for i in 0..<(out.count - (forgetsLast ? 1 : 0)) { out.floats[i] = value }
    }
}

struct Halving: Schedule {
    static let name = "halving"
    static let documentation = "Halves every epoch."
    init(_ attributes: Attributes) {}
    func factor(step: Int, stepsPerEpoch: Int, totalSteps: Int) -> Double { pow(0.5, Double(step / stepsPerEpoch)) }
}

struct Twice: Block {
    static let name = "twice"
    static let documentation = "A layer twice, then the sum; refers to nothing when told to."
    static let attributes: [AttributeSchema] = [.bool("dangles", default: false, "Whether it is wrong.")]
    let dangles: Bool
    init(_ attributes: Attributes) { dangles = attributes.bool("dangles") }
    func expand(_ expansion: Expansion) throws {
        let first = try expansion.add("core.dense", name: "first", inputs: [expansion.input()], ["units": .integer(4)])
        let second = try expansion.add("core.dense", name: "second", inputs: [dangles ? "third" : first, nil])
        try expansion.addOutput(expansion.add("core.add", name: "sum", inputs: [first, second]))
    }
}
