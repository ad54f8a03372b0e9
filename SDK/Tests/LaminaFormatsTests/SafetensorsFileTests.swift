import Foundation
import LaminaFormats
import Testing

@Suite("safetensors: files")
struct SafetensorsFileTests {
    /// Sources over bytes that stay alive as long as `body` runs.
    static func withSources<R>(
        _ list: [(String, Safetensors.DType, [Int])], _ body: ([Safetensors.Source]) throws -> R
    ) rethrows -> R {
        var total = 0
        let counts = list.map { item in item.2.reduce(item.1.size, *) }
        let bytes = (0..<counts.reduce(0, +)).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 11) }
        return try bytes.withUnsafeBytes { buffer in
            try body(
                zip(list, counts).map { item, count in
                    defer { total += count }
                    return .init(
                        name: item.0, dtype: item.1, shape: item.2,
                        bytes: UnsafeRawBufferPointer(rebasing: buffer[total..<total + count]))
                })
        }
    }

    @Test("the bytes are exactly these (they load in the reference implementation)")
    func golden() throws {
        let values: [Float] = [1, -2]
        let bytes = try values.withUnsafeBytes {
            try Safetensors.bytes(
                of: [.init(name: "w", dtype: .f32, shape: [2, 1], bytes: $0)], metadata: [("format", "pt")])
        }
        let header = #"{"__metadata__":{"format":"pt"},"w":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]}}"#
        var wanted: [UInt8] = [120, 0, 0, 0, 0, 0, 0, 0]
        wanted += Array(header.utf8) + Array(repeating: 0x20, count: 120 - header.utf8.count)
        wanted += [0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0]
        #expect(bytes == wanted)
    }

    @Test("every dtype goes to a file and comes back, mapped")
    func roundTrip() throws {
        try TemporaryFolder.with { folder in
            let path = folder + "/all.safetensors"
            let list = Safetensors.DType.allCases.reversed().enumerated().map { position, dtype in
                ("tensor.\(dtype.rawValue) é", dtype, [position, 3])
            }
            try Self.withSources(list) { sources in
                try Safetensors.write(sources, metadata: [("a", "1"), ("é", "\n")], path: path)
                let file = try SafetensorsFile(path: path)
                #expect(file.header.dataStart % 64 == 0)
                #expect(file.metadata == ["a": "1", "é": "\n"])
                #expect(file.tensors.count == list.count)
                for source in sources {
                    let tensor = try #require(file.tensor(source.name))
                    #expect(tensor.dtype == source.dtype && tensor.shape == source.shape)
                    #expect(file.bytes(of: tensor).elementsEqual(source.bytes))
                    #expect(file.bytes(source.name)?.count == source.bytes.count)
                }
                #expect(Int(bitPattern: file.bytes(of: file.tensors[1]).baseAddress) % 64 == 0)
                #expect(file.tensor("nothing") == nil && file.bytes("nothing") == nil)
            }
        }
    }

    @Test("given order stays, unless a tensor would be misaligned")
    func order() throws {
        let kept = try Safetensors.Encoder([("z", .f32, [2]), ("a", .f64, [1]), ("u", .u8, [3])])
        #expect(kept.tensors.map(\.name) == ["z", "a", "u"])
        let sorted = try Safetensors.Encoder([("u", .u8, [3]), ("z", .f32, [2]), ("i", .i8, [1]), ("a", .f64, [1])])
        #expect(sorted.tensors.map(\.name) == ["a", "z", "u", "i"])
        for tensor in sorted.tensors { #expect(tensor.range.lowerBound % tensor.dtype.size == 0) }
    }

    @Test("the writer refuses what a reader would")
    func writerRefusals() throws {
        func kind(_ list: [(name: String, dtype: Safetensors.DType, shape: [Int])]) -> SafetensorsError.Kind? {
            do {
                _ = try Safetensors.Encoder(list)
                return nil
            } catch { return error.kind }
        }
        #expect(kind([("a", .u8, [1]), ("a", .u8, [1])]) == .name)
        #expect(kind([("__metadata__", .u8, [1])]) == .name)
        #expect(kind([("a", .u8, [-1])]) == .shape)
        #expect(kind([("a", .u8, Array(repeating: 1, count: 9))]) == .shape)
        #expect(kind([("a", .u8, [.max]), ("b", .u8, [.max])]) == .shape)
        #expect(kind([(String(repeating: "x", count: 17 << 20), .u8, [1])]) == .headerLimit)
        #expect(kind([("é", .u8, [1]), ("e\u{301}", .u8, [1])]) == nil)
        #expect(throws: SafetensorsError.self) { try Safetensors.Encoder([], metadata: [("a", ""), ("a", "")]) }

        let three: [UInt8] = [1, 2, 3]
        let error = try #require(throws: SafetensorsError.self) {
            try three.withUnsafeBytes {
                _ = try Safetensors.bytes(of: [.init(name: "a", dtype: .u8, shape: [4], bytes: $0)])
            }
        }
        #expect(error.kind == .data)
    }

    @Test("a view of a part of a mapping")
    func view() throws {
        try TemporaryFolder.with { folder in
            let path = folder + "/part"
            let inner = try Self.withSources([("x", .i32, [5])]) { try Safetensors.bytes(of: $0) }
            try Data(Array(repeating: 7, count: 100) + inner + [9, 9]).write(to: URL(fileURLWithPath: path))
            let mapping = try FileMapping(path: path)
            mapping.prefetch(0..<mapping.bytes.count)
            let file = try SafetensorsFile(mapping, range: 100..<100 + inner.count)
            #expect(file.bytes("x")?.elementsEqual(inner.suffix(20)) == true)
            #expect(throws: SafetensorsError.self) { try SafetensorsFile(mapping, range: 100..<101 + inner.count) }
            let count = try inner.withUnsafeBytes { try SafetensorsFile(bytes: $0, owner: nil).tensors.count }
            #expect(count == 1)
        }
    }

    @Test("what cannot be mapped is refused with its path")
    func unmappable() throws {
        try TemporaryFolder.with { folder in
            let missing = try #require(throws: FileError.self) { try SafetensorsFile(path: folder + "/none") }
            #expect(missing.description == "cannot open '\(folder)/none': No such file or directory")
            let notRegular = try #require(throws: FileError.self) { try SafetensorsFile(path: folder) }
            #expect(notRegular.reason == "it is a folder")
            #expect(mkfifo(folder + "/fifo", 0o600) == 0)
            #expect(throws: FileError.self) { try SafetensorsFile(path: folder + "/fifo") }
            try Data().write(to: URL(fileURLWithPath: folder + "/empty"))
            #expect(throws: SafetensorsError.self) { try SafetensorsFile(path: folder + "/empty") }
        }
    }

    @Test("a file replaced while mapped keeps its bytes")
    func replacedWhileMapped() throws {
        try TemporaryFolder.with { folder in
            let path = folder + "/m.safetensors"
            try Self.withSources([("x", .i32, [5])]) { try Safetensors.write($0, path: path) }
            let old = try SafetensorsFile(path: path)
            let before = Array(try #require(old.bytes("x")))
            try Self.withSources([("y", .i32, [5000])]) { try Safetensors.write($0, path: path) }
            #expect(old.bytes("x")?.elementsEqual(before) == true)
            #expect(try SafetensorsFile(path: path).tensor("y")?.shape == [5000])
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
