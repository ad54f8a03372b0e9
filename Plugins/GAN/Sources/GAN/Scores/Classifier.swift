import Glibc
import LaminaDecoding
import LaminaSDK

/// A trained classifier that judges samples: what it sees in them, and the features that it tells it from.
struct Classifier {
    private let model: TaskModel
    private let input: String
    private let output: String
    /// What the last layer is computed from.
    private let feature: String
    /// Names of the classes, in the order of their numbers.
    let labels: [String]
    var classes: Int { labels.count }

    init(_ path: String, openedBy open: (String) throws -> TaskModel) throws {
        model = try open(path)
        let graph = try GraphView(model)
        guard graph.inputs.count == 1 else {
            throw PluginError.data("\(path) is no classifier: it has \(graph.inputs.count) inputs, wanted one")
        }
        guard let output = graph.measured ?? graph.outputs.first?.reference,
            let node = graph.node(GraphView.name(output)), let feature = node.input(0)
        else {
            throw PluginError.data("\(path) is no classifier: wanted an output that a layer computes from features")
        }
        guard model.link == nil || model.link == "core.softmax" else {
            throw PluginError.data(
                "\(path) is no classifier of one class out of several: its outputs become predictions by \(model.link!)"
            )
        }
        (input, self.output, self.feature) = (graph.inputs[0].name, output, feature)
        labels = model.labels
        guard classes > 1 else {
            throw PluginError.data(
                "\(path) has names of \(classes) classes, wanted at least 2: train the classifier with data.classes in its recipe"
            )
        }
    }

    /// Judges a grey sample of this shape, for nothing but the errors that others would have, too.
    func check(samples shape: [Int], _ range: SampleGrid.Range) throws {
        let values = [Float](repeating: Float((range.low + range.high) / 2), count: shape.reduce(1, *))
        let raw = values.withUnsafeBufferPointer { range.bytes($0, shape: shape) }
        _ = try withExtendedLifetime(raw) { try judge(raw.tensor) }
    }

    /// What it makes of raw samples, as files have them.
    func judge(_ raw: Tensor) throws -> (probabilities: [[Double]], features: Tensor) {
        let prepared = try model.prepare(raw)
        let results = try model.evaluate([output, feature], given: [(input, prepared)])
        let (scores, features) = (results[0], results[1])
        guard scores.rank == 2, scores.size(1) == classes, scores.dtype == .float32 else {
            throw PluginError.data(
                "the classifier gives scores of shape \(scores.shape), wanted [N, \(classes)] of float32")
        }
        guard features.rank > 0, features.size(0) == scores.size(0), features.dtype == .float32 else {
            throw PluginError.data(
                "the classifier tells samples from features of shape \(features.shape), wanted [N, …] of float32")
        }
        guard [scores, features].allSatisfy({ tensor in (0..<tensor.count).allSatisfy { tensor.floats[$0].isFinite } })
        else {
            throw PluginError.data(
                "the classifier gives numbers that are not finite (NaN or infinite): its training has diverged; use another"
            )
        }
        let probabilities = try (0..<scores.size(0)).map { row in
            let values = (0..<classes).map { Double(scores.floats[row * classes + $0]) }
            return try model.link == nil ? Self.checked(values) : Self.softmax(values)
        }
        return (probabilities, features)
    }

    /// The numbers that it has for the classes of a generator, in their order; `names` is empty: the same ones.
    func numbers(of names: [String]) throws -> [Int] { try Self.numbers(of: names, among: labels) }

    static func numbers(of names: [String], among labels: [String]) throws -> [Int] {
        if names.isEmpty { return Array(labels.indices) }
        return try names.map { name in
            guard let number = labels.firstIndex(of: name) else {
                throw PluginError.data(
                    "the classifier knows no class '\(name)', which the generator makes, but "
                        + "\(labels.joined(separator: ", ")); use one that was trained on the same classes")
            }
            return number
        }
    }

    /// Outputs that nothing turns into probabilities have to be some, which those of log-softmax are not.
    static func checked(_ values: [Double]) throws -> [Double] {
        guard values.allSatisfy({ $0 >= 0 }), abs(values.reduce(0, +) - 1) <= 1e-2 else {
            throw PluginError.data(
                "the classifier's outputs are no probabilities; train it with the loss core.cross_entropy")
        }
        return values
    }

    private static func softmax(_ values: [Double]) -> [Double] {
        let greatest = values.max() ?? 0
        let powers = values.map { exp($0 - greatest) }
        let sum = powers.reduce(0, +)
        return powers.map { $0 / sum }
    }
}
