import LaminaSDK

/// Reads predictions and targets of a classifier: which class was predicted and which one is true, row by row.
///
/// Predictions: [N, C] or [N, C, d…] with a score per class, of which the highest wins (the first among equals), or with
/// the classes on another axis, such as [N, T, C] with `class_axis: -1`; or [N] or [N, 1] with one score, which means class
/// 1 above `threshold` and class 0 otherwise. Targets: class indices [N, d…] of any integer type or float32 ([N] or [N, 1]
/// with one score), or the prediction's shape with a probability per class.
struct ClassDecisions {
    let threshold: Float
    let ignoreIndex: Int
    let axis: ClassAxis

    static let attributes: [AttributeSchema] = [
        .real("threshold", default: 0.5, "One score per sample: above it means class 1. For logits, 0."),
        ignoreIndex,
        ClassAxis.schema,
    ]
    static let ignoreIndex = AttributeSchema.integer(
        "ignore_index", default: -100, "The label whose rows count for nothing.")

    /// Without `threshold` one score per sample means class 1 above 0.
    init(_ attributes: Attributes) {
        threshold = Float(attributes.optionalReal("threshold") ?? 0)
        ignoreIndex = attributes.integer("ignore_index")
        axis = ClassAxis(attributes)
    }

    /// How a pair of tensors is read; made once per batch without allocating.
    struct Layout {
        let classes: Int
        let rows: Int
        /// Product of the axes behind the classes: how far apart the scores of a row are.
        let inner: Int
        /// Row r belongs to sample r / rowsPerSample.
        let rowsPerSample: Int
        let isBinary: Bool
        let targetIsScores: Bool

        /// Where the scores of a row begin; they are `inner` apart.
        @inline(__always)
        func offset(_ row: Int) -> Int {
            inner == 1 ? row &* width : row / inner &* width &* inner &+ row % inner
        }
        private var width: Int { isBinary ? 1 : classes }
    }

    func layout(_ prediction: Tensor, _ target: Tensor) throws -> Layout {
        guard prediction.dtype == .float32 else {
            throw PluginError.type("the prediction has type \(typeName(prediction)), wanted float32")
        }
        guard prediction.rank >= 1 else {
            throw PluginError.shape("the prediction has no dimensions, wanted [N, classes]")
        }
        let isBinary = prediction.rank == 1 || (prediction.rank == 2 && prediction.size(1) == 1)
        guard let position = isBinary ? 1 : axis.position(rank: prediction.rank) else {
            throw PluginError.attribute("the prediction has shape \(prediction.shape), but \(axis.fault)")
        }
        let inner = isBinary ? 1 : prediction.product(position + 1, prediction.rank)
        let perSample = isBinary ? 1 : prediction.product(1, position) * inner
        let rows = prediction.size(0) * perSample
        let classes = isBinary ? 2 : prediction.size(position)
        guard classes > 0 else {
            throw PluginError.shape(
                "the prediction has shape \(prediction.shape), without any class: wanted [N, classes]")
        }
        let targetIsScores = !isBinary && target.dtype == .float32 && hasSameShape(prediction, target)
        let fits = isBinary ? target.count == rows : targetIsScores || isIndexShape(target, prediction, position)
        guard fits else {
            throw PluginError.shape(
                "the target has shape \(target.shape), which does not fit a prediction of shape \(prediction.shape): "
                    + "wanted one class index per row")
        }
        return Layout(
            classes: classes, rows: rows, inner: inner, rowsPerSample: perSample, isBinary: isBinary,
            targetIsScores: targetIsScores)
    }

    /// Calls `body(predicted, true)` for every row that is not ignored.
    @inline(__always)
    func forEachRow(
        _ prediction: Tensor, _ target: Tensor, _ layout: Layout,
        _ body: (_ row: Int, _ predicted: Int, _ truth: Int) -> Void
    ) throws {
        guard layout.rows > 0 else { return }
        let scores = prediction.floats
        for row in 0..<layout.rows {
            guard let truth = try label(target, row, layout) else { continue }
            body(row, decide(scores, row, layout), truth)
        }
    }

    private func decide(_ scores: UnsafePointer<Float>, _ row: Int, _ layout: Layout) -> Int {
        let at = layout.offset(row)
        if layout.isBinary { return scores[at] > threshold ? 1 : 0 }
        return argmax(scores + at, layout.classes, stride: layout.inner)
    }

    /// The true class of a row; nil when it is ignored.
    func label(_ target: Tensor, _ row: Int, _ layout: Layout) throws -> Int? {
        if layout.targetIsScores {
            return argmax(target.floats + layout.offset(row), layout.classes, stride: layout.inner)
        }
        let value = try integer(target, row)
        if value == ignoreIndex { return nil }
        guard value >= 0, value < layout.classes else {
            throw PluginError.data(
                "the target has label \(value) in sample \(row / layout.rowsPerSample) of the batch, the prediction has "
                    + "\(layout.classes) classes: labels must be 0 to \(layout.classes - 1), or "
                    + "\(ignoreIndex) to be ignored"
            )
        }
        return value
    }

    private func integer(_ target: Tensor, _ index: Int) throws -> Int {
        switch target.dtype {
        case .int64: return Int(target.int64s[index])
        case .int32: return Int(target.int32s[index])
        case .uint8, .bool: return Int(target.uint8s[index])
        case .float32:
            let value = target.floats[index]
            guard let label = Int(exactly: value) else {
                throw PluginError.data("the target holds \(value) at element \(index), wanted whole class indices")
            }
            return label
        default: throw PluginError.type("the target has type \(typeName(target)), wanted int64 class indices")
        }
    }

    /// Whether the target has the prediction's shape without the axis of the classes.
    private func isIndexShape(_ target: Tensor, _ prediction: Tensor, _ position: Int) -> Bool {
        guard target.rank == prediction.rank - 1 else { return false }
        for axis in 0..<target.rank where target.size(axis) != prediction.size(axis < position ? axis : axis + 1) {
            return false
        }
        return true
    }
}

/// The index of the greatest of `count` numbers `stride` apart; the first among equals.
func argmax(_ values: UnsafePointer<Float>, _ count: Int, stride: Int) -> Int {
    var best = 0
    for index in 1..<max(count, 1) where values[index &* stride] > values[best &* stride] { best = index }
    return best
}

func hasSameShape(_ a: Tensor, _ b: Tensor) -> Bool {
    guard a.rank == b.rank else { return false }
    for axis in 0..<a.rank where a.size(axis) != b.size(axis) { return false }
    return true
}

func typeName(_ tensor: Tensor) -> String { tensor.dtype?.name ?? "unknown" }
