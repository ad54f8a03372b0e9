import LaminaArchive
import LaminaGraph
import LaminaSDK

/// Making one network of a trained one and what was put into it to adapt it.
extension Model {
    /// A model with layers folded into those before them.
    public struct Merged {
        public var model: Model
        /// Names of the nodes that are no longer there.
        public var folded: [String]
        /// Nodes that were put behind others and cannot be folded, and why.
        public var kept: [(name: String, reason: String)]
        /// Whether the outputs were compared on an example; where nothing is folded, nothing can differ.
        public var isChecked: Bool
    }

    /// A copy of the model in which every layer that can be is folded into the one behind which it stands.
    ///
    /// It computes the same within rounding, which is checked on a recorded example. It is saved whole.
    /// - Throws: `.verification` if it computes something else: a plugin's fault.
    public func merged() throws(LaminaError) -> Merged {
        try sorted {
            let copy = try ParameterStore(graph)
            try copy.take(network.parameters.entries.map { ($0.name, $0.dtype, $0.shape, UnsafeRawPointer($0.data)) })
            let merged = try copy.merge()
            let store = try ParameterStore(try Graph(merged.definition, registry: registry))
            try store.take(copy.entries.map { ($0.name, $0.dtype, $0.shape, UnsafeRawPointer($0.data)) })
            let model = Model(network: Network(store.graph, store), recipe: nil, name: name)
            model.labels = labels
            model.preprocessing = preprocessing
            model.link = link
            model.trainingRecord = trainingRecord
            model.procedure = procedure
            model.assets = assets
            model.assetSource = assetSource
            model.textAssets = textAssets
            let example = merged.folded.isEmpty ? nil : try exampleCase()
            if let example { try Self.compare(try model.run(example.inputs).outputs, example.outputs, merged.folded) }
            return Merged(
                model: model, folded: merged.folded, kept: merged.kept,
                isChecked: example != nil || merged.folded.isEmpty)
        }
    }

    private static func compare(_ got: [NamedTensor], _ wanted: [NamedTensor], _ folded: [String]) throws {
        guard got.map(\.name) == wanted.map(\.name), got.map(\.shape) == wanted.map(\.shape) else {
            throw LaminaError(
                .verification,
                "with \(folded.joined(separator: ", ")) folded the outputs are \(got.map { "\($0.name) \($0.shape)" }), wanted "
                    + "\(wanted.map { "\($0.name) \($0.shape)" }); leave out --merge")
        }
        for (got, wanted) in zip(got, wanted) where wanted.dtype == .float32 {
            for (value, before) in zip(got.floats, wanted.floats)
            where !(abs(value - before) <= 1e-4 + 1e-3 * abs(before)) && value.bitPattern != before.bitPattern {
                throw LaminaError(
                    .verification,
                    "with \(folded.joined(separator: ", ")) folded, output '\(wanted.name)' has \(value) instead of "
                        + "\(before): a plugin offers to fold a layer where that is not right; leave out --merge")
            }
        }
    }
}
