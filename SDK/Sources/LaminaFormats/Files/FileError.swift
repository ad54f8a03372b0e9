import Glibc

/// A file operation that the system refused: which call, on which path, and its reason.
public struct FileError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What was attempted, as a verb: "open", "write".
    public let operation: String
    public let path: String
    /// The system's error number, or 0 when the refusal is ours.
    public let code: Int32
    /// The reason in words.
    public let reason: String

    /// The error that `errno` (or `code`) stands for.
    public init(_ operation: String, _ path: String, code: Int32 = errno) {
        self.operation = operation
        self.path = path
        self.code = code
        reason = String(cString: strerror(code))
    }

    /// A refusal of our own.
    public init(_ operation: String, _ path: String, reason: String) {
        self.operation = operation
        self.path = path
        self.code = 0
        self.reason = reason
    }

    public var description: String { "cannot \(operation) '\(path)': \(reason)" }
}
