import CLamina
import LaminaFormats
import LaminaGraph
import LaminaHost
import LaminaRecipe
import LaminaSDK
import LaminaSchema

/// A source seen through its transforms and tokenizers as the model wants it: one tensor per model input, and the target.
public final class Dataset: @unchecked Sendable {
    /// What fills an input or the target.
    enum Role {
        /// A field of the source, by its position, and transforms of it.
        case field(Int, TransformChain)
        /// An entry of `data.text`, by its position.
        case text(Int)
        /// The numbers of tokens of one.
        case length(of: Int)
        /// In a stream, the ids that follow those of the input.
        case following
    }

    public let source: DataSource
    let inputs: [Role]
    let target: Role?
    let texts: TextTensors?
    let stream: TextStream?
    /// The model, whose inputs that are carried from batch to batch no data fill.
    private let definition: GraphDefinition

    public let count: Int
    public var classes: [String] { source.classes }
    public var hasTarget: Bool { target != nil }
    /// The vocabularies of its texts, by the entry of `data.text` that they belong to.
    public var tokenizers: [String: TextTokenizer] { texts?.tokenizers ?? [:] }
    /// How many samples a batch has when texts are a stream: neither more nor less.
    public var lanes: Int? { stream?.lanes }

    /// Opens a source for a model, and a target if the model has a loss.
    ///
    /// - Parameters:
    ///   - origin: how the training data was read. What it found there holds for other data from the same source,
    ///     where the recipe says nothing else. Its classes hold for all data: their numbers are what was learned.
    ///   - tokenizers: those of the training data; without them, vocabularies are learned from this source.
    ///   - lanes: how many samples a batch should have when texts are a stream.
    ///   - training: whose `validate` holds samples back, from which no vocabulary is learned. (Of a stream, it is
    ///     windows that are held back, which are not known before there is a vocabulary.)
    public init(
        _ source: Recipe.Component, _ data: Recipe.Datasets, for definition: GraphDefinition, hasTarget: Bool,
        like origin: Origin? = nil, tokenizers: [String: TextTokenizer] = [:],
        lanes: Int = 1, splitBy training: Recipe.Training? = nil, registry: Registry
    ) throws(TrainingError) {
        self.definition = definition
        let inputs = definition.dataInputs
        let opened = try Self.open(source, like: origin, registry)
        self.source = opened
        let isStream = data.texts.contains { $0.stream != nil }
        let learned = data.texts.isEmpty || isStream ? nil : try training?.split(opened.count)?.training
        texts =
            data.texts.isEmpty
            ? nil
            : try TextTensors(
                opened, data.texts, inputs: inputs, known: tokenizers, learnedFrom: learned, registry: registry)
        stream = try texts?.stream(lanes: lanes)
        count = stream?.count ?? texts?.kept?.count ?? opened.count
        guard count > 0 || opened.count == 0 else {
            throw TrainingError(.data, "\(source.id): every sample is left out because its text is too long")
        }
        let finder = FieldFinder(opened, data, registry)
        var roles: [Role] = []
        var fields = data.inputs[...]
        let open = inputs.filter { input in !data.texts.inputs.contains { $0.name == input.name } }
        if data.inputs.isEmpty, open.count > 1 {
            throw TrainingError(
                .recipe,
                "the model has \(open.count) inputs: name a field for each under data, as 'input: [...]' (\(finder.names))"
            )
        }
        guard data.inputs.isEmpty || data.inputs.count == open.count else {
            throw TrainingError(
                .recipe, "data names \(data.inputs.count) input fields, the model has \(open.count) inputs for them")
        }
        for input in inputs {
            if let entry = data.texts.firstIndex(where: { $0.name == input.name }) {
                roles.append(.text(entry))
            } else if let entry = data.texts.firstIndex(where: { $0.lengthName == input.name }) {
                roles.append(.length(of: entry))
            } else {
                let name = fields.popFirst()
                let isFirst = !roles.contains { if case .field = $0 { true } else { false } }
                let role = try finder.role(name, "input", isFirst: isFirst)
                try finder.check(role, name, input)
                roles.append(role)
            }
        }
        self.inputs = roles
        if !hasTarget {
            target = nil
        } else if stream != nil {
            target = .following
        } else if let entry = data.texts.firstIndex(where: { $0.name == GraphDefinition.targetName }) {
            target = .text(entry)
        } else {
            var name = data.target
            if name == nil { name = try finder.usualTarget() }
            target = try finder.role(name, "target", isFirst: false)
        }
    }

    /// What other data have to have in common with the training data.
    public struct Origin: Sendable {
        /// Of the source.
        public let id: String
        public let reading: JSONObject
        /// Their names in the order of their numbers; empty: unknown.
        public let classes: [String]

        public init(id: String, reading: JSONObject, classes: [String]) {
            (self.id, self.reading, self.classes) = (id, reading, classes)
        }
    }

    private static func open(
        _ source: Recipe.Component, like origin: Origin?, _ registry: Registry
    ) throws(TrainingError) -> DataSource {
        guard let origin else { return try DataSource(source.id, source.attributes, registry: registry) }
        var given = (origin.id == source.id ? origin.reading : [:]).merging(source.attributes)
        let numbersThem = registry.component(kind: "source", id: source.id)?.attributes.contains {
            $0.name == "classes" && $0.types & LAMINA_ATTRIBUTE_STRINGS != 0
        }
        if origin.id == source.id, numbersThem == true, !origin.classes.isEmpty, given["classes"] ?? .null == .null {
            given["classes"] = .array(origin.classes.map { .string($0) })
        }
        let opened = try DataSource(source.id, given, registry: registry)
        guard !opened.classes.isEmpty, !origin.classes.isEmpty, opened.classes != origin.classes else { return opened }
        let missing = origin.classes.first { !opened.classes.contains($0) }
        let strange = opened.classes.first { !origin.classes.contains($0) }
        let difference = strange.map { "'\($0)' is new" } ?? missing.map { "'\($0)' is missing" } ?? "the order differs"
        throw TrainingError(
            .data,
            "\(source.id): the classes of this data (\(opened.classes.count)) are not those that the model was trained "
                + "on (\(origin.classes.count)): \(difference); their numbers would mean something else; both need "
                + "the same, in the same order")
    }

    /// The samples that `validate` leaves for training, and those that it holds back; nil: it holds none back.
    ///
    /// It is samples of the source that are held back, so that it does not depend on a vocabulary which are.
    public func split(
        _ training: Recipe.Training
    ) throws(TrainingError) -> (training: [Int64], validation: [Int64])? {
        if let stream { return try training.split(count, lanes: stream.lanes) }
        return try training.split(source.count, kept: texts?.kept)
    }

    /// Shape of a batch of inputs; with texts, of those with the longest ones.
    public func inputShapes(batch: Int) -> [[Int]] {
        inputs.map { [batch] + sampleShape($0) } + carriedShapes(batch)
    }

    func carriedShapes(_ batch: Int) -> [[Int]] { definition.carriedShapes(batch) }

    /// Type and shape of a batch's target; with texts, of the longest ones.
    public func target(batch: Int) -> PlanRequest.Target? {
        target.map { .init(dtype($0), [batch] + sampleShape($0)) }
    }

    private func sampleShape(_ role: Role) -> [Int] {
        switch role {
        case .field(_, let chain): chain.shape
        case .text(let entry): [stream?.steps ?? texts!.longestRows[entry]]
        case .following: [stream!.steps]
        case .length: []
        }
    }

    private func dtype(_ role: Role) -> DataType {
        if case .field(_, let chain) = role { chain.dtype } else { .int64 }
    }

    /// Whether batches of one size may differ in shape.
    var hasVariableShapes: Bool { texts != nil && stream == nil }

    /// Position in the source of the field that the model's first input takes; nil: texts are all that it takes.
    public var inputFieldOfModel: Int? {
        for case .field(let index, _) in inputs { return index }
        return nil
    }

    /// The number of tokens of a sample; nil without texts of different lengths.
    func length(_ sample: Int64) -> Int? {
        guard hasVariableShapes, let texts else { return nil }
        return texts.length(texts.kept.map { $0[Int(sample)] } ?? sample)
    }
}

/// Finds the fields of a source that inputs and the target take.
private struct FieldFinder {
    let source: DataSource
    let data: Recipe.Datasets
    let registry: Registry

    init(_ source: DataSource, _ data: Recipe.Datasets, _ registry: Registry) {
        (self.source, self.data, self.registry) = (source, data, registry)
    }

    var names: String {
        let texts = source.textFields.map { "text '\($0)'" } + data.transforms.compactMap(\.result).map { "'\($0)'" }
        return (source.fields.map { "'\($0.name)'" } + texts).joined(separator: ", ")
    }

    /// A field by name; without a name the first.
    func role(_ name: String?, _ what: String, isFirst: Bool) throws(TrainingError) -> Dataset.Role {
        if let name, source.textFields.contains(name) {
            throw TrainingError(
                .recipe, "field '\(name)' of \(source.id) is text: say under 'data.text' how it becomes the \(what)")
        }
        let sought = name.map { data.sourceField(of: $0) }
        guard
            let index = sought.map({ name in source.fields.firstIndex { $0.name == name } })
                ?? source.fields.indices.first
        else {
            guard let name else {
                throw TrainingError(
                    .recipe, "\(source.id) has only texts (\(names)): say under 'data.text' how they become inputs")
            }
            // Of what a transform makes it, if one does.
            let missing = sought ?? name
            let made = missing == name ? "" : ", of which '\(name)' is made"
            let near = Suggestion.question(for: missing, among: source.fields.map(\.name))
            throw TrainingError(
                .recipe, "\(source.id) has no field '\(missing)' for the \(what)\(made); it has \(names)\(near)")
        }
        let field = source.fields[index]
        let own = data.transforms(of: name ?? field.name, isFirst: isFirst)
        return .field(
            index,
            try TransformChain(
                own.map { ($0.component.id, $0.component.attributes) }, from: field.dtype, field.shape,
                registry: registry))
    }

    /// The name of the field that is the target unless the recipe says otherwise.
    func usualTarget() throws(TrainingError) -> String {
        guard let field = source.fields.first(where: { $0.name == "label" || $0.name == "target" }) else {
            throw TrainingError(
                .recipe,
                "\(source.id) has no field 'label' or 'target' to learn from (it has \(names)); name one as target, under data"
            )
        }
        return field.name
    }

    /// - Parameter name: as the recipe has it, perhaps of what a transform makes of a field.
    func check(_ role: Dataset.Role, _ name: String?, _ input: GraphDefinition.Input) throws(TrainingError) {
        guard case .field(let index, let chain) = role else { return }
        let name = name ?? source.fields[index].name
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

extension GraphDefinition {
    /// The position of the output that the loss compares with the target; nil without a loss, or if it reads no output.
    public var measuredOutput: Int? {
        guard let reference = loss?.inputs.first else { return nil }
        return outputs.firstIndex { $0.reference == reference }
    }
}
