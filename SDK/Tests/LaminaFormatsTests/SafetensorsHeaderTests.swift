import LaminaFormats
import Testing

@Suite("safetensors: what a reader refuses")
struct SafetensorsHeaderTests {
    /// A file with this header text and this many bytes of data.
    static func file(_ header: String, data: Int) -> [UInt8] {
        withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Array($0) } + Array(header.utf8)
            + (0..<data).map { UInt8(truncatingIfNeeded: $0) }
    }

    static func read(_ bytes: [UInt8]) throws -> Safetensors.Header {
        try bytes.withUnsafeBytes { try Safetensors.Header(file: $0) }
    }

    static func entry(_ name: String, _ dtype: String, _ shape: String, _ begin: Int, _ end: Int) -> String {
        #""\#(name)":{"dtype":"\#(dtype)","shape":\#(shape),"data_offsets":[\#(begin),\#(end)]}"#
    }

    @Test("a file of another writer: unsorted header, no padding, metadata last, empty tensors")
    func accepts() throws {
        let text =
            "{"
            + [
                Self.entry("b", "F32", "[2]", 6, 14), Self.entry("a", "F16", "[3,1]", 0, 6),
                Self.entry("none", "I64", "[0,5]", 6, 6), Self.entry("scalar", "U8", "[]", 14, 15),
                #""__metadata__":{"format":"pt"}"#,
            ].joined(separator: ",") + "}  "
        let header = try Self.read(Self.file(text, data: 15))
        #expect(header.tensors.map(\.name) == ["a", "none", "b", "scalar"])
        #expect(header.tensors.map(\.elementCount) == [3, 0, 2, 1])
        #expect(header.metadata["format"] == "pt")
        #expect(header.dataStart == 8 + text.utf8.count)
    }

    @Test("nothing but an empty header")
    func empty() throws {
        #expect(try Self.read(Self.file("{}", data: 0)).tensors.isEmpty)
    }

    static let attacks: [(String, String, Int, SafetensorsError.Kind)] = [
        ("overlap", "{\(entry("a", "U8", "[4]", 0, 4)),\(entry("b", "U8", "[4]", 3, 7))}", 7, .offsets),
        ("same bytes twice", "{\(entry("a", "U8", "[4]", 0, 4)),\(entry("b", "U8", "[4]", 0, 4))}", 4, .offsets),
        ("hole between", "{\(entry("a", "U8", "[4]", 0, 4)),\(entry("b", "U8", "[4]", 5, 9))}", 9, .offsets),
        ("hole at the start", "{\(entry("a", "U8", "[4]", 4, 8))}", 8, .offsets),
        ("data after the last", "{\(entry("a", "U8", "[4]", 0, 4))}", 5, .length),
        ("data missing", "{\(entry("a", "U8", "[4]", 0, 4))}", 3, .length),
        ("data without tensors", "{}", 1, .length),
        ("size of another dtype", "{\(entry("a", "F32", "[4]", 0, 8))}", 8, .offsets),
        ("reversed offsets", "{\(entry("a", "U8", "[0]", 4, 0))}", 4, .offsets),
        ("negative offset", "{\(entry("a", "U8", "[4]", -4, 0))}", 0, .offsets),
        ("three offsets", #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1,1]}}"#, 1, .offsets),
        ("unknown dtype", "{\(entry("a", "F8", "[1]", 0, 1))}", 1, .dtype),
        ("dtype in lower case", "{\(entry("a", "f32", "[1]", 0, 4))}", 4, .dtype),
        ("negative dimension", "{\(entry("a", "U8", "[-1]", 0, 1))}", 1, .shape),
        ("rank 9", "{\(entry("a", "U8", "[1,1,1,1,1,1,1,1,1]", 0, 1))}", 1, .shape),
        ("product beyond 63 bits", "{\(entry("a", "U8", "[4294967296,4294967296]", 0, 0))}", 0, .shape),
        ("bytes beyond 63 bits", "{\(entry("a", "F64", "[2305843009213693952]", 0, 0))}", 0, .shape),
        ("overflow behind a zero", "{\(entry("a", "U8", "[0,4294967296,4294967296]", 0, 0))}", 0, .shape),
        ("dimension beyond 63 bits", "{\(entry("a", "U8", "[9223372036854775808]", 0, 0))}", 0, .header),
        ("fractional dimension", "{\(entry("a", "U8", "[1.0]", 0, 1))}", 1, .header),
        ("a name twice", "{\(entry("a", "U8", "[1]", 0, 1)),\(entry("a", "U8", "[1]", 1, 2))}", 2, .name),
        (
            "a name twice, escaped", "{\(entry("a", "U8", "[1]", 0, 1)),\(entry("\\u0061", "U8", "[1]", 1, 2))}", 2,
            .name
        ),
        ("metadata that is no text", #"{"__metadata__":{"a":1}}"#, 0, .header),
        ("metadata that is no object", #"{"__metadata__":[]}"#, 0, .header),
        ("unknown key", #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"extra":0}}"#, 1, .header),
        ("missing key", #"{"a":{"dtype":"U8","shape":[1]}}"#, 1, .header),
        ("no object", "[]", 0, .header), ("a number", "1", 0, .header), ("space first", " {}", 0, .header),
        ("nested deeply", #"{"a":[[[[[[[[]]]]]]]]}"#, 0, .header), ("cut", "{\"a\":", 0, .header),
        ("empty header", "", 0, .header), ("two values", "{}{}", 0, .header),
    ]

    @Test("attacks", arguments: attacks)
    func attack(name: String, header: String, data: Int, kind: SafetensorsError.Kind) throws {
        let error = try #require(throws: SafetensorsError.self) { try Self.read(Self.file(header, data: data)) }
        #expect(error.kind == kind, "\(name): \(error)")
    }

    @Test(
        "the header's length lies",
        arguments: [
            (3, SafetensorsError.Kind.header), (200, .length), (UInt64(16 << 20) + 1, .headerLimit),
            (.max, .headerLimit),
            (.max - 7, .headerLimit), (1 << 63, .headerLimit),
        ] as [(UInt64, SafetensorsError.Kind)])
    func lengthField(length: UInt64, kind: SafetensorsError.Kind) throws {
        var bytes = Self.file("{\(Self.entry("a", "U8", "[4]", 0, 4))}", data: 4)
        bytes.replaceSubrange(0..<8, with: withUnsafeBytes(of: length.littleEndian) { Array($0) })
        let error = try #require(throws: SafetensorsError.self) { try Self.read(bytes) }
        #expect(error.kind == kind)
    }

    static var valid: [UInt8] {
        get throws {
            let data = (0..<24).map { UInt8($0) }
            return try data.withUnsafeBytes { data in
                try Safetensors.bytes(
                    of: [
                        .init(name: "w", dtype: .f32, shape: [2, 2], bytes: .init(rebasing: data[0..<16])),
                        .init(name: "b", dtype: .i16, shape: [4], bytes: .init(rebasing: data[16..<24])),
                    ], metadata: [("format", "pt")])
            }
        }
    }

    @Test("every truncation is refused")
    func truncation() throws {
        let bytes = try Self.valid
        _ = try Self.read(bytes)
        for count in 0..<bytes.count {
            #expect(throws: SafetensorsError.self) { try Self.read(Array(bytes.prefix(count))) }
        }
        #expect(throws: SafetensorsError.self) { try Self.read(bytes + [0]) }
    }

    @Test("every value of every header byte: refused, or a file whose tensors lie inside it")
    func mutation() throws {
        let bytes = try Self.valid
        let dataStart = try Self.read(bytes).dataStart
        for position in 0..<dataStart {
            for byte in UInt8.min...UInt8.max {
                var mutant = bytes
                mutant[position] = byte
                guard let header = try? Self.read(mutant) else { continue }
                #expect(header.tensors.reduce(0) { $0 + $1.range.count } == mutant.count - header.dataStart)
                for tensor in header.tensors {
                    #expect(tensor.range.upperBound <= mutant.count - header.dataStart)
                    #expect(tensor.shape.reduce(tensor.dtype.size, *) == tensor.range.count)
                }
            }
        }
    }

    @Test("a 16 MiB header full of keys is refused or read in bounded memory, never a crash")
    func hugeHeader() throws {
        let text = "{\"a\":[" + String(repeating: "0,", count: (16 << 20) / 2 - 10) + "0]}"
        let error = try #require(throws: SafetensorsError.self) { try Self.read(Self.file(text, data: 0)) }
        #expect(error.kind == .header)
        #expect(error.description.contains("more than"))
    }
}
