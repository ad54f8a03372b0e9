import Foundation
import Testing

/// A temporary folder that goes away with its last reference, and the command run in it.
final class Folder: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "lamina-e2e-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func path(_ name: String) -> String { path + "/" + name }
    func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }
    func data(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path(name))) }
    func bytes(_ name: String) throws -> [UInt8] { [UInt8](try data(name)) }
    func text(_ name: String) throws -> String { String(decoding: try data(name), as: UTF8.self) }

    func write(_ data: Data, _ name: String) throws { try data.write(to: URL(fileURLWithPath: path(name))) }
    func write(_ bytes: [UInt8], _ name: String) throws { try write(Data(bytes), name) }
    func write(_ text: String, _ name: String) throws { try write(Data(text.utf8), name) }

    /// Runs `lamina` with these arguments in this folder.
    func lamina(_ arguments: String..., input: Data? = nil) throws -> Outcome {
        try Command.find().run(arguments, in: path, input: input)
    }

    func lamina(_ arguments: [String]) throws -> Outcome { try Command.find().run(arguments, in: path) }

    func start(_ arguments: String...) throws -> RunningCommand { try Command.find().start(arguments, in: path) }
}
