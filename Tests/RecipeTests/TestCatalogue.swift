import CLamina
import LaminaHost
import LaminaSDK

@testable import LaminaRecipe

/// A plugin with one or two components of each kind. Recipes are checked against it; none of it ever computes.
enum TestCatalogue {
    static var plugin: Plugin {
        Plugin(
            id: "test", name: "Test", version: "1.2.3", license: "Apache-2.0", documentation: "For tests of recipes.",
            components: [
                .layer(Linear.self), .layer(Bend.self), .layer(Add.self), .layer(Attend.self), .layer(Join.self),
                .loss(Squared.self), .loss(Weighted.self), .block(Residual.self), .block(Tower.self),
                .block(Faulty.self), .block(Endless.self), .block(Tied.self),
                .initializer(Bell.self), .optimizer(Descent.self), .schedule(Ramp.self), .metric(Hits.self),
                .source(Table.self), .transform(Scale.self),
            ])
    }

    /// A registry that knows this plugin and no bundle.
    static let registry: Registry = {
        let registry = Registry(folders: [])
        do {
            try registry.add { _, out in Plugin.export(TestCatalogue.plugin, to: out) }
        } catch {
            preconditionFailure("\(error)")
        }
        return registry
    }()
}

private let unused = PluginError.unsupported("the test catalogue does not compute")

/// A layer that only declares itself.
protocol DeclaredLayer: Layer {
    init()
}

extension DeclaredLayer {
    init(_ attributes: Attributes) throws { self.init() }
    func infer(_ inference: Inference) throws { throw unused }
    func plan(_ planning: Planning) throws -> any PlannedLayer { throw unused }
}

struct Linear: DeclaredLayer {
    static let name = "linear"
    static let version = 3
    static let documentation = "A matrix."
    static let attributes: [AttributeSchema] = [
        .integer("units", 1...4096, "Number of outputs."), .bool("bias", default: true, "Whether to add a bias."),
    ]
}

struct Bend: DeclaredLayer {
    static let name = "bend"
    static let documentation = "A kink at zero."
    static let attributes: [AttributeSchema] = [.real("slope", default: 0, 0...1, "Below zero.")]
}

struct Add: DeclaredLayer {
    static let name = "add"
    static let documentation = "The sum."
    static let inputs = [Port("left"), Port("right")]
}

struct Attend: DeclaredLayer {
    static let name = "attend"
    static let documentation = "Looks something up."
    static let inputs = [Port("query"), Port("mask", .optional), Port("memory"), Port("bias", .optional)]
}

struct Join: DeclaredLayer {
    static let name = "join"
    static let documentation = "Everything behind each other."
    static let inputs = [Port("inputs", .variadic)]
    static let attributes: [AttributeSchema] = [.integers("sizes", default: [1, 1], 1...9, count: 1...3, "Sizes.")]
}

struct Squared: DeclaredLayer {
    static let name = "squared"
    static let documentation = "The squared distance."
    static let inputs = [Port("prediction"), Port("target")]
    static let attributes: [AttributeSchema] = [
        .string("reduction", default: "mean", choices: ["mean", "sum"], "How samples are combined.")
    ]
}

/// Its target stands between its other inputs.
struct Weighted: DeclaredLayer {
    static let name = "weighted"
    static let documentation = "The weighted distance."
    static let inputs = [Port("prediction"), Port("target"), Port("weight", .optional)]
}

/// linear, bend, linear, and the sum with the input; a second output gives what was added.
struct Residual: Block {
    static let name = "residual"
    static let documentation = "A detour."
    static let attributes: [AttributeSchema] = [
        .integer("units", default: 8, 1...4096, "Width."), .bool("bent", default: true, "Whether a bend follows."),
    ]
    let units: Int
    let isBent: Bool

    init(_ attributes: Attributes) throws {
        units = attributes.integer("units")
        isBent = attributes.bool("bent")
    }

    func expand(_ expansion: Expansion) throws {
        let first = try expansion.add(
            "test.linear", name: "linear1", inputs: [expansion.input()], ["units": .integer(units)])
        let bent = try expansion.add("test.bend", name: "bend", inputs: [first])
        let second = try expansion.add("test.linear", name: "linear2", inputs: [bent], ["units": .integer(units)])
        var out = try expansion.add("test.add", name: "add", inputs: [second, expansion.input()])
        if isBent { out = try expansion.add("test.bend", name: "bend_out", inputs: [out]) }
        try expansion.addOutput(out)
        try expansion.addOutput(second)
    }
}

/// Stages of residual blocks: layer1.0, layer1.1, layer2.0, …
struct Tower: Block {
    static let name = "tower"
    static let documentation = "Stages of residual blocks."
    static let attributes: [AttributeSchema] = [.integers("stages", default: [2, 1], 1...100, "Blocks per stage.")]
    let stages: [Int]

    init(_ attributes: Attributes) throws {
        stages = attributes.integers("stages")
        guard stages.count < 5 else {
            throw PluginError.attribute("stages has \(stages.count) values, at most 4 make sense")
        }
    }

    func expand(_ expansion: Expansion) throws {
        var last = try expansion.add("test.linear", name: "stem", inputs: [expansion.input()], ["units": .integer(4)])
        for (stage, count) in stages.enumerated() {
            for index in 0..<count {
                last = try expansion.add(
                    "test.residual", name: "layer\(stage + 1).\(index)", inputs: [last], ["units": .integer(4)])
            }
        }
        try expansion.addOutput(last)
    }
}

/// Breaks the rules in the way that `fault` says.
struct Faulty: Block {
    static let name = "faulty"
    static let documentation = "Breaks rules."
    static let inputs = [Port("input"), Port("extra", .optional)]
    static let attributes: [AttributeSchema] = [.string("fault", "Which rule.")]
    let fault: String

    init(_ attributes: Attributes) throws { fault = attributes.string("fault") }

    func expand(_ expansion: Expansion) throws {
        let input = expansion.input()
        func add(_ component: String, _ name: String, _ inputs: [String?]) throws {
            try expansion.add(component, name: name, inputs: inputs)
        }
        switch fault {
        case "no output": try add("test.bend", "a", [input])
        case "forward": try add("test.bend", "a", ["b"])
        case "twice":
            try add("test.bend", "a", [input])
            try add("test.bend", "a", [input])
        case "name": try add("test.bend", "a b", [input])
        case "missing plugin": try add("other.bend", "a", [input])
        case "missing component": try add("test.bent", "a", [input])
        case "attribute": try expansion.add("test.bend", name: "a", inputs: [input], ["slop": .real(1)])
        case "range": try expansion.add("test.bend", name: "a", inputs: [input], ["slope": .real(2)])
        case "input": try add("test.bend", "a", ["#7"])
        case "unconnected": try add("test.add", "a", [input, expansion.input(1)])
        case "absent": try add("test.attend", "a", [input, nil, nil])
        case "none, with a gap": try add("test.attend", "a", [input, nil, input, expansion.input(1)])
        case "passed on": try expansion.addOutput(expansion.input(1))
        case "inputs": try add("test.add", "a", [input])
        case "share": try expansion.add("test.bend", name: "a", inputs: [input], sharing: "b")
        case "shared block": try expansion.add("test.residual", name: "a", inputs: [input], sharing: "a")
        case "initializer":
            try expansion.add(
                "test.bend", name: "a", inputs: [input], initializers: ["w": ("test.bell", ["d": .real(1)])])
        case "many":
            for index in 0...GraphBuilder.nodeLimit { try add("test.bend", "a\(index)", [input]) }
        case "swallowed": try? add("test.bend", "a b", [input])
        default: break
        }
        if fault != "no output", fault != "passed on" { try expansion.addOutput(fault == "output" ? "zzz" : "a") }
    }
}

/// Layers that share what one of another block has, and one that begins in its own way.
struct Tied: Block {
    static let name = "tied"
    static let documentation = "Shares."
    init(_ attributes: Attributes) throws {}
    func expand(_ expansion: Expansion) throws {
        let first = try expansion.add(
            "test.linear", name: "first", inputs: [expansion.input()], ["units": .integer(4)],
            initializers: ["weight": ("test.bell", ["deviation": .real(0.02)])])
        let inner = try expansion.add("test.residual", name: "inner", inputs: [first], ["units": .integer(4)])
        try expansion.addOutput(
            expansion.add(
                "test.linear", name: "out", inputs: [inner], ["units": .integer(4)], sharing: "inner.linear1"))
    }
}

/// A block that holds itself.
struct Endless: Block {
    static let name = "endless"
    static let documentation = "Holds itself."
    init(_ attributes: Attributes) throws {}
    func expand(_ expansion: Expansion) throws {
        try expansion.addOutput(expansion.add("test.endless", name: "again", inputs: [expansion.input()]))
    }
}

struct Bell: Initializer {
    static let name = "bell"
    static let documentation = "Normally distributed."
    static let attributes: [AttributeSchema] = [.real("deviation", default: 1, 0 ... .infinity, "Standard deviation.")]
    init(_ attributes: Attributes) throws {}
    func fill(_ out: Tensor, random: lamina_random, host: Host) throws { throw unused }
}

struct Descent: Optimizer {
    static let name = "descent"
    static let documentation = "Downhill."
    static let attributes: [AttributeSchema] = [
        .real("learning_rate", default: 0.01, 0 ... .infinity, "Step size."),
        .real("decay", default: 0, 0...1, "Weight decay."),
        .reals("betas", default: [0.9, 0.999], 0...1, count: 2...2, "Averages."),
    ]
    let states: [OptimizerState] = []
    init(_ attributes: Attributes) throws {}
    func step(_ step: OptimizerStep) throws { throw unused }
}

struct Ramp: Schedule {
    static let name = "ramp"
    static let documentation = "Up, then flat."
    static let attributes: [AttributeSchema] = [.integer("steps", default: 100, 0 ... .infinity, "How long up.")]
    init(_ attributes: Attributes) throws {}
    func factor(step: Int, stepsPerEpoch: Int, totalSteps: Int) throws -> Double { throw unused }
}

final class Hits: Metric {
    static let name = "hits"
    static let documentation = "How many are right."
    let higherIsBetter = true
    init(_ attributes: Attributes) throws {}
    func reset() {}
    func update(prediction: Tensor, target: Tensor) throws { throw unused }
    func result() throws -> [MetricResult] { throw unused }
}

final class Table: Source {
    static let name = "table"
    static let documentation = "Rows of a file."
    static let attributes: [AttributeSchema] = [
        .path("file", "The file."), .path("labels", optional: true, "The labels."),
        .integer("limit", default: nil, 1 ... .infinity, "At most so many rows."),
    ]
    let description = SourceDescription(count: 0, fields: [])
    init(_ attributes: Attributes, host: Host) throws { throw unused }
    func read(_ indices: UnsafeBufferPointer<Int64>, into outputs: Tensors) throws { throw unused }
}

struct Scale: Transform {
    static let name = "scale"
    static let documentation = "A factor."
    static let attributes: [AttributeSchema] = [.real("factor", "The factor.")]
    init(_ attributes: Attributes) throws {}
    func infer(_ dtype: DataType, _ shape: [Int]) throws -> (DataType, [Int]) { throw unused }
    func apply(_ input: Tensor, to output: Tensor, isTraining: Bool, random: lamina_random, host: Host) throws {
        throw unused
    }
}
