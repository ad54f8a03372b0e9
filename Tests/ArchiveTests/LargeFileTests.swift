import Foundation
import LaminaFormats
import Testing

@testable import LaminaArchive

@Suite("Archive: beyond 4 GiB")
struct LargeFileTests {
    /// An archive with weights of 5 GiB, all zero and so without blocks on the disk, and an entry behind them.
    private func sparse(_ path: String, size: Int, change: (inout [UInt8]) -> Void = { _ in }) throws {
        var forge = try Sample.forge()
        let weights = forge.position(EntryName.weights)
        let old = forge.entries[weights].data
        forge.replace(
            EntryName.manifest, "\"size\": \(old.count),\n      \"sha256\": \"\(sha256(old))\"",
            with: "\"size\": \(size),\n      \"sha256\": \"\(String(repeating: "0", count: 64))\"")

        var front = forge
        front.entries.removeSubrange(weights...)
        let offset = front.directoryStart
        let name = Array(EntryName.weights.utf8)
        let wide = u16(1) + u16(16) + u64(UInt64(size)) + u64(UInt64(size))
        var large = ZipForge.Entry(EntryName.weights, [])
        (large.size, large.compressedSize, large.version) = (.max, .max, 45)
        large.localExtra = wide + ZipForge.padding(offset + 30 + name.count + 20)
        large.centralExtra = wide
        // The whole file with the large entry empty, cut where its data would be.
        forge.entries[weights] = large
        let start = offset + 30 + name.count + large.localExtra!.count
        var bytes = forge.bytes
        var tail = Array(bytes[start...])
        bytes.removeSubrange(start...)
        // Everything behind the data moves by `size`: local paddings stay right, since it is a multiple of 64.
        let directory = forge.directoryStart - start
        tail.removeSubrange((tail.count - 22)...)
        var record = directory
        while record < tail.count {
            let lengths = [28, 30, 32].map { Int(tail[record + $0]) | Int(tail[record + $0 + 1]) << 8 }
            let local = (0..<4).reduce(0) { $0 | Int(tail[record + 42 + $1]) << (8 * $1) }
            if local > offset {
                tail.replaceSubrange(record + 42..<record + 46, with: u32(.max))
                tail.replaceSubrange(record + 30..<record + 32, with: u16(12))
                tail.replaceSubrange(record + 6..<record + 8, with: u16(45))
                tail.insert(contentsOf: u16(1) + u16(8) + u64(UInt64(local + size)), at: record + 46 + lengths[0])
                record += 12
            }
            record += 46 + lengths[0] + lengths[1] + lengths[2]
        }
        let count = UInt64(forge.entries.count)
        let directorySize = UInt64(tail.count - directory)
        let directoryStart = UInt64(start + size + directory)
        tail += u32(0x0606_4B50) + u64(44) + u16(45) + u16(45) + u32(0) + u32(0) + u64(count) + u64(count)
        tail += u64(directorySize) + u64(directoryStart)
        tail += u32(0x0706_4B50) + u32(0) + u64(directoryStart + directorySize) + u32(1)
        tail +=
            u32(0x0605_4B50) + u16(0) + u16(0) + u16(Int(count)) + u16(Int(count)) + u32(UInt32(directorySize))
            + u32(.max) + u16(0)
        change(&tail)

        let descriptor = open(path, O_CREAT | O_RDWR, 0o600)
        defer { close(descriptor) }
        #expect(pwrite(descriptor, bytes, bytes.count, 0) == bytes.count)
        #expect(pwrite(descriptor, tail, tail.count, off_t(start + size)) == tail.count)
    }

    @Test("zip64 entries, offsets and end record are read; what contradicts itself is refused")
    func zip64() throws {
        try TemporaryFolder.with { folder in
            let size = 5 << 30
            try sparse(folder + "/a", size: size)
            let archive = try Archive.open(folder + "/a")
            #expect(try archive.entry(EntryName.weights).count == size)
            #expect(try archive.text(EntryName.readme) == "# Sample\n")
            #expect(throws: ArchiveError.self) { try archive.tensors(EntryName.weights) }
            #expect(try Archive.open(folder + "/a", tolerant: true).isCanonical)

            // Each byte of the zip64 end record, the locator and the end record.
            for back in 1...98 {
                try FileManager.default.removeItem(atPath: folder + "/a")
                try sparse(folder + "/a", size: size) { $0[$0.count - back] ^= 0x40 }
                // The versions in the zip64 end record are free, as elsewhere.
                let isVersion = (83...86).contains(back)
                #expect(((try? Archive.open(folder + "/a")) != nil) == isVersion, "byte \(back) from the end")
            }
        }
    }

    @Test(
        "libzip writes them in the canonical form",
        .enabled(if: ProcessInfo.processInfo.environment["LAMINA_LARGE_TESTS"] != nil))
    func writes() throws {
        try TemporaryFolder.with { folder in
            let size = 4 << 30 + 64
            try Sample.withWriter { writer in
                try writer.add(
                    "assets/zeros.bin",
                    .stream(size: size) {
                        var left = size
                        return { buffer in
                            let count = min(left, buffer.count)
                            buffer.prefix(count).copyBytes(from: repeatElement(0, count: count))
                            left -= count
                            return count
                        }
                    })
                try writer.write(to: folder + "/a")
            }
            let archive = try Archive.open(folder + "/a")
            #expect(archive.isCanonical)
            #expect(try archive.entry("assets/zeros.bin").count == size)
            #expect(try archive.text(EntryName.readme) == "# Sample\n")
        }
    }
}
