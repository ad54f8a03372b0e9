import Foundation
import LaminaFormats
import Testing

@testable import LaminaArchive

@Suite("Archive: zipped again by another program")
struct TolerantTests {
    /// The sample as a common zip program would pack it: folders, time stamps, deflate, descriptors, no alignment.
    static func rezipped() throws -> ZipForge {
        var forge = try Sample.forge()
        for index in forge.entries.indices {
            forge.entries[index].date = 0x5A21
            forge.entries[index].time = 0x6000
            forge.entries[index].localExtra = u16(0x5455) + u16(5) + [1, 0, 0, 0, 0]
            if !String(decoding: forge.entries[index].name, as: UTF8.self).hasSuffix(".safetensors") {
                let content = forge.entries[index].data
                forge.entries[index].deflate(content, stream: ZipForge.deflateStored(content))
                forge.entries[index].version = 20
            }
        }
        let entry = forge[EntryName.readme]
        forge[EntryName.readme].flags = 8
        forge[EntryName.readme].localChange = { ($0.crc, $0.size, $0.compressedSize) = (0, 0, 0) }
        forge[EntryName.readme].after = u32(entry.crc) + u32(entry.compressedSize) + u32(entry.size)
        for folder in ["assets/", "selftest/0/", "selftest/", "weights/"] {
            var entry = ZipForge.Entry(folder, [])
            entry.externalAttributes = 0o040755 << 16 | 0x10
            forge.entries.insert(entry, at: 0)
        }
        forge.entries.reverse()
        return forge
    }

    @Test("opens with tolerant, says so, and has the same content, aligned")
    func opens() throws {
        let forge = try Self.rezipped()
        let refused = try #require(try Sample.fault(forge.bytes))
        #expect(
            refused.message.hasSuffix(
                "this is a zip file but not in Lamina's form, perhaps packed again: open it with --tolerant"))
        try TemporaryFolder.with { folder in
            try Sample.write(forge.bytes, to: folder + "/a")
            let archive = try Archive.open(folder + "/a", tolerant: true)
            #expect(!archive.isCanonical)
            try archive.verify()
            for entry in try Sample.forge().entries {
                let bytes = try archive.entry(String(decoding: entry.name, as: UTF8.self))
                #expect(bytes.elementsEqual(entry.data))
                #expect(Int(bitPattern: bytes.baseAddress) % 64 == 0)
            }
            #expect(
                try archive.tensors(EntryName.weights).bytes("fc.bias")?.bindMemory(to: Float.self).elementsEqual([
                    4, 5,
                ]) == true)
        }
    }

    @Test("a canonical archive opened with tolerant is still canonical")
    func canonical() throws {
        try TemporaryFolder.with { folder in
            try Sample.write(Sample.bytes(), to: folder + "/a")
            #expect(try Archive.open(folder + "/a", tolerant: true).isCanonical)
        }
    }

    @Test("an entry that declares 10 bytes and inflates to 200 MB costs 10 bytes")
    func bomb() throws {
        var forge = try Self.rezipped()
        forge["assets/notes.txt"].data = ZipForge.deflateZeros(200_000_000)
        forge["assets/notes.txt"].compressedSize = UInt32(forge["assets/notes.txt"].data.count)
        forge["assets/notes.txt"].size = 10
        let error = try #require(try Sample.fault(forge.bytes, tolerant: true))
        #expect(error.kind == .content && error.place == "assets/notes.txt")
        #expect(error.message == "inflates to more than its 10 bytes, or is damaged")
    }

    @Test("what inflates to more than the limit is refused before anything is allocated")
    func limit() throws {
        var forge = try Self.rezipped()
        forge["assets/notes.txt"].size = UInt32(Archive.inflatedLimit)
        let error = try #require(try Sample.fault(forge.bytes, tolerant: true))
        #expect(error.kind == .limit, "\(error)")
    }

    @Test("deflated data that are damaged, short, or of another content")
    func damage() throws {
        var forge = try Self.rezipped()
        forge["assets/notes.txt"].size += 1
        #expect(
            try Sample.fault(forge.bytes, tolerant: true)?.message
                == "inflates to fewer than its 12 bytes, or is damaged")
        forge = try Self.rezipped()
        forge["assets/notes.txt"].data[0] = 7
        #expect(try Sample.fault(forge.bytes, tolerant: true)?.kind == .content)
        forge = try Self.rezipped()
        forge["assets/notes.txt"].crc ^= 1
        #expect(try Sample.fault(forge.bytes, tolerant: true)?.kind == .content)
        forge = try Self.rezipped()
        let evil = Array("evil notes\n".utf8)
        forge["assets/notes.txt"].deflate(evil, stream: ZipForge.deflateStored(evil))
        #expect(try Sample.fault(forge.bytes, tolerant: true)?.message.hasPrefix("the SHA-256") == true)
    }
}
