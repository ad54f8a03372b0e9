import LaminaSDK

/// A score per class from the confusion counts, averaged: what precision, recall and F1 share.
///
/// `macro` is the mean over the classes that occur in targets or predictions, `weighted` weights it by the classes'
/// number of true rows, `micro` counts all classes together, `binary` is the score of class 1 of 2. A score without any
/// row to divide by is 0. Reference: `sklearn.metrics.precision_recall_fscore_support`.
class ClassScore {
    enum Average: String { case macro, micro, weighted, binary }

    static let attributes: [AttributeSchema] =
        [
            .string(
                "average", default: "macro", choices: ["macro", "micro", "weighted", "binary"],
                "How the scores of the classes combine; binary: that of class 1."),
            .bool("per_class", default: false, "Report the score of every class too."),
        ] + ClassDecisions.attributes

    private let decisions: ClassDecisions
    private let average: Average
    private let reportsClasses: Bool
    private var counts = ConfusionCounts()

    required init(_ attributes: Attributes) {
        decisions = ClassDecisions(attributes)
        average = Average(rawValue: attributes.string("average"))!
        reportsClasses = attributes.bool("per_class")
    }

    /// The score from the rows that are rightly predicted as a class, predicted as it, and truly of it.
    func score(right: Double, predicted: Double, truth: Double) -> Double {
        preconditionFailure("a subclass computes the score")
    }

    final var higherIsBetter: Bool { true }

    final func reset() { counts.reset() }

    final func update(prediction: Tensor, target: Tensor) throws {
        try counts.add(prediction, target, decisions)
        guard average != .binary || counts.classes == 2 else {
            throw PluginError.attribute(
                "average is binary, but the prediction has \(counts.classes) classes: use macro, micro or weighted")
        }
    }

    /// NaN before the first row.
    final func result() -> [MetricResult] {
        let right = (0..<counts.classes).map(counts.right)
        let predicted = (0..<counts.classes).map(counts.predictedRows)
        let truth = (0..<counts.classes).map(counts.trueRows)
        let scores = right.indices.map { score(right: right[$0], predicted: predicted[$0], truth: truth[$0]) }
        let rows = truth.reduce(0, +)
        var main = Double.nan
        if rows > 0 {
            switch average {
            case .binary: main = scores[1]
            case .micro: main = score(right: right.reduce(0, +), predicted: rows, truth: rows)
            case .weighted: main = zip(scores, truth).reduce(0) { $0 + $1.0 * $1.1 } / rows
            case .macro:
                let present = scores.indices.filter { predicted[$0] + truth[$0] > 0 }
                main = present.reduce(0) { $0 + scores[$1] } / Double(present.count)
            }
        }
        let perClass = reportsClasses ? scores.indices.map { MetricResult.value("class_\($0)", scores[$0]) } : []
        return [.value("", main)] + perClass
    }
}

/// a / b, 0 when b is 0.
func ratio(_ a: Double, _ b: Double) -> Double { b == 0 ? 0 : a / b }
