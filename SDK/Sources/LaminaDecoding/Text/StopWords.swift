/// Texts at which a text in the making ends: what comes before the first of them is told, as soon as that is certain.
///
/// The end of a piece that may be the beginning of a stop word is held back, however many pieces the word comes in. Of
/// two stop words the one that is complete first counts, of two that end together the longer one.
public struct StopWords: Sendable {
    private let words: [[UInt8]]
    /// What may be the beginning of a stop word.
    private var held: [UInt8] = []
    /// Whether the text is at its end: nothing more is told.
    public private(set) var isReached = false

    /// - Parameter words: none of them empty.
    public init(_ words: [String]) {
        precondition(words.allSatisfy { !$0.isEmpty }, "an empty text stops everything")
        self.words = words.map { Array($0.utf8) }
    }

    public var isEmpty: Bool { words.isEmpty }

    /// What is certain to stand before any stop word, of what was held back and a piece more.
    public mutating func next(_ piece: String) -> String {
        if isReached { return "" }
        if words.isEmpty { return piece }
        for byte in piece.utf8 {
            held.append(byte)
            let found = words.filter { held.count >= $0.count && held.suffix($0.count).elementsEqual($0) }
            guard let word = found.max(by: { $0.count < $1.count }) else { continue }
            isReached = true
            held.removeLast(word.count)
            return rest()
        }
        let longest = min(held.count, words.map(\.count).max()! - 1)
        let kept = (0...longest).last { count in
            words.contains { $0.count > count && $0.starts(with: held.suffix(count)) }
        }!
        defer { held.removeFirst(held.count - kept) }
        // A stop word begins with a whole character, so what stands before it ends with one.
        return String(decoding: held.dropLast(kept), as: UTF8.self)
    }

    /// What was held back: no more follows.
    public mutating func rest() -> String {
        defer { held = [] }
        return String(decoding: held, as: UTF8.self)
    }
}
