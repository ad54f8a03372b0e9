/// Where a value of a recipe was written: a line and column of the file, or an override of the command line.
///
/// Two places are always equal: a recipe that is laid out differently is still the same recipe.
public struct Place: Sendable, Equatable {
    /// Both count from 1, columns in characters.
    public var line: Int
    public var column: Int
    /// The argument of `--set` that gave the value; nil: it stands in the file.
    public var override: String?

    public init(line: Int, column: Int, override: String? = nil) {
        self.line = line
        self.column = column
        self.override = override
    }

    public static func == (left: Place, right: Place) -> Bool { true }

    /// An error at this place of `file`.
    func error(_ message: String, in file: String, kind: RecipeError.Kind = .recipe) -> RecipeError {
        if let override { return RecipeError(kind, file: "--set " + override, message) }
        return RecipeError(kind, file: file, line: line, column: column, message)
    }
}
