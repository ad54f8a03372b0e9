import Foundation
import LaminaFormats

@testable import LaminaArchive

/// A small but complete archive, and what tests do with archives.
enum Sample {
    static let graph: JSON = [
        "nodes": [["name": "fc", "component": "x.affine", "inputs": ["image"]]], "outputs": ["fc"],
    ]

    static var manifest: Manifest {
        var manifest = Manifest(
            model: .init(name: "sample", version: "1.0.0", parameters: 6, dtypes: [.f32], licence: "Apache-2.0"))
        manifest.plugins = [
            .init(
                id: "x", versions: VersionRange(compatibleWith: SemanticVersion(1, 2, 0)), abi: ABIVersion(1, 0),
                components: [.init(kind: "layer", name: "x.affine", version: 1)], source: "https://example.org/x")
        ]
        manifest.signature = .init(
            inputs: [.init(name: "image", dtype: .f32, shape: [.symbol("N"), .fixed(2)], meaning: "two numbers")],
            outputs: [.init(name: "fc", dtype: .f32, shape: [.symbol("N"), .fixed(2)])])
        manifest.preprocess = .init(
            decode: ["channels": 1], steps: [.init(component: "x.scale", attributes: ["factor": 0.5])])
        manifest.labels = ["zero", "eins für alle"]
        manifest.training = ["seed": 1, "metrics": ["accuracy": 0.5], "recipe": ["lamina": 1]]
        return manifest
    }

    /// Calls `body` with a writer that holds everything; the tensors' bytes live as long as `body` runs.
    static func withWriter<R>(_ body: (inout ArchiveWriter) throws -> R) throws -> R {
        let values = (0..<6).map { Float($0) }
        return try values.withUnsafeBytes { bytes in
            var writer = ArchiveWriter(manifest: manifest)
            try writer.add(EntryName.graph, .json(graph))
            try writer.add(
                EntryName.weights,
                .tensors([
                    .init(
                        name: "fc.weight", dtype: .f32, shape: [2, 2],
                        bytes: UnsafeRawBufferPointer(rebasing: bytes[..<16])),
                    .init(
                        name: "fc.bias", dtype: .f32, shape: [2], bytes: UnsafeRawBufferPointer(rebasing: bytes[16...])),
                ]))
            try writer.add(EntryName.readme, .text("# Sample\n"))
            try writer.add("assets/notes.txt", .text("some notes\n"))
            let pair = UnsafeRawBufferPointer(rebasing: bytes[..<8])
            try writer.addSelfTest(
                inputs: [.init(name: "image", dtype: .f32, shape: [1, 2], bytes: pair)],
                outputs: [.init(name: "fc", dtype: .f32, shape: [1, 2], bytes: pair)],
                tolerance: .init(absolute: 1e-6, relative: 1e-5), seed: 7)
            return try body(&writer)
        }
    }

    /// The plain sample, made once: each save flushes to the disk, and hundreds of attacks begin with it.
    private static let plain = Result { try makeForge { _ in } }

    /// The bytes of the archive that `change` may have altered before it is written.
    static func bytes(_ change: (inout ArchiveWriter) throws -> Void = { _ in }) throws -> [UInt8] {
        try TemporaryFolder.with { folder in
            try withWriter { writer in
                try change(&writer)
                try writer.write(to: folder + "/sample.lamina")
            }
            return try read(folder + "/sample.lamina")
        }
    }

    /// The entries of the plain sample, in order, to be forged anew.
    static func forge() throws -> ZipForge { try plain.get() }

    /// The entries of the archive that `change` has altered before it was written.
    static func forge(_ change: (inout ArchiveWriter) throws -> Void) throws -> ZipForge { try makeForge(change) }

    private static func makeForge(_ change: (inout ArchiveWriter) throws -> Void) throws -> ZipForge {
        try TemporaryFolder.with { folder in
            let path = folder + "/sample.lamina"
            try withWriter { writer in
                try change(&writer)
                try writer.write(to: path)
            }
            let archive = try Archive.open(path)
            return ZipForge(try archive.names.map { ($0, Array(try archive.entry($0))) })
        }
    }

    static func read(_ path: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(fileURLWithPath: path))) }

    static func write(_ bytes: [UInt8], to path: String) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: path))
    }

    /// Opens bytes as an archive, verifies it, and returns the error, or nil.
    static func fault(_ bytes: [UInt8], tolerant: Bool = false, verify: Bool = false) throws -> ArchiveError? {
        try TemporaryFolder.with { (folder: String) -> ArchiveError? in
            let path = folder + "/a.lamina"
            try write(bytes, to: path)
            do {
                let archive = try Archive.open(path, tolerant: tolerant)
                if verify { try archive.verify() }
                return nil
            } catch let error as ArchiveError {
                return error
            }
        }
    }
}

enum TemporaryFolder {
    /// Runs `body` with the path of a new folder, which is removed afterwards.
    static func with<R>(_ body: (String) throws -> R) throws -> R {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("lamina-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: url) }
        return try body(url.path)
    }
}
