import LaminaSDK

/// What an encoder and its decoder agree on, and how tokens become states in both.
struct SequenceForm {
    enum Context: String { case initialState = "initial_state", concatenated, attention }
    enum Cell: String {
        case lstm, gru, elman

        var hasCellState: Bool { self == .lstm }
    }

    let cell: Cell
    let units, layers, embedding: Int
    let dropout: Double
    let context: Context

    static let attributes: [AttributeSchema] = [
        .integer("units", 1...1e6, "size of the states of a layer, and of one direction"),
        .integer("layers", default: 1, 1...1000, "recurrent layers on top of each other"),
        .string("cell", default: "lstm", choices: ["lstm", "gru", "elman"], "which recurrent layer"),
        .integer("embedding", default: nil, 1...1e9, "length of the tokens' vectors; default: units"),
        .real(
            "dropout", default: 0, 0...1,
            "the probability with which elements of embeddings, between layers and before the output become 0"),
        .string(
            "context", default: "attention", choices: ["initial_state", "concatenated", "attention"],
            "what the decoder has of the source: a state to begin with; a vector at every step, too; or all steps"),
    ]

    init(_ attributes: Attributes) {
        units = attributes.integer("units")
        layers = attributes.integer("layers")
        cell = Cell(rawValue: attributes.string("cell"))!
        embedding = attributes.optionalInteger("embedding") ?? units
        dropout = attributes.real("dropout")
        context = Context(rawValue: attributes.string("context"))!
    }

    /// The same for a nested block.
    var values: [(name: String, value: AttributeValue)] {
        [
            ("units", .integer(units)), ("layers", .integer(layers)), ("cell", .string(cell.rawValue)),
            ("embedding", .integer(embedding)), ("dropout", .real(dropout)), ("context", .string(context.rawValue)),
        ]
    }

    /// Nodes: embedding, embedding_dropout.
    func embedded(_ expansion: Expansion, _ tokens: String, vocabulary: Int, padding: Int?) throws -> String {
        var attributes: [(name: String, value: AttributeValue)] = [
            ("count", .integer(vocabulary)), ("dimension", .integer(embedding)),
        ]
        if let padding { attributes.append(("padding_index", .integer(padding))) }
        let vectors = try expansion.add("core.embedding", name: "embedding", inputs: [tokens], attributes)
        return try dropped(expansion, "embedding_dropout", vectors)
    }

    func dropped(_ expansion: Expansion, _ name: String, _ input: String) throws -> String {
        if dropout == 0 { return input }
        return try expansion.add("core.dropout", name: name, inputs: [input], ["rate": .real(dropout)])
    }

    /// Node: rnn. Its output 0 are the states of the top layer, output 1 and (lstm) 2 the final ones of all layers.
    func recurrent(
        _ expansion: Expansion, _ input: String, lengths: String, states: [String] = [], bidirectional: Bool = false,
        lastOnly: Bool = false
    ) throws -> String {
        var attributes: [(name: String, value: AttributeValue)] = [
            ("units", .integer(units)), ("layers", .integer(layers)), ("bidirectional", .bool(bidirectional)),
        ]
        if dropout > 0 && layers > 1 { attributes.append(("dropout", .real(dropout))) }
        if lastOnly { attributes.append(("returns", .string("last"))) }
        return try expansion.add("rnn.\(cell.rawValue)", name: "rnn", inputs: [input, lengths] + states, attributes)
    }
}

/// The attributes of a vocabulary: how many tokens, and which of them is padding.
struct Vocabulary {
    let size: Int
    let padding: Int?

    static func attributes(prefix: String = "") -> [AttributeSchema] {
        let side = prefix.isEmpty ? "" : " of the \(prefix.dropLast())"
        return [
            .integer("\(prefix)vocabulary", 1...1e9, "number of tokens\(side): they run from 0 to vocabulary - 1"),
            .integer("\(prefix)padding", default: nil, 0...1e9, "the token\(side) whose vector stays zero"),
        ]
    }

    init(_ attributes: Attributes, prefix: String = "") throws {
        size = attributes.integer("\(prefix)vocabulary")
        padding = attributes.optionalInteger("\(prefix)padding")
        if let padding, padding >= size {
            throw PluginError.attribute(
                "\(prefix)padding is \(padding), wanted 0 to \(size - 1), as \(prefix)vocabulary is \(size)")
        }
    }

    /// For a nested block, without the prefix.
    var values: [(name: String, value: AttributeValue)] {
        [("vocabulary", .integer(size))] + (padding.map { [("padding", .integer($0))] } ?? [])
    }
}
