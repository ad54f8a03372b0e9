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
    let classes: Int
    private(set) var featureSize = 0

    init(_ path: String, openedBy open: (String) throws -> TaskModel) throws {
        model = try open(path)
        let graph = try GraphView(model)
        guard graph.inputs.count == 1, let output = graph.measured ?? graph.outputs.first?.reference,
            let node = graph.node(GraphView.name(output)), let feature = node.input(0)
        else { throw PluginError.data("\(path) is no classifier: it has \(graph.inputs.count) inputs, wanted one") }
        guard model.link == nil || model.link == "core.softmax" else {
            throw PluginError.data(
                "\(path) is no classifier of one class out of several: its outputs become predictions by \(model.link!)"
            )
        }
        (input, self.output, self.feature) = (graph.inputs[0].name, output, feature)
        classes = model.labels.count
        guard classes > 1 else {
            throw PluginError.data("\(path) is no classifier: it knows \(classes) classes, wanted at least 2")
        }
    }

    /// What it makes of raw samples, as files have them.
    func judge(_ raw: Tensor) throws -> (probabilities: [[Double]], features: Tensor) {
        let prepared = try model.prepare(raw)
        let results = try model.evaluate([output, feature], given: [(input, prepared)])
        let (scores, features) = (results[0], results[1])
        let rows = scores.size(0)
        guard scores.rank == 2, scores.size(1) == classes, features.dtype == .float32 else {
            throw PluginError.data("the classifier gives scores of shape \(scores.shape), wanted [N, \(classes)]")
        }
        let probabilities = (0..<rows).map { row in
            let values = (0..<classes).map { Double(scores.floats[row * classes + $0]) }
            return model.link == nil ? values : Self.softmax(values)
        }
        return (probabilities, features)
    }

    private static func softmax(_ values: [Double]) -> [Double] {
        let greatest = values.max() ?? 0
        let powers = values.map { exp($0 - greatest) }
        let sum = powers.reduce(0, +)
        return powers.map { $0 / sum }
    }
}
