import Crypto
import Foundation
import LaminaFormats
import Testing

@testable import LaminaArchive

func sha256(_ bytes: [UInt8]) -> String { SHA256.hash(data: bytes).map { String(format: "%02x", $0) }.joined() }

@Suite("Archive: attacks on the content")
struct ContentAttackTests {
    /// Replaces an entry and what the manifest says about it, so that only its content can be at fault.
    static func forge(_ name: String, _ content: [UInt8]) throws -> ZipForge {
        var forge = try Sample.forge()
        let old = forge[name].data
        forge.replace(name, content)
        forge.replace(EntryName.manifest, sha256(old), with: sha256(content))
        let line = #""path": "\#(name)""#
        var text = String(decoding: forge[EntryName.manifest].data, as: UTF8.self)
        let place = try #require(text.range(of: line)?.upperBound)
        let size = try #require(text.range(of: "\"size\": \(old.count)", range: place..<text.endIndex))
        text.replaceSubrange(size, with: "\"size\": \(content.count)")
        forge.replace(EntryName.manifest, Array(text.utf8))
        return forge
    }

    @Test("a replaced entry with a right CRC is found by its hash")
    func hashMismatch() throws {
        var forge = try Sample.forge()
        forge.replace("assets/notes.txt", Array("evil notes\n".utf8))
        let error = try #require(try Sample.fault(forge.bytes))
        #expect(error.kind == .content && error.place == "assets/notes.txt")
        #expect(
            error.message.hasPrefix(
                "the SHA-256 is \(sha256(Array("evil notes\n".utf8))), the manifest says \(sha256(Array("some notes\n".utf8)));"
            ))
    }

    @Test("a wrong CRC with the right hash is found too")
    func crcMismatch() throws {
        var forge = try Sample.forge()
        forge["assets/notes.txt"].crc ^= 1
        #expect(try Sample.fault(forge.bytes)?.message.hasPrefix("the CRC is ") == true)
        // The manifest is in no hash list, so its CRC is what tells damage.
        forge = try Sample.forge()
        forge[EntryName.manifest].crc ^= 1
        #expect(try Sample.fault(forge.bytes)?.place == EntryName.manifest)
    }

    @Test("large entries are hashed by verify, not at open")
    func largeEntry() throws {
        let large = [UInt8](repeating: 3, count: Archive.hashedAtOpen + 1)
        var forge = try Sample.forge { try $0.add("assets/large.bin", .bytes(large)) }
        #expect(try Sample.fault(forge.bytes, verify: true) == nil)
        var changed = large
        changed[1000] = 4
        forge.replace("assets/large.bin", changed)
        #expect(try Sample.fault(forge.bytes) == nil)
        let error = try #require(try Sample.fault(forge.bytes, verify: true))
        #expect(error.kind == .content && error.place == "assets/large.bin" && error.message.hasPrefix("the SHA-256"))
        forge["assets/large.bin"].crc ^= 1
        #expect(try Sample.fault(forge.bytes, verify: true)?.message.hasPrefix("the CRC") == true)
    }

    @Test("the manifest lists exactly the entries")
    func listing() throws {
        var forge = try Sample.forge()
        forge.entries.insert(.init("assets/a.txt", [65]), at: forge.position("assets/notes.txt"))
        #expect(
            try Sample.fault(forge.bytes)?.description.hasSuffix(
                "assets/a.txt: the entry is not listed in the manifest") == true)

        forge = try Sample.forge()
        forge.entries.remove(at: forge.position("assets/notes.txt"))
        #expect(
            try Sample.fault(forge.bytes)?.description.hasSuffix(
                "assets/notes.txt: the manifest lists the entry, but the archive does not have it") == true)

        forge = try Sample.forge()
        forge.replace("assets/notes.txt", Array("some notes".utf8))
        #expect(try Sample.fault(forge.bytes)?.message == "the entry has 10 bytes, the manifest says 11")

        forge = try Sample.forge()
        forge.replace(EntryName.manifest, "assets/notes.txt", with: "graph.json")
        #expect(try Sample.fault(forge.bytes)?.kind == .manifest)
    }

    @Test("what every archive has", arguments: [EntryName.format, EntryName.manifest, EntryName.graph])
    func required(name: String) throws {
        var forge = try Sample.forge()
        forge.entries.remove(at: forge.position(name))
        let error = try #require(try Sample.fault(forge.bytes))
        #expect(error.kind == .missing && error.message.contains(name))
    }

    @Test(
        "a graph nested deeper than 64 levels, or with a key twice, is refused when it is read",
        arguments: [
            String(repeating: "[", count: 65) + String(repeating: "]", count: 65), #"{"nodes":[],"nodes":[]}"#,
            #"{"nodes":[],"n\u006fdes":[]}"#, "{", "",
        ])
    func graph(text: String) throws {
        let forge = try Self.forge(EntryName.graph, Array(text.utf8))
        try TemporaryFolder.with { folder in
            try Sample.write(forge.bytes, to: folder + "/a")
            let archive = try Archive.open(folder + "/a")
            let error = try #require(throws: ArchiveError.self) { try archive.json(EntryName.graph) }
            #expect(error.place == EntryName.graph)
            #expect(throws: ArchiveError.self) { try archive.verify() }
        }
    }

    @Test(
        "tensors of an archive are checked like any safetensors file",
        arguments: [
            #"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}}"#,
            #"{"a":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}}"#,
            #"{"a":{"dtype":"F9","shape":[8],"data_offsets":[0,8]}}"#,
            #"{"a":{"dtype":"F64","shape":[2305843009213693953],"data_offsets":[0,8]}}"#,
        ])
    func tensors(header: String) throws {
        let content = u64(UInt64(header.utf8.count)) + Array(header.utf8) + Array(repeating: 0, count: 8)
        let forge = try Self.forge(EntryName.weights, content)
        let error = try #require(try Sample.fault(forge.bytes, verify: true))
        #expect(error.kind == .content && error.place == EntryName.weights)
    }

    @Test(
        "self-tests: form and names",
        arguments: [
            (#"{"tolerance":{"absolute":-1,"relative":0},"seed":1}"#, "tolerance: tolerances are 0 or more"),
            (#"{"tolerance":{"absolute":1},"seed":1}"#, #"tolerance: the key "relative" is missing"#),
            (
                #"{"tolerance":{"absolute":1,"relative":1},"seed":1,"command":"rm"}"#,
                #"unknown key "command"; known are 'tolerance', 'seed'"#
            ),
        ])
    func selfTest(text: String, message: String) throws {
        let forge = try Self.forge("selftest/0/case.json", Array(text.utf8))
        #expect(try Sample.fault(forge.bytes, verify: true)?.message == message)
    }

    @Test(
        "self-tests that are incomplete or called otherwise",
        arguments: ["selftest/0/extra.bin", "selftest/x/case.json", "selftest/01/case.json", "selftest/1/case.json"])
    func selfTestNames(name: String) throws {
        try TemporaryFolder.with { folder in
            _ = #expect(throws: ArchiveError.self) {
                try Sample.withWriter { writer in
                    try writer.add(name, .text(#"{"tolerance":{"absolute":1,"relative":1},"seed":1}"#))
                    try writer.write(to: folder + "/a")
                }
            }
        }
    }

    @Test("tied weights name a tensor that is there, and have none of their own")
    func tied() throws {
        #expect(
            try Sample.fault(
                Sample.bytes { $0.manifest.tied = [.init(tensor: "head", source: "fc.bias")] }, verify: true) == nil)
        var forge = try Sample.forge()
        forge.replace(
            EntryName.manifest, #""tied": []"#, with: #""tied": [{"tensor": "fc.weight", "source": "fc.bias"}]"#)
        #expect(try Sample.fault(forge.bytes) == nil)
        #expect(
            try Sample.fault(forge.bytes, verify: true)?.message == "the tied tensor 'fc.weight' has values of its own")
    }

    @Test("asking for what is not there, or is no text")
    func access() throws {
        try TemporaryFolder.with { folder in
            try Sample.withWriter { writer in
                try writer.add("assets/bytes.txt", .bytes([0xFF]))
                try writer.write(to: folder + "/a")
            }
            let archive = try Archive.open(folder + "/a")
            #expect(try #require(throws: ArchiveError.self) { try archive.entry("assets/none") }.kind == .missing)
            #expect(throws: ArchiveError.self) { try archive.text("assets/bytes.txt") }
            #expect(throws: ArchiveError.self) { try archive.tensors("README.md") }
            #expect(throws: ArchiveError.self) { try archive.json("README.md") }
        }
    }
}
