// libyaml itself. What composes nodes on top of it in other libraries resolves aliases and hashes whole keys, and recurses
// without a bound: a hostile text of a few lines costs that exponential time or the stack.
internal import CYAML
import LaminaFormats

/// Reads one YAML document into nodes, strictly and at a cost bounded by the text's length.
///
/// Refused are: anchors, aliases and tags, keys that are no texts or stand twice in a mapping, a second document,
/// texts that are not UTF-8, and whatever is beyond the limits.
struct YAMLParser: ~Copyable {
    static let byteLimit = 4 << 20
    static let depthLimit = 64

    /// Named in errors.
    private let file: String
    private let override: String?
    /// On the heap, because it keeps a pointer to itself.
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private var stack: [Level] = []
    private var root: YAMLNode?

    /// A list or mapping that is not closed yet.
    private struct Level {
        var place: Place
        var isMapping: Bool
        var nodes: [YAMLNode] = []
        var entries: [YAMLNode.Entry] = []
        var keys: Set<String> = []
        /// A key that waits for its value.
        var key: (text: String, place: Place)?
    }

    private init(file: String, override: String?) throws(RecipeError) {
        self.file = file
        self.override = override
        parser = .allocate(capacity: 1)
        parser.initialize(to: yaml_parser_t())
        guard yaml_parser_initialize(parser) == 1 else { throw RecipeError(file: file, "out of memory") }
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
    }

    /// The document's root; nil when there is none (an empty text).
    ///
    /// - Parameter override: the argument of `--set` whose value the text is.
    static func parse(_ bytes: [UInt8], file: String, override: String? = nil) throws(RecipeError) -> YAMLNode? {
        guard bytes.count <= byteLimit else {
            throw RecipeError(file: file, "the recipe has \(bytes.count) bytes, at most \(byteLimit) are allowed")
        }
        var reader = try YAMLParser(file: file, override: override)
        let result = bytes.withUnsafeBufferPointer { text in
            Result { () throws(RecipeError) -> YAMLNode? in try reader.document(text) }
        }
        return try result.get()
    }

    private mutating func document(_ text: UnsafeBufferPointer<UInt8>) throws(RecipeError) -> YAMLNode? {
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        yaml_parser_set_input_string(parser, text.baseAddress, text.count)
        var documents = 0
        while true {
            var event = yaml_event_t()
            guard yaml_parser_parse(parser, &event) == 1 else { throw syntaxError(text) }
            defer { yaml_event_delete(&event) }
            let place = Place(
                line: Int(event.start_mark.line) + 1, column: Int(event.start_mark.column) + 1, override: override)
            switch event.type {
            case YAML_STREAM_END_EVENT, YAML_NO_EVENT:
                return root
            case YAML_DOCUMENT_START_EVENT:
                documents += 1
                if documents > 1 { throw error("a second document begins here; keep one", place) }
            case YAML_SCALAR_EVENT:
                try scalar(event, place)
            case YAML_SEQUENCE_START_EVENT:
                try refuse(anchor: event.data.sequence_start.anchor, tag: event.data.sequence_start.tag, place)
                try open(place, isMapping: false)
            case YAML_MAPPING_START_EVENT:
                try refuse(anchor: event.data.mapping_start.anchor, tag: event.data.mapping_start.tag, place)
                try open(place, isMapping: true)
            case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT:
                let level = stack.removeLast()
                try add(
                    YAMLNode(
                        content: level.isMapping ? .mapping(level.entries) : .list(level.nodes), place: level.place))
            case YAML_ALIAS_EVENT:
                let name = string(event.data.alias.anchor) ?? ""
                throw error(
                    "'*\(shortened(name))' is an alias, which is not taken here: "
                        + "put quotes around a text that begins with '*', or write the value again", place)
            default:
                break
            }
        }
    }

    private mutating func scalar(_ event: yaml_event_t, _ place: Place) throws(RecipeError) {
        let scalar = event.data.scalar
        try refuse(anchor: scalar.anchor, tag: scalar.tag, place)
        let text = String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
        if let level = stack.last, level.isMapping, level.key == nil {
            return try addKey(text, place)
        }
        var value = JSON.string(text)
        if scalar.style == YAML_PLAIN_SCALAR_STYLE {
            do {
                value = try YAMLScalar.value(text)
            } catch {
                throw self.error(error.message, place)
            }
        }
        try add(YAMLNode(content: .scalar(value, text: text), place: place))
    }

    private mutating func addKey(_ text: String, _ place: Place) throws(RecipeError) {
        guard stack[stack.count - 1].keys.insert(text).inserted else {
            let first = stack[stack.count - 1].entries.first { $0.key == text }
            throw error(
                "the key '\(shortened(text))' stands twice here"
                    + (first.map { ", first in line \($0.place.line)" } ?? "")
                    + "; keep one", place)
        }
        stack[stack.count - 1].key = (text, place)
    }

    private mutating func open(_ place: Place, isMapping: Bool) throws(RecipeError) {
        if let level = stack.last, level.isMapping, level.key == nil {
            throw error("a key is a text, got \(isMapping ? "a mapping" : "a list")", place)
        }
        guard stack.count < Self.depthLimit else {
            throw error("lists and mappings nest deeper than \(Self.depthLimit) levels", place)
        }
        stack.append(Level(place: place, isMapping: isMapping))
    }

    private mutating func add(_ node: YAMLNode) throws(RecipeError) {
        guard let last = stack.indices.last else {
            root = node
            return
        }
        if let key = stack[last].key {
            stack[last].entries.append(.init(key: key.text, place: key.place, value: node))
            stack[last].key = nil
        } else {
            stack[last].nodes.append(node)
        }
    }

    private func refuse(
        anchor: UnsafeMutablePointer<UInt8>?, tag: UnsafeMutablePointer<UInt8>?, _ place: Place
    ) throws(RecipeError) {
        if let name = string(anchor) {
            throw error(
                "'&\(shortened(name))' is an anchor, which is not taken here: "
                    + "put quotes around a text that begins with '&', or write the value again where it is needed",
                place)
        }
        if let name = string(tag) {
            throw error(
                "'\(shortened(name))' is a tag, which is not taken here: "
                    + "put quotes around a text that begins with '!'",
                place)
        }
    }

    private func syntaxError(_ text: UnsafeBufferPointer<UInt8>) -> RecipeError {
        let problem = parser.pointee.problem.map { String(cString: $0) } ?? "the parser stopped"
        if parser.pointee.error == YAML_MEMORY_ERROR { return RecipeError(file: file, "out of memory") }
        if parser.pointee.error == YAML_READER_ERROR {
            return error("this is no text in UTF-8: \(problem)", place(ofByte: parser.pointee.problem_offset, in: text))
        }
        let place = Place(
            line: Int(parser.pointee.problem_mark.line) + 1, column: Int(parser.pointee.problem_mark.column) + 1,
            override: override)
        let start = Int(parser.pointee.context_mark.line) + 1
        let context =
            parser.pointee.context.map {
                " " + String(cString: $0) + (start == place.line ? "" : " that begins in line \(start)")
            } ?? ""
        return error("this is no YAML: \(problem)\(context)\(hint(problem, at: place, in: text))", place)
    }

    /// What usually is behind a fault of the syntax.
    private func hint(_ problem: String, at place: Place, in text: UnsafeBufferPointer<UInt8>) -> String {
        if problem.contains("mapping values are not allowed") {
            return "; write a mapping below its key, indented, or in braces, and put a text with ': ' in quotes"
        }
        if problem.contains("alphabetic or numeric") { return "; put quotes around a text that begins with '*' or '&'" }
        guard problem.contains("cannot start any token") else { return "" }
        let line = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).dropFirst(place.line - 1)
            .first
        let character = line.flatMap {
            String(decoding: $0, as: UTF8.self).unicodeScalars.dropFirst(place.column - 1).first
        }
        switch character {
        case "\t": return "; indent with spaces, not with tabs"
        case let character?: return "; put quotes around a text that begins with '\(character)'"
        case nil: return ""
        }
    }

    private func place(ofByte offset: Int, in text: UnsafeBufferPointer<UInt8>) -> Place {
        var place = Place(line: 1, column: 1, override: override)
        for byte in text.prefix(offset) {
            if byte == UInt8(ascii: "\n") {
                place.line += 1
                place.column = 1
            } else if byte & 0xC0 != 0x80 {
                place.column += 1
            }
        }
        return place
    }

    private func error(_ message: String, _ place: Place) -> RecipeError { place.error(message, in: file) }

    private func string(_ pointer: UnsafeMutablePointer<UInt8>?) -> String? {
        pointer.map { String(cString: $0) }
    }
}
