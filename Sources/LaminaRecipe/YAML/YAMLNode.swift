import LaminaFormats

/// A value of a YAML text with the place where it stands.
struct YAMLNode: Sendable {
    enum Content: Sendable {
        /// `text` is what was written, before the core schema made a number or a boolean of it.
        case scalar(JSON, text: String)
        case list([YAMLNode])
        case mapping([Entry])
    }

    /// One key of a mapping. Keys are texts and differ within their mapping.
    struct Entry: Sendable {
        var key: String
        var place: Place
        var value: YAMLNode
    }

    var content: Content
    var place: Place

    /// What the node is, for messages: "a list", "the text 'x'", "5", "nothing".
    var summary: String {
        switch content {
        case .list: "a list"
        case .mapping: "a mapping"
        case .scalar(.null, _): "nothing"
        case .scalar(.string(let text), _): "the text '\(shortened(text))'"
        case .scalar(_, let text): shortened(text)
        }
    }

    /// The same value without places.
    var json: JSON {
        switch content {
        case .scalar(let value, _): value
        case .list(let nodes): .array(nodes.map(\.json))
        case .mapping(let entries): .object(JSONObject(entries.map { ($0.key, $0.value.json) }))
        }
    }

    var string: String? {
        if case .scalar(.string(let text), _) = content { text } else { nil }
    }

    var entries: [Entry]? {
        if case .mapping(let entries) = content { entries } else { nil }
    }

    var isNull: Bool {
        if case .scalar(.null, _) = content { true } else { false }
    }
}

/// A text as an error shows it: one short line.
func shortened(_ text: String) -> String {
    var result = ""
    for (position, character) in text.unicodeScalars.prefix(41).enumerated() {
        if position == 40 { return result + "…" }
        if character.value < 0x20 || character.value == 0x7F {
            result += " "
        } else {
            result.unicodeScalars.append(character)
        }
    }
    return result
}
