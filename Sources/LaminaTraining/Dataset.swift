import CLamina
import LaminaFormats
import LaminaGraph
import LaminaHost
import LaminaRecipe
import LaminaSDK

/// A source seen through its transforms as the model wants it: one tensor per model input, and the target.
public final class Dataset: @unchecked Sendable {
    public let source: DataSource
    /// Position of each model input's field in the source.
    let inputFields: [Int]
    let targetField: Int?
    let inputChains: [TransformChain]
    let targetChain: TransformChain?

    public var count: Int { source.count }
    public var classes: [String] { source.classes }

    /// Opens a source for a model with these inputs, and a target if the model has a loss.
    ///
    /// - Parameter origin: how the training data was read. What it found there holds for other data from the same source,
    ///   where the recipe says nothing else.
    public init(
        _ source: Recipe.Component, _ data: Recipe.Datasets, inputs: [GraphDefinition.Input], hasTarget: Bool,
        like origin: (id: String, reading: JSONObject)? = nil, registry: Registry
    ) throws(TrainingError) {
        let known = origin?.id == source.id ? origin?.reading ?? [:] : [:]
        let opened = try DataSource(source.id, known.merging(source.attributes), registry: registry)
        self.source = opened
        let names = opened.fields.map { "'\($0.name)'" }.joined(separator: ", ")
        func position(_ name: String, _ what: String) throws(TrainingError) -> Int {
            guard let index = opened.fields.firstIndex(where: { $0.name == name }) else {
                throw TrainingError(.recipe, "\(source.id) has no field '\(name)' for the \(what); it has \(names)")
            }
            return index
        }
        var inputFields: [Int] = []
        if data.inputs.isEmpty {
            guard inputs.count == 1 else {
                throw TrainingError(
                    .recipe,
                    "the model has \(inputs.count) inputs: name a field for each under data, as 'input: [...]' (\(names))"
                )
            }
            inputFields = [0]
        } else {
            for name in data.inputs { inputFields.append(try position(name, "input")) }
        }
        guard inputFields.count == inputs.count else {
            throw TrainingError(
                .recipe, "data names \(inputFields.count) input fields, the model has \(inputs.count) inputs")
        }
        self.inputFields = inputFields
        var targetField: Int?
        if hasTarget {
            if let name = data.target {
                targetField = try position(name, "target")
            } else {
                targetField = opened.fields.firstIndex { $0.name == "label" || $0.name == "target" }
                if targetField == nil {
                    throw TrainingError(
                        .recipe,
                        "\(source.id) has no field 'label' or 'target' to learn from (it has \(names)); name one as target, under data"
                    )
                }
            }
        }
        self.targetField = targetField
        func chain(_ field: Int, _ isFirst: Bool) throws(TrainingError) -> TransformChain {
            let description = opened.fields[field]
            let own = data.transforms.filter { $0.field.map { $0 == description.name } ?? isFirst }
            return try TransformChain(
                own.map { ($0.component.id, $0.component.attributes) }, from: description.dtype, description.shape,
                registry: registry)
        }
        var chains: [TransformChain] = []
        for (index, field) in inputFields.enumerated() { chains.append(try chain(field, index == 0)) }
        inputChains = chains
        targetChain = try targetField.map { field throws(TrainingError) in try chain(field, false) }
        try checkInputs(inputs)
    }

    private func checkInputs(_ inputs: [GraphDefinition.Input]) throws(TrainingError) {
        for (index, input) in inputs.enumerated() {
            let chain = inputChains[index]
            let name = source.fields[inputFields[index]].name
            guard chain.dtype == input.dtype else {
                let hint = chain.dtype == .uint8 ? "; add a transform such as one that normalizes" : ""
                throw TrainingError(
                    .recipe,
                    "field '\(name)' of \(source.id) is \(chain.dtype.name), input '\(input.name)' wants "
                        + "\(input.dtype.name)\(hint)")
            }
            let wanted = input.shape.dropFirst()
            let fits =
                wanted.count == chain.shape.count
                && zip(wanted, chain.shape).allSatisfy { size, got in
                    if case .fixed(let value) = size { return value == got }
                    return true
                }
            guard fits else {
                throw TrainingError(
                    .recipe,
                    "samples of field '\(name)' of \(source.id) have shape \(chain.shape), input '\(input.name)' wants "
                        + "[\(wanted.map(\.description).joined(separator: ", "))]")
            }
        }
    }

    /// Shape of a batch of inputs.
    public func inputShapes(batch: Int) -> [[Int]] { inputChains.map { [batch] + $0.shape } }

    /// Type and shape of a batch's target.
    public func target(batch: Int) -> PlanRequest.Target? {
        targetChain.map { .init($0.dtype, [batch] + $0.shape) }
    }
}

extension GraphDefinition {
    /// The position of the output that the loss compares with the target; nil without a loss, or if it reads no output.
    public var measuredOutput: Int? {
        guard let reference = loss?.inputs.first else { return nil }
        return outputs.firstIndex { $0.reference == reference }
    }
}

extension Dataset {
    /// Position in the source of the field that the model's first input takes.
    public var inputFieldOfModel: Int { inputFields[0] }
}
