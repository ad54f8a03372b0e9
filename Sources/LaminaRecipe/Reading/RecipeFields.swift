import LaminaFormats
import LaminaSchema

/// Reads a mapping whose keys are known exactly: `take` each, then `finish` refuses the others with a did-you-mean.
struct RecipeFields {
    let entries: [YAMLNode.Entry]
    let place: Place
    /// What the mapping is, as messages name it: "'train'".
    let subject: String
    let file: String
    private(set) var known: [String] = []
    private var taken: Set<String> = []

    /// Throws unless `node` is a mapping. `wanted` says what it should hold.
    init(_ node: YAMLNode, _ subject: String, wanted: String, file: String) throws(RecipeError) {
        guard let entries = node.entries else {
            throw node.place.error("\(subject) is \(wanted), got \(node.summary)", in: file)
        }
        self.init(entries, node.place, subject, file: file)
    }

    init(_ entries: [YAMLNode.Entry], _ place: Place, _ subject: String, file: String) {
        self.entries = entries
        self.place = place
        self.subject = subject
        self.file = file
    }

    /// The value of a key that may be absent; nothing after the colon counts as absent.
    mutating func take(_ key: String) -> YAMLNode? {
        known.append(key)
        taken.insert(key)
        guard let node = entries.first(where: { $0.key == key })?.value, !node.isNull else { return nil }
        return node
    }

    /// The value of a key that must be there. `advice` says what to write.
    mutating func require(_ key: String, _ advice: String) throws(RecipeError) -> YAMLNode {
        if let node = take(key) { return node }
        let place = entries.first { $0.key == key }?.place ?? self.place
        throw place.error("\(subject) lacks '\(key)': \(advice)", in: file)
    }

    /// Refuses keys that nobody took.
    func finish() throws(RecipeError) {
        guard let entry = entries.first(where: { !taken.contains($0.key) }) else { return }
        throw unknown(entry)
    }

    func unknown(_ entry: YAMLNode.Entry) -> RecipeError {
        let near = Suggestion.question(for: entry.key, among: known)
        let list = known.map { "'\($0)'" }.joined(separator: ", ")
        return entry.place.error(
            "\(subject) has no key '\(shortened(entry.key))'\(near.isEmpty ? "; known are \(list)" : near)", in: file)
    }
}
