import LaminaArchive
import LaminaFormats
import LaminaGraph
import LaminaHost
import LaminaRecipe
import LaminaTraining

/// Any failure of the library: one line for people, and a kind from which the command makes its exit code.
public struct LaminaError: Error, Sendable, CustomStringConvertible {
    public enum Kind: Int32, Sendable {
        case `internal` = 1
        case usage = 2
        case recipe = 3
        case data = 4
        case plugin = 5
        case archive = 6
        case diverged = 7
        case verification = 8

        /// The exit code of the `lamina` command.
        public var exitCode: Int32 { rawValue }
    }

    public let kind: Kind
    public let text: String

    public init(_ kind: Kind, _ text: String) {
        self.kind = kind
        self.text = text
    }

    public var description: String { text }

    /// Sorts the error of any part of Lamina.
    public init(_ error: any Error) {
        switch error {
        case let error as LaminaError: self = error
        case let error as RecipeError: self.init(error.kind == .missingPlugin ? .plugin : .recipe, error.description)
        case let error as ArchiveError: self.init(.archive, error.description)
        case let error as TrainingError: self.init(Self.kind(error.kind), error.text)
        case let error as GraphError: self.init(Self.kind(error.kind), error.text)
        case let error as HostError: self.init(Self.kind(TrainingError(error).kind), error.description)
        case let error as FileError: self.init(.data, error.description)
        case let error as SafetensorsError: self.init(.data, error.description)
        case let error as JSONError: self.init(.data, error.description)
        default: self.init(.internal, "\(error)")
        }
    }

    private static func kind(_ kind: TrainingError.Kind) -> Kind {
        switch kind {
        case .recipe: .recipe
        case .plugin: .plugin
        case .data: .data
        case .diverged: .diverged
        // Only training has something to go on with.
        case .interrupted, .internal: .internal
        }
    }

    private static func kind(_ kind: GraphError.Kind) -> Kind {
        switch kind {
        case .graph, .unsupported: .recipe
        case .plugin: .plugin
        case .data: .data
        // Only training has something to go on with.
        case .internal, .memory, .cancelled: .internal
        }
    }

    /// The same error as one of a file.
    func of(_ path: String) -> LaminaError { text.hasPrefix(path) ? self : LaminaError(kind, "\(path): \(text)") }

    /// The same error as part of an archive: a graph that contradicts itself is then the archive's fault.
    func inArchive(_ path: String) -> LaminaError {
        LaminaError(kind == .recipe || kind == .data ? .archive : kind, text).of(path)
    }

    /// What only a mistake of a component can have brought about.
    static func bug(of id: String, _ text: String) -> LaminaError {
        LaminaError(.internal, "\(id): \(text) (a bug of the plugin)")
    }
}

/// Runs `body` and sorts whatever it throws.
func sorted<Value>(_ body: () throws -> Value) throws(LaminaError) -> Value {
    do {
        return try body()
    } catch {
        throw LaminaError(error)
    }
}
