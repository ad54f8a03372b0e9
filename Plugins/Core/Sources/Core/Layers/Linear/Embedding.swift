import Glibc
import LaminaSDK

/// A table of vectors, looked up by index: y[i, :] = W[xᵢ, :].
///
/// x holds int64 or int32 indices of any shape, W is [count, dimension], y is [..., dimension]. The row `padding_index`
/// begins at zero and gets no gradient. Bengio, Ducharme, Vincent, Jauvin: A Neural Probabilistic Language Model, JMLR
/// 2003.
struct Embedding: Layer {
    static let name = "embedding"
    static let documentation = "Looks up vectors of a trained table by index."
    static let attributes: [AttributeSchema] = [
        .integer("count", 1...1e9, "number of vectors: indices run from 0 to count - 1"),
        .integer("dimension", 1...1e9, "length of each vector"),
        .integer("padding_index", default: nil, "a row that stays zero; negative ones count from the end"),
    ]

    let count: Int
    let dimension: Int
    let padding: Int?

    init(_ attributes: Attributes) throws {
        count = attributes.integer("count")
        dimension = attributes.integer("dimension")
        guard let index = attributes.optionalInteger("padding_index") else {
            padding = nil
            return
        }
        guard index >= -count && index < count else {
            throw PluginError.attribute(
                "padding_index is \(index), wanted -\(count) to \(count - 1), as count is \(count)")
        }
        padding = index < 0 ? index + count : index
    }

    func infer(_ inference: Inference) throws {
        try inference.require(0, .int64, .int32)
        var attributes: KeyValuePairs<String, AttributeValue> = ["mean": .real(0), "std": .real(1)]
        if let padding { attributes = ["mean": .real(0), "std": .real(1), "zero_row": .integer(padding)] }
        try inference.addParameter("weight", [count, dimension], initializer: "core.normal", attributes)
        try inference.addOutput(.float32, inference.shape(0) + [Dimension(dimension)])
    }

    func plan(_ planning: Planning) -> any PlannedLayer {
        if planning.wantsParameterGradient(0) { planning.saveInput(0) }
        planning.allowSteps()
        let n = Double(planning.output(0).count)
        planning.setFLOPs(forward: 0, backward: n)
        return EmbeddingPlan(
            count: count, dimension: dimension, padding: padding ?? -1, isWide: planning.input(0).dtype == .int64)
    }
}

struct EmbeddingPlan: PlannedLayer {
    let count: Int
    let dimension: Int
    /// -1: none
    let padding: Int
    /// Indices are int64 rather than int32.
    let isWide: Bool

    func forward(_ run: Run) throws {
        let n = run.input(0).count
        if n == 0 { return }
        if isWide {
            try forward(run, run.input(0).int64s, n)
        } else {
            try forward(run, run.input(0).int32s, n)
        }
    }

    private func forward<Index: FixedWidthInteger>(
        _ run: Run, _ indices: UnsafeMutablePointer<Index>, _ n: Int
    ) throws {
        if let position = (0..<n).first(where: { indices[$0] < 0 || Int(indices[$0]) >= count }) {
            throw PluginError.data(
                "the input holds index \(indices[position]) at position \(position), but count is \(count): wanted 0 "
                    + "to \(count - 1)", input: 0)
        }
        let (w, y, dimension) = (run.parameter(0).floats, run.output(0).floats, dimension)
        run.host.parallelFor(n, grain: max(1, elementGrain / dimension)) { begin, end in
            for i in begin..<end { memcpy(y + i &* dimension, w + Int(indices[i]) &* dimension, dimension &* 4) }
        }
    }

    // dW[xᵢ, :] += dy[i, :], except for the padding row
    func backward(_ run: Run) {
        let dW = run.parameterGradient(0)
        if dW.isAbsent { return }
        if !dW.accumulates { zero(dW.floats, dW.count, run.host) }
        let n = run.outputGradient(0).count / dimension
        if n == 0 { return }
        if isWide {
            scatter(run, run.input(0).int64s, n)
        } else {
            scatter(run, run.input(0).int32s, n)
        }
    }

    /// Cut along the dimension: chunks write to different columns, and each adds in the order of the indices.
    private func scatter<Index: FixedWidthInteger>(
        _ run: Run, _ indices: UnsafeMutablePointer<Index>, _ n: Int
    ) {
        let (dW, dy) = (run.parameterGradient(0).floats, run.outputGradient(0).floats)
        let (dimension, padding) = (dimension, padding)
        let grain = n * dimension <= elementGrain ? dimension : max(64, (dimension / 4 + 15) / 16 * 16)
        run.host.parallelFor(dimension, grain: grain) { begin, end in
            for i in 0..<n {
                let row = Int(indices[i])
                if row == padding { continue }
                let (to, from) = (dW + (row &* dimension &+ begin), dy + (i &* dimension &+ begin))
                forEachVector(end &- begin) { j, remaining in
                    to.store(from.vector(j, remaining), j, remaining, accumulate: true)
                }
            }
        }
    }
}
