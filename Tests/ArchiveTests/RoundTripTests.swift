import Foundation
import LaminaFormats
import Testing

@testable import LaminaArchive

@Suite("Archive: writing and reading back")
struct RoundTripTests {
    @Test("everything that was written is read back")
    func roundTrip() throws {
        try TemporaryFolder.with { folder in
            let path = folder + "/sample.lamina"
            try Sample.withWriter { try $0.write(to: path) }
            let archive = try Archive.open(path)
            #expect(
                archive.names == [
                    "format.json", "manifest.json", "graph.json", "weights/model.safetensors", "assets/notes.txt",
                    "selftest/0/case.json", "selftest/0/inputs.safetensors", "selftest/0/outputs.safetensors",
                    "README.md",
                ])
            #expect(archive.isCanonical)
            #expect(archive.format == ArchiveFormat())
            var manifest = archive.manifest
            #expect(manifest.files.map(\.path) == archive.names.filter { $0 != "manifest.json" })
            manifest.files = []
            #expect(manifest == Sample.manifest)
            #expect(try archive.json(EntryName.graph) == Sample.graph)
            #expect(try archive.text(EntryName.readme) == "# Sample\n")
            #expect(archive.contains("README.md") && !archive.contains("LICENSE"))

            let weights = try archive.tensors(EntryName.weights)
            #expect(weights.tensors.map(\.name) == ["fc.weight", "fc.bias"])
            #expect(weights.bytes("fc.bias")?.bindMemory(to: Float.self).elementsEqual([4, 5]) == true)
            let tests = try archive.selfTests()
            #expect(tests.count == 1 && tests[0].seed == 7 && tests[0].number == 0)
            #expect(tests[0].tolerance == .init(absolute: 1e-6, relative: 1e-5))
            #expect(tests[0].inputs.tensor("image")?.shape == [1, 2])
            #expect(tests[0].outputs.tensor("fc")?.shape == [1, 2])
            for name in archive.names {
                #expect(Int(bitPattern: try archive.entry(name).baseAddress) % 64 == 0, "\(name)")
            }
            try archive.verify()
        }
    }

    @Test("tensors keep the archive alive")
    func lifetime() throws {
        try TemporaryFolder.with { folder in
            let path = folder + "/sample.lamina"
            try Sample.withWriter { try $0.write(to: path) }
            let weights = try Archive.open(path).tensors(EntryName.weights)
            try FileManager.default.removeItem(atPath: path)
            #expect(weights.bytes("fc.weight")?.bindMemory(to: Float.self).elementsEqual([0, 1, 2, 3]) == true)
        }
    }

    @Test("the bytes are reproducible, and exactly the canonical form")
    func canonicalBytes() throws {
        let bytes = try Sample.bytes()
        #expect(try Sample.bytes() == bytes)
        // An independent writer of the documented form makes the same file.
        #expect(try Sample.forge().bytes == bytes)
    }

    @Test("the order of the calls does not matter")
    func order() throws {
        func bytes(_ names: [String]) throws -> [UInt8] {
            try Sample.bytes { writer in
                for name in names { try writer.add(name, .text(name)) }
            }
        }
        #expect(
            try bytes(["assets/a.txt", "LICENSE", "plugins/x/y/lib.so"])
                == bytes(["plugins/x/y/lib.so", "assets/a.txt", "LICENSE"]))
    }

    @Test("entries from files and streams, empty and large; signatures are not listed")
    func contents() throws {
        try TemporaryFolder.with { folder in
            let large = (0..<700_001).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            try Sample.write(large, to: folder + "/large")
            let path = folder + "/a.lamina"
            try Sample.withWriter { writer in
                try writer.add("assets/file.bin", .file(folder + "/large"))
                try writer.add("assets/empty.bin", .bytes([]))
                try writer.add("signatures/me.json", .json(["key": "k"]))
                try writer.add(
                    "assets/stream.bin",
                    .stream(size: large.count) {
                        var position = 0
                        return { buffer in
                            let count = min(buffer.count, 1000, large.count - position)
                            buffer.copyBytes(from: large[position..<position + count])
                            position += count
                            return count
                        }
                    })
                try writer.write(to: path)
            }
            let archive = try Archive.open(path)
            try archive.verify()
            #expect(try archive.entry("assets/file.bin").elementsEqual(large))
            #expect(try archive.entry("assets/stream.bin").elementsEqual(large))
            #expect(try archive.entry("assets/empty.bin").isEmpty)
            #expect(archive.manifest.files.contains { $0.path == "assets/empty.bin" })
            #expect(!archive.manifest.files.contains { $0.path == "signatures/me.json" })
        }
    }

    @Test("many entries of every small size are all aligned")
    func alignment() throws {
        let bytes = try Sample.bytes { writer in
            for size in 0..<130 {
                try writer.add(
                    "assets/" + String(repeating: "n", count: 1 + size % 70) + "\(size)",
                    .bytes(Array(repeating: 1, count: size)))
            }
        }
        #expect(try Sample.fault(bytes, verify: true) == nil)
    }

    @Test("what the writer refuses")
    func refusals() throws {
        func error(_ body: (inout ArchiveWriter) throws -> Void) throws -> ArchiveError {
            try TemporaryFolder.with { folder in
                try #require(throws: ArchiveError.self) {
                    try Sample.withWriter { writer in
                        try body(&writer)
                        try writer.write(to: folder + "/a.lamina")
                    }
                }
            }
        }
        #expect(try error { try $0.add("../x", .text("")) }.kind == .name)
        #expect(try error { try $0.add("assets/Ä", .text("")) }.kind == .name)
        #expect(try error { try $0.add("graph.json", .text("")) }.message == "the entry was added already")
        #expect(try error { try $0.add("manifest.json", .text("")) }.kind == .name)
        #expect(
            try error { try $0.add("assets/notes.txt/x", .text("")) }.message
                == "the entry is also a folder of other entries")
        #expect(
            try error { $0.manifest.model.name = "a\u{1B}[2J" }.description.hasSuffix(
                "model.name: the text has the control character U+1B"))
        #expect(try error { try $0.add("assets/bad.json", .text("{")) }.kind == .manifest)
        #expect(try error { try $0.add("assets/bad.safetensors", .text("{")) }.kind == .content)
        #expect(try error { $0.manifest.tied = [.init(tensor: "a", source: "none")] }.kind == .content)
        #expect(
            try error { $0.manifest.training = ["x": .string(String(repeating: "x", count: 5 << 20))] }.kind == .limit)
        #expect(
            try error { try $0.add("assets/s", .stream(size: 5) { { _ in 0 } }) }.message.contains("announced 5 bytes"))
        #expect(
            try error { try $0.add("assets/s", .stream(size: 5) { { $0.count } }) }.message.contains("delivered more"))
        let empty = ArchiveWriter(manifest: Sample.manifest)
        #expect(throws: ArchiveError.self) { try empty.write(to: "/tmp/never.lamina") }
    }

    @Test("a stream that differs the second time is found before the target is replaced")
    func changingStream() throws {
        try TemporaryFolder.with { folder in
            var round: UInt8 = 0
            let error = try #require(throws: ArchiveError.self) {
                try Sample.withWriter { writer in
                    try writer.add(
                        "assets/s",
                        .stream(size: 3) {
                            round += 1
                            var left = 3
                            return { buffer in
                                guard left > 0 else { return 0 }
                                left -= 1
                                buffer[0] = round
                                return 1
                            }
                        })
                    try writer.write(to: folder + "/a.lamina")
                }
            }
            #expect(error.kind == .content && error.place == "assets/s")
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
        }
    }

    @Test("a reader's own error comes through")
    func readerError() throws {
        struct Broken: Error {}
        try TemporaryFolder.with { folder in
            var rounds = 0
            #expect(throws: Broken.self) {
                try Sample.withWriter { writer in
                    try writer.add(
                        "assets/s",
                        .stream(size: 1) {
                            rounds += 1
                            if rounds == 2 { throw Broken() }
                            var left = 1
                            return { _ in
                                defer { left = 0 }
                                return left
                            }
                        })
                    try writer.write(to: folder + "/a.lamina")
                }
            }
            #expect(rounds == 2)
        }
    }

    @Test("CRC-32 equals the bitwise reference for all short lengths and offsets")
    func crc() {
        let bytes = (0..<100).map { UInt8(truncatingIfNeeded: $0 &* 89 &+ 3) }
        for start in 0..<8 {
            for end in start..<bytes.count {
                let part = Array(bytes[start..<end])
                bytes.withUnsafeBytes { all in
                    #expect(CRC32.checksum(UnsafeRawBufferPointer(rebasing: all[start..<end])) == ZipForge.crc(part))
                }
            }
        }
        Array("123456789".utf8).withUnsafeBytes { #expect(CRC32.checksum($0) == 0xCBF4_3926) }
    }
}
