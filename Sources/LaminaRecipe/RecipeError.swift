/// Why a recipe was refused: file, line, column, and one line that says what, got, wanted and what to do.
public struct RecipeError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What the command makes an exit code of.
    public enum Kind: Sendable {
        /// The recipe is wrong.
        case recipe
        /// The recipe may be right, but a plugin that it needs is not installed or cannot run here.
        case missingPlugin
    }

    public let kind: Kind
    /// The recipe's path as it was given, or the override ("--set train.epochs=x") that holds the fault.
    public let file: String
    /// Both count from 1, columns in characters; nil when the fault has no place in a text.
    public let line: Int?
    public let column: Int?
    /// What is wrong, without the place.
    public let message: String

    public init(_ kind: Kind = .recipe, file: String, line: Int? = nil, column: Int? = nil, _ message: String) {
        self.kind = kind
        self.file = Self.line(file)
        self.line = line
        self.column = column
        self.message = Self.line(message)
    }

    /// What stands in a recipe may hold line feeds and control codes of terminals; an error is one line.
    private static func line(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? " " : $0 }))
    }

    /// "recipe.yaml:14:7: …"
    public var description: String {
        if let line, let column { return "\(file):\(line):\(column): \(message)" }
        return "\(file): \(message)"
    }
}
