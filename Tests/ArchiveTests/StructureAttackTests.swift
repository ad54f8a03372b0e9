import Foundation
import LaminaFormats
import Testing

@testable import LaminaArchive

@Suite("Archive: attacks on the structure")
struct StructureAttackTests {
    struct Attack: Sendable, CustomTestStringConvertible {
        let name: String
        let kind: ArchiveError.Kind
        /// Whether `tolerant` accepts it: only what another zip program does without harm.
        var isTolerated = false
        let make: @Sendable (inout ZipForge) -> Void
        var testDescription: String { name }
    }

    static let attacks: [Attack] = [
        // Places
        Attack(name: "data before the first entry", kind: .notAnArchive) { $0.prefix = Array("#!/bin/sh\n".utf8) },
        Attack(name: "zero bytes before the first entry", kind: .notAnArchive) { $0.prefix = [0, 0, 0, 0] },
        Attack(name: "a whole zip before", kind: .structure) { $0.prefix = $0.bytes },
        Attack(name: "a whole zip before, offsets relative", kind: .structure) { forge in
            let first = forge.bytes
            forge.trailing = first
        },
        Attack(name: "two end records", kind: .structure) { $0.trailing = Array($0.bytes.suffix(22)) },
        Attack(name: "trailing byte", kind: .structure) { $0.trailing = [0] },
        Attack(name: "archive comment", kind: .structure) { $0.comment = Array("hello".utf8) },
        Attack(name: "archive comment that is an end record", kind: .structure) {
            $0.comment = Array($0.bytes.suffix(22))
        },
        Attack(name: "gap between entries", kind: .structure) { $0.entries[1].after = [0] },
        Attack(name: "gap before the directory", kind: .structure) { $0.beforeDirectory = [1, 2, 3] },
        Attack(name: "gap before the end record", kind: .structure) { $0.beforeEnd = [1, 2, 3] },
        Attack(name: "hidden local entry in the middle", kind: .structure) { $0.entries[4].isListed = false },
        Attack(name: "hidden local entry at the end", kind: .structure) {
            $0.entries[$0.entries.count - 1].isListed = false
        },
        Attack(name: "overlap: two records for one entry", kind: .structure) { forge in
            forge[EntryName.readme].offset = 0
        },
        Attack(name: "an entry's offset beyond the directory", kind: .structure) {
            $0[EntryName.readme].offset = 0xFFFF_FFF0
        },
        Attack(name: "directory out of order", kind: .structure, isTolerated: true) {
            $0.directoryOrder = Array($0.entries.indices.reversed())
        },
        Attack(name: "entries out of order", kind: .structure, isTolerated: true) { $0.entries.swapAt(3, 5) },
        Attack(name: "an entry twice", kind: .structure) { $0.entries.insert($0.entries[4], at: 4) },
        Attack(name: "more records than counted", kind: .structure) { $0.count = $0.entries.count - 1 },
        Attack(name: "fewer records than counted", kind: .structure) { $0.count = $0.entries.count + 1 },
        Attack(name: "65,534 entries counted", kind: .limit) { $0.count = 65_534 },
        Attack(name: "directory size wrong", kind: .structure) { $0.directorySize = 46 },
        Attack(name: "directory offset wrong", kind: .structure) { $0.directoryOffset = 0 },
        Attack(name: "directory beyond the file", kind: .structure) { $0.directoryOffset = 0x7FFF_FFFF },
        Attack(name: "several disks", kind: .structure) { $0.disk = 1 },
        // zip64 lies
        Attack(name: "zip64 announced, absent", kind: .structure) { $0.count = 0xFFFF },
        Attack(name: "zip64 offset announced, absent", kind: .structure) { $0.directoryOffset = .max },
        Attack(name: "zip64 without need", kind: .structure) { forge in
            let start = UInt64(forge.directoryStart)
            let size = UInt64(forge.bytes.count - 22) - start
            let record = u32(0x0606_4B50) + u64(44) + u16(45) + u16(45) + u32(0) + u32(0)
            forge.beforeEnd =
                record + u64(UInt64(forge.entries.count)) + u64(UInt64(forge.entries.count)) + u64(size) + u64(start)
                + u32(0x0706_4B50) + u32(0) + u64(start + size) + u32(1)
            forge.directoryOffset = .max
        },
        Attack(name: "zip64 size without field", kind: .structure) { $0[EntryName.readme].size = .max },
        Attack(name: "zip64 sizes that are small", kind: .structure, isTolerated: true) { forge in
            let count = UInt64(forge[EntryName.readme].data.count)
            let field = u16(1) + u16(16) + u64(count) + u64(count)
            forge[EntryName.readme].size = .max
            forge[EntryName.readme].compressedSize = .max
            forge[EntryName.readme].centralExtra = field
            forge[EntryName.readme].localExtra = field
        },
        Attack(name: "zip64 sizes of 2^64 − 1", kind: .structure) { forge in
            let field = u16(1) + u16(16) + u64(.max) + u64(.max)
            forge[EntryName.readme].size = .max
            forge[EntryName.readme].compressedSize = .max
            forge[EntryName.readme].centralExtra = field
            forge[EntryName.readme].localExtra = field
        },
        Attack(name: "zip64 sizes of 2^62", kind: .structure) { forge in
            let field = u16(1) + u16(16) + u64(1 << 62) + u64(1 << 62)
            forge[EntryName.readme].size = .max
            forge[EntryName.readme].compressedSize = .max
            forge[EntryName.readme].centralExtra = field
            forge[EntryName.readme].localExtra = field
        },
        // Names
        Attack(name: "parent folder", kind: .name) {
            $0[EntryName.readme].name = Array("assets/../../etc/passwd".utf8)
        },
        Attack(name: "this folder", kind: .name) { $0[EntryName.readme].name = Array("assets/./x".utf8) },
        Attack(name: "three dots", kind: .name) { $0[EntryName.readme].name = Array("assets/.../x".utf8) },
        Attack(name: "absolute", kind: .name) { $0[EntryName.readme].name = Array("/etc/passwd".utf8) },
        Attack(name: "drive", kind: .name) { $0[EntryName.readme].name = Array("c:/x".utf8) },
        Attack(name: "backslash", kind: .name) { $0[EntryName.readme].name = Array("assets\\x".utf8) },
        Attack(name: "NUL", kind: .name) { $0[EntryName.readme].name = Array("assets/x\0.txt".utf8) },
        Attack(name: "control character", kind: .name) { $0[EntryName.readme].name = Array("assets/x\u{1B}[2J".utf8) },
        Attack(name: "invalid UTF-8", kind: .name) {
            $0[EntryName.readme].name = Array("assets/".utf8) + [0xC3, 0x28]
        },
        Attack(name: "composed letter", kind: .name) { $0[EntryName.readme].name = Array("assets/\u{E9}".utf8) },
        Attack(name: "decomposed letter", kind: .name) { $0[EntryName.readme].name = Array("assets/e\u{301}".utf8) },
        Attack(name: "capitals", kind: .name) { $0[EntryName.readme].name = Array("assets/Notes.txt".utf8) },
        Attack(name: "readme in another case", kind: .name) { $0[EntryName.readme].name = Array("readme.MD".utf8) },
        Attack(name: "README.md elsewhere", kind: .name) { $0[EntryName.readme].name = Array("assets/README.md".utf8) },
        Attack(name: "empty name", kind: .name) { $0[EntryName.readme].name = [] },
        Attack(name: "empty level", kind: .name) { $0[EntryName.readme].name = Array("assets//x".utf8) },
        Attack(name: "unknown top folder", kind: .name) { $0[EntryName.readme].name = Array("scripts/x".utf8) },
        Attack(name: "unknown top file", kind: .name) { $0[EntryName.readme].name = Array("setup.py".utf8) },
        Attack(name: "nine levels", kind: .name) { $0[EntryName.readme].name = Array("assets/1/2/3/4/5/6/7/8".utf8) },
        Attack(name: "256 bytes", kind: .name) {
            $0[EntryName.readme].name = Array("assets/\(String(repeating: "x", count: 249))".utf8)
        },
        Attack(name: "a file and a folder of one name", kind: .name) { forge in
            forge.entries.insert(.init("assets/notes.txt/a", []), at: forge.position("assets/notes.txt") + 1)
        },
        Attack(name: "a folder entry", kind: .name, isTolerated: true) { forge in
            var folder = ZipForge.Entry("assets/", [])
            folder.externalAttributes = 0o040755 << 16 | 0x10
            forge.entries.insert(folder, at: forge.position("assets/notes.txt"))
        },
        Attack(name: "a folder entry outside", kind: .name) { forge in
            var folder = ZipForge.Entry("../", [])
            folder.externalAttributes = 0o040755 << 16 | 0x10
            forge.entries.insert(folder, at: 1)
        },
        Attack(name: "a folder entry with content", kind: .name) { forge in
            forge.entries.insert(.init("assets/", [1]), at: forge.position("assets/notes.txt"))
        },
        // Headers
        Attack(name: "another name in the local header", kind: .structure) {
            $0[EntryName.readme].localName = Array("LICENSE_1".utf8)
        },
        Attack(name: "another CRC in the local header", kind: .structure) {
            $0[EntryName.readme].localChange = { $0.crc ^= 1 }
        },
        Attack(name: "another size in the local header", kind: .structure) {
            $0[EntryName.readme].localChange = { $0.size += 1 }
        },
        Attack(name: "another method in the local header", kind: .structure) {
            $0[EntryName.readme].localChange = { $0.method = 8 }
        },
        Attack(name: "other flags in the local header", kind: .structure) {
            $0[EntryName.readme].localChange = { $0.flags = 2 }
        },
        Attack(name: "another time in the local header", kind: .structure) {
            $0[EntryName.readme].localChange = { $0.time = 1 }
        },
        Attack(name: "a time stamp", kind: .structure, isTolerated: true) { $0[EntryName.readme].date = 0x5000 },
        Attack(name: "another version needed", kind: .structure, isTolerated: true) {
            $0[EntryName.readme].version = 63
        },
        Attack(name: "a zip64 version without zip64", kind: .structure, isTolerated: true) {
            $0[EntryName.readme].version = 45
        },
        Attack(name: "made by DOS", kind: .structure, isTolerated: true) { forge in
            forge[EntryName.readme].madeBy = 20
            forge[EntryName.readme].externalAttributes = 0x20
        },
        Attack(name: "central extra field", kind: .structure, isTolerated: true) {
            $0[EntryName.readme].centralExtra = [0x55, 0x54, 1, 0, 0]
        },
        Attack(name: "entry comment", kind: .structure, isTolerated: true) { $0[EntryName.readme].comment = [65] },
        Attack(name: "internal attributes", kind: .structure, isTolerated: true) {
            $0[EntryName.readme].internalAttributes = 1
        },
        Attack(name: "entry on another disk", kind: .structure) { $0[EntryName.readme].disk = 1 },
        Attack(name: "no alignment", kind: .structure, isTolerated: true) { $0[EntryName.weights].localExtra = [] },
        Attack(name: "padding that is not zero", kind: .structure, isTolerated: true) { forge in
            var extra = ZipForge.padding(30 + EntryName.format.utf8.count)
            extra[extra.count - 1] = 1
            forge.entries[0].localExtra = extra
        },
        Attack(name: "64 bytes more padding than needed", kind: .structure, isTolerated: true) { forge in
            let extra = ZipForge.padding(30 + EntryName.format.utf8.count)
            forge.entries[0].localExtra =
                extra[..<2] + u16(extra.count - 4 + 64) + extra[4...] + Array(repeating: 0, count: 64)
        },
        Attack(name: "malformed local extra field", kind: .structure) {
            $0[EntryName.readme].localExtra = [1, 2, 200, 0, 0]
        },
        Attack(name: "malformed central extra field", kind: .structure) {
            $0[EntryName.readme].centralExtra = [1, 2, 3]
        },
        Attack(name: "Unicode path that renames", kind: .structure) {
            $0[EntryName.readme].centralExtra = u16(0x7075) + u16(6) + [1, 0, 0, 0, 0, 65]
        },
        // Sizes
        Attack(name: "data shorter than declared", kind: .structure) { $0[EntryName.readme].data.removeLast() },
        Attack(name: "data longer than declared", kind: .structure) { $0[EntryName.readme].data.append(0) },
        Attack(name: "stored sizes differ", kind: .structure) { $0[EntryName.readme].size += 1 },
        Attack(name: "4 GiB declared", kind: .structure) { forge in
            forge[EntryName.readme].size = 0xFFFF_FFFE
            forge[EntryName.readme].compressedSize = 0xFFFF_FFFE
        },
        // Kinds of file
        Attack(name: "symbolic link", kind: .structure) { $0[EntryName.readme].externalAttributes = 0o120777 << 16 },
        Attack(name: "FIFO", kind: .structure) { $0[EntryName.readme].externalAttributes = 0o010644 << 16 },
        Attack(name: "device", kind: .structure) { $0[EntryName.readme].externalAttributes = 0o020644 << 16 },
        Attack(name: "socket", kind: .structure) { $0[EntryName.readme].externalAttributes = 0o140644 << 16 },
        Attack(name: "folder mode on a file", kind: .structure) {
            $0[EntryName.readme].externalAttributes = 0o040755 << 16
        },
        Attack(name: "DOS folder bit on a file", kind: .structure) { $0[EntryName.readme].externalAttributes |= 0x10 },
        Attack(name: "setuid", kind: .structure) { $0[EntryName.readme].externalAttributes = 0o104755 << 16 },
        Attack(name: "executable", kind: .structure, isTolerated: true) {
            $0[EntryName.readme].externalAttributes = 0o100755 << 16
        },
        Attack(name: "encrypted", kind: .structure) { $0[EntryName.readme].flags = 1 },
        Attack(name: "strongly encrypted", kind: .structure) { $0[EntryName.readme].flags = 0x41 },
        Attack(name: "masked headers", kind: .structure) { $0[EntryName.readme].flags = 0x2000 },
        Attack(name: "patch data", kind: .structure) { $0[EntryName.readme].flags = 0x20 },
        Attack(name: "UTF-8 flag", kind: .structure, isTolerated: true) { $0[EntryName.readme].flags = 0x800 },
        Attack(name: "method 12 (bzip2)", kind: .structure) { $0[EntryName.readme].method = 12 },
        Attack(name: "method 99 (AES)", kind: .structure) { $0[EntryName.readme].method = 99 },
        Attack(name: "deflated though not", kind: .structure) { $0[EntryName.readme].method = 8 },
        Attack(name: "data descriptor", kind: .structure, isTolerated: true) { forge in
            let entry = forge[EntryName.readme]
            forge[EntryName.readme].flags = 8
            forge[EntryName.readme].localChange = { ($0.crc, $0.size, $0.compressedSize) = (0, 0, 0) }
            forge[EntryName.readme].after = u32(0x0807_4B50) + u32(entry.crc) + u32(entry.size) + u32(entry.size)
        },
        Attack(name: "data descriptor that lies", kind: .structure) { forge in
            let entry = forge[EntryName.readme]
            forge[EntryName.readme].flags = 8
            forge[EntryName.readme].after = u32(0x0807_4B50) + u32(entry.crc) + u32(entry.size + 1) + u32(entry.size)
        },
    ]

    @Test("attacks on a file that is otherwise in order", arguments: attacks)
    func attack(_ attack: Attack) throws {
        var forge = try Sample.forge()
        attack.make(&forge)
        let error = try #require(try Sample.fault(forge.bytes), "accepted")
        #expect(error.kind == attack.kind, "\(error)")
        #expect(error.description.contains("a.lamina: "))
        #expect(!error.description.contains("\n"))
        if attack.isTolerated { #expect(error.message.contains("--tolerant"), "\(error)") }
        let tolerated = try Sample.fault(forge.bytes, tolerant: true, verify: true)
        #expect((tolerated == nil) == attack.isTolerated, "\(tolerated.map { "\($0)" } ?? "accepted")")
    }

    @Test("a truncation at any byte is refused")
    func truncation() throws {
        let bytes = try Sample.bytes()
        try TemporaryFolder.with { folder in
            let path = folder + "/a.lamina"
            try Sample.write(bytes, to: path)
            _ = try Archive.open(path)
            for count in stride(from: bytes.count - 1, through: 0, by: -1) {
                #expect(truncate(path, count) == 0)
                #expect(throws: ArchiveError.self) { try Archive.open(path) }
                #expect(throws: ArchiveError.self) { try Archive.open(path, tolerant: true) }
            }
        }
    }

    @Test("any change of any byte is refused, or is in the writer's version, which nobody reads")
    func mutation() throws {
        let bytes = try Sample.bytes()
        // The byte after "made by" that says which version of the specification the writer follows.
        var free: Set<Int> = []
        for offset in 0..<bytes.count - 4 where Array(bytes[offset..<offset + 4]) == u32(0x0201_4B50) {
            free.insert(offset + 4)
        }
        try TemporaryFolder.with { folder in
            let path = folder + "/a.lamina"
            try Sample.write(bytes, to: path)
            let descriptor = open(path, O_RDWR)
            defer { close(descriptor) }
            for offset in bytes.indices {
                for mask: UInt8 in [0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xFF, bytes[offset]] where mask != 0
                {
                    var byte = bytes[offset] ^ mask
                    pwrite(descriptor, &byte, 1, off_t(offset))
                    // The weights are small here, so opening hashes them too.
                    let isAccepted = (try? Archive.open(path)) != nil
                    #expect(isAccepted == free.contains(offset), "byte \(offset) changed by \(mask)")
                    _ = try? Archive.open(path, tolerant: true)
                }
                var byte = bytes[offset]
                pwrite(descriptor, &byte, 1, off_t(offset))
            }
        }
    }

    @Test("random damage never crashes, in either form", arguments: 0..<8 as Range<UInt64>)
    func randomDamage(seed: UInt64) throws {
        var state = seed
        func random(_ limit: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % limit
        }
        let original = try Sample.bytes()
        for _ in 0..<300 {
            var bytes = original
            for _ in 0...random(4) {
                switch random(4) {
                case 0: bytes[random(bytes.count)] = UInt8(random(256))
                case 1: bytes.removeSubrange(random(bytes.count)..<bytes.count)
                case 2:
                    bytes.insert(contentsOf: bytes[random(bytes.count)...].prefix(random(80)), at: random(bytes.count))
                default:
                    let at = random(bytes.count)
                    bytes.replaceSubrange(at..<min(at + 4, bytes.count), with: u32(.max).prefix(bytes.count - at))
                }
                if bytes.count < 30 { bytes = original }
            }
            guard bytes != original else { continue }
            _ = try Sample.fault(bytes, verify: true)
            _ = try Sample.fault(bytes, tolerant: true, verify: true)
        }
    }

    @Test(
        "what is no archive",
        arguments: [
            [], Array("PK".utf8), Array("hello, this is a text, not an archive".utf8), Array(repeating: 0, count: 100),
        ] as [[UInt8]])
    func notAnArchive(bytes: [UInt8]) throws {
        #expect(try Sample.fault(bytes)?.kind == .notAnArchive)
    }

    @Test("an empty zip, and a missing file")
    func empty() throws {
        #expect(try Sample.fault(ZipForge([]).bytes)?.kind == .notAnArchive)
        let error = try #require(throws: ArchiveError.self) { try Archive.open("/nowhere/x.lamina") }
        #expect(error.description == "cannot open '/nowhere/x.lamina': No such file or directory")
        #expect(error.kind == .file)
    }
}

extension ZipForge {
    /// Where the central directory begins.
    var directoryStart: Int {
        let bytes = bytes
        return (0..<4).reduce(0) { $0 | Int(bytes[bytes.count - 6 + $1]) << (8 * $1) }
    }
}
