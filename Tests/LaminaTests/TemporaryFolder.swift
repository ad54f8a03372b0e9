import Foundation

/// A folder that goes away with its last reference.
final class TemporaryFolder: Sendable {
    /// With a slash at its end.
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "lamina-tests-\(UUID().uuidString)/"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
