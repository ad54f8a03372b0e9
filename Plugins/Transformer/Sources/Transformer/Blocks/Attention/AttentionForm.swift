import LaminaSDK

/// Heads of an attention, and which steps they see: what all blocks with attention can be told.
struct AttentionForm {
    let heads, keyHeads, headSize: Int
    let window: Int?
    let hasSlopes: Bool
    /// Base of rotary positions; nil: none.
    let rotary: Double?

    static func attributes(heads: Int? = nil) -> [AttributeSchema] {
        [
            heads.map { .integer("heads", default: $0, 1...65536, "heads of the attention") }
                ?? .integer("heads", 1...65536, "heads of the attention"),
            .integer(
                "key_heads", default: nil, 1...65536, "heads of key and value, which divide `heads`; default: heads"),
            .integer("head_size", default: nil, 1...1e6, "length of a head's vectors; default: units / heads"),
            .integer("window", default: nil, 1...1e9, "a step sees steps less than this far away; default: all"),
        ]
    }

    /// Of blocks that say nothing of positions otherwise.
    static let positions: [AttributeSchema] = [
        .bool("alibi", default: false, "scores fall with the distance, by a slope of each head's own"),
        .real("rotary", default: nil, 1...1e12, "base of rotary positions, such as 10000; default: none"),
    ]

    /// - Parameter positions: in place of the attributes of the same meaning.
    init(_ attributes: Attributes, units: Int, _ positions: PositionForm? = nil) throws {
        heads = attributes.integer("heads")
        keyHeads = attributes.optionalInteger("key_heads") ?? heads
        window = attributes.optionalInteger("window")
        hasSlopes = positions.map { $0.kind == .alibi } ?? attributes.bool("alibi")
        rotary = positions.map { $0.kind == .rotary ? $0.base : nil } ?? attributes.optionalReal("rotary")
        guard heads % keyHeads == 0 else {
            throw PluginError.attribute("key_heads is \(keyHeads), wanted a divisor of heads, \(heads)")
        }
        let given = attributes.optionalInteger("head_size")
        guard given != nil || units % heads == 0 else {
            throw PluginError.attribute(
                "units is \(units), wanted a multiple of heads, \(heads): change one of them, or set head_size")
        }
        headSize = given ?? units / heads
        guard rotary == nil || headSize % 2 == 0 else {
            throw PluginError.attribute(
                "a head has vectors of length \(headSize), wanted an even one, as rotary positions turn pairs")
        }
    }

    /// Features of all heads of the query, and of the key and value.
    var queryUnits: Int { heads * headSize }
    var keyUnits: Int { keyHeads * headSize }

    /// For a nested block.
    var values: [(name: String, value: AttributeValue)] {
        var values: [(name: String, value: AttributeValue)] = [
            ("heads", .integer(heads)), ("key_heads", .integer(keyHeads)), ("head_size", .integer(headSize)),
            ("alibi", .bool(hasSlopes)),
        ]
        if let window { values.append(("window", .integer(window))) }
        if let rotary { values.append(("rotary", .real(rotary))) }
        return values
    }

    /// For `transformer.dot_product_attention`.
    func layerValues(causal: Bool, dropout: Double) -> [(name: String, value: AttributeValue)] {
        var values: [(name: String, value: AttributeValue)] = [
            ("heads", .integer(heads)), ("key_heads", .integer(keyHeads)), ("causal", .bool(causal)),
            ("alibi", .bool(hasSlopes)), ("dropout", .real(dropout)),
        ]
        if let window { values.append(("window", .integer(window))) }
        return values
    }
}
