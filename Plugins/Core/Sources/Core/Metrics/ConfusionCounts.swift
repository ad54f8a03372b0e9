import LaminaSDK

/// How often each true class was predicted as each class. The number of classes is that of the first batch.
struct ConfusionCounts {
    private(set) var classes = 0
    /// Row-major: rows are true classes, columns predicted ones.
    private var counts: [Int] = []
    /// 8192² counts take 512 MiB.
    private static let classLimit = 8192

    mutating func reset() {
        for index in counts.indices { counts[index] = 0 }
    }

    mutating func add(_ prediction: Tensor, _ target: Tensor, _ decisions: ClassDecisions) throws {
        let layout = try decisions.layout(prediction, target)
        guard layout.classes <= Self.classLimit else {
            throw PluginError.unsupported(
                "the prediction has \(layout.classes) classes, of which a confusion matrix would be too large: wanted at "
                    + "most \(Self.classLimit); use core.accuracy or core.top_k_accuracy")
        }
        if classes == 0 {
            classes = layout.classes
            counts = Array(repeating: 0, count: classes * classes)
        }
        guard layout.classes == classes else {
            throw PluginError.shape(
                "the prediction has \(layout.classes) classes, the batches before it had \(classes): wanted as many")
        }
        let classes = classes
        try counts.withUnsafeMutableBufferPointer { counts in
            try decisions.forEachRow(prediction, target, layout) { _, predicted, truth in
                counts[truth &* classes &+ predicted] += 1
            }
        }
    }

    subscript(truth truth: Int, predicted predicted: Int) -> Int { counts[truth * classes + predicted] }

    var matrix: [Double] { counts.map(Double.init) }

    func right(_ index: Int) -> Double { Double(self[truth: index, predicted: index]) }
    func trueRows(_ index: Int) -> Double { (0..<classes).reduce(0) { $0 + Double(self[truth: index, predicted: $1]) } }
    func predictedRows(_ index: Int) -> Double {
        (0..<classes).reduce(0) { $0 + Double(self[truth: $1, predicted: index]) }
    }
}
