/// The text of a growing list of tokens, piece by piece, as soon as a piece is certain.
///
/// A piece is what the latest tokens add to the text of those before them, in bytes: a mark that changes the character
/// before it is a piece, too. Tokens that end within a character wait for the rest of it, which ends in U+FFFD until then.
public struct RunningText: Sendable {
    /// Tokens before `first` are told and no longer needed; those before `told` are told, and say how the next go on.
    private var first = 0
    private var told = 0

    public init() {}

    /// - Parameters:
    ///   - tokens: those of the call before and more.
    ///   - isWhole: no more follow, so that nothing waits.
    public mutating func next(
        _ tokens: ArraySlice<Int64>, isWhole: Bool, decode: ([Int64]) throws -> String
    ) throws -> String {
        let begin = tokens.startIndex
        let before = try decode(Array(tokens[begin + first..<begin + told]))
        let now = try decode(Array(tokens[(begin + first)...]))
        guard isWhole || now.unicodeScalars.last != "\u{FFFD}", now.utf8.count > before.utf8.count else { return "" }
        (first, told) = (told, tokens.count)
        return String(decoding: now.utf8.dropFirst(before.utf8.count), as: UTF8.self)
    }
}
