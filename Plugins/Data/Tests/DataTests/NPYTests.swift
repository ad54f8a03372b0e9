import CLamina
import LaminaSDK
import LaminaTesting
import Testing

@testable import Data

@Suite struct NPYTests {
    let folder = Folder()

    private func open(_ file: [UInt8]) throws -> SourceHarness {
        try DataTests.open("npy", ["path": .string(folder.write("x.npy", file))])
    }

    private func text(_ file: [UInt8]) -> String {
        let path = folder.write("x.npy", file)
        let result = failure("npy", ["path": .string(path)])
        #expect(result == nil || result?.status == LAMINA_ERROR_DATA)
        return result?.text.replacing("'\(path)'", with: "F") ?? "opened"
    }

    @Test(arguments: [1, 2, 3] as [UInt8]) func everyVersion(_ version: UInt8) throws {
        let source = try open(
            FileContent.npy("<f4", "(2, 3)", FileContent.littleEndian([1, 2, 3, 4, 5, 6] as [Float]), version: version))
        #expect(source.description.count == 2)
        #expect(source.description.fields.map(\.name) == ["input"])
        #expect(source.description.fields[0].shape == [3])
        #expect(try source.read([1, 0])[0].elements(as: Float.self) == [4, 5, 6, 1, 2, 3])
    }

    @Test func everyElementType() throws {
        func check<Stored: BitwiseCopyable, Value: BitwiseCopyable & Equatable>(
            _ descr: String, _ stored: [Stored], _ dtype: DataType, _ wanted: [Value]
        ) throws {
            let source = try open(FileContent.npy(descr, "(1, \(stored.count))", FileContent.littleEndian(stored)))
            #expect(source.description.fields[0].dtype == dtype, "\(descr)")
            #expect(try source.read([0])[0].elements(as: Value.self) == wanted, "\(descr)")
        }
        try check("|b1", [0, 1] as [UInt8], .bool, [0, 1] as [UInt8])
        // Tensors of bool hold 0 and 1, whatever the file has.
        try check("|b1", [2, 0, 255] as [UInt8], .bool, [1, 0, 1] as [UInt8])
        try check("|u1", [0, 255] as [UInt8], .uint8, [0, 255] as [UInt8])
        try check("|i1", [-1, 127] as [Int8], .int32, [-1, 127] as [Int32])
        try check("<u2", [0, .max] as [UInt16], .int32, [0, 65535] as [Int32])
        try check("<i2", [-2, 300] as [Int16], .int32, [-2, 300] as [Int32])
        try check("<u4", [0, .max] as [UInt32], .int64, [0, 4_294_967_295] as [Int64])
        try check("<i4", [-2, .max] as [Int32], .int32, [-2, .max] as [Int32])
        try check("<i8", [-2, .max] as [Int64], .int64, [-2, .max] as [Int64])
        try check("<f2", [Float16(1.5), -65504], .float32, [1.5, -65504] as [Float])
        try check("<f4", [1.5, -0.1] as [Float], .float32, [1.5, -0.1] as [Float])
        try check("<f8", [0.1, -1e-50] as [Double], .float32, [0.1, -0.0] as [Float])
        try check(">f4", [Float(1.5).bitPattern.byteSwapped], .float32, [1.5] as [Float])
        try check(">i8", [Int64(-5).byteSwapped], .int64, [-5] as [Int64])
    }

    @Test func targets() throws {
        let x = folder.write("x", FileContent.npy("<f4", "(2,)", FileContent.littleEndian([1, 2] as [Float])))
        func field(_ file: [UInt8]) throws -> SourceHarness {
            try DataTests.open("npy", ["path": .string(x), "targets": .string(folder.write("y", file))])
        }
        let labels = try field(FileContent.npy("|u1", "(2,)", [7, 200]))
        #expect(labels.description.fields.map(\.name) == ["input", "label"])
        #expect(labels.description.fields[0].shape == [])
        #expect(try labels.read([1])[1].elements(as: Int64.self) == [200])
        let numbers = try field(FileContent.npy("<f8", "(2,)", FileContent.littleEndian([0.5, 0.25])))
        #expect(numbers.description.fields[1].name == "target")
        #expect(numbers.description.fields[1].shape == [1])
        #expect(try numbers.read([0, 1])[1].elements(as: Float.self) == [0.5, 0.25])
        let tokens = try field(FileContent.npy("<i4", "(2, 2)", FileContent.littleEndian([1, 2, 3, 4] as [Int32])))
        #expect(tokens.description.fields[1].shape == [2])
        #expect(try tokens.read([1])[1].elements(as: Int64.self) == [3, 4])
        #expect(throws: CallError.self) { try field(FileContent.npy("|u1", "(3,)", [1, 2, 3])) }
        let names = failure(
            "npy",
            [
                "path": .string(x), "targets": .string(folder.write("y", FileContent.npy("|u1", "(2,)", [0, 2]))),
                "classes": ["a", "b"],
            ])
        #expect(names?.text.contains("label 2 of sample 1 is not below the number of classes, 2") == true)
    }

    @Test func headersInOtherForms() throws {
        let compact = "{\"shape\":(2,1),\"descr\":\"|u1\",\"fortran_order\":False}"
        #expect(try open(FileContent.npy(header: compact, [5, 6])).read([1])[0].elements(as: UInt8.self) == [6])
        // A column of one dimension has no order.
        #expect(try open(FileContent.npy("|u1", "(2,)", [5, 6], fortran: true)).description.count == 2)
    }

    @Test func refusals() {
        #expect(text([1, 2, 3]).contains("is no NPY file"))
        #expect(text(FileContent.npy("|u1", "(1, 2)", [1, 2], version: 9)).contains("NPY version 9.0 is not known"))
        #expect(
            text(FileContent.npy("<f4", "(2, 3)", [1]))
                == "F: dimensions [2, 3] take 24 bytes, but the file has 1 after its header; get the file again")
        #expect(
            text(FileContent.npy("|u1", "(2, 2)", [1, 2, 3, 4], fortran: true)).contains("save numpy.ascontiguousarray")
        )
        #expect(text(FileContent.npy("|O", "(1,)", [1])).contains("element type '|O' is not read"))
        #expect(text(FileContent.npy("<u8", "(1,)", [1])).contains("element type '<u8' is not read"))
        #expect(text(FileContent.npy("|u1", "()", [1])).contains("is a single number"))
        #expect(text(FileContent.npy("|u1", "(0, 3)", [])).contains("hold no sample"))
        #expect(text(FileContent.npy("<f8", "(4611686018427387904, 8)", [])).contains("beyond any file"))
        #expect(text(FileContent.npy("|u1", "(99999999999999999999,)", [])).contains("wanted a dimension"))
        #expect(text(FileContent.npy("|u1", "(-1,)", [])).contains("wanted a dimension"))
        #expect(text(FileContent.npy("|u1", "(1,1,1,1,1,1,1,1,1)", [1])).contains("at most 8"))
        let structured = "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }"
        #expect(text(FileContent.npy(header: structured, [1])).contains("structured and object arrays are not read"))
        #expect(text(FileContent.npy(header: "{'descr': '|u1', 'shape': (1,)}", [1])).contains("lacks one of"))
        let twice = "{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': (1,)}"
        #expect(text(FileContent.npy(header: twice, [1])).contains("repeated key 'descr'"))
        let extra = "{'descr': '|u1', 'fortran_order': False, 'shape': (1,), 'x': 1}"
        #expect(text(FileContent.npy(header: extra, [1])).contains("unknown or repeated key 'x'"))
        #expect(
            text(FileContent.npy(header: "{'descr': '|u1', 'fortran_order': False, 'shape': (1,)} 1", [1])).contains(
                "its end"))
    }

    /// Truncated, every byte damaged, and noise: no crash, and never more than the file holds.
    @Test func attacks() throws {
        let file = FileContent.npy("<f4", "(2, 3)", FileContent.littleEndian([1, 2, 3, 4, 5, 6] as [Float]))
        for length in 0..<file.count { #expect(text(Array(file.prefix(length))) != "opened") }
        for position in 0..<(file.count - 24) {
            for value in [0, 0x27, 0x28, 0x2C, 0x39, 0x7B, 0xFF] as [UInt8] {
                var damaged = file
                damaged[position] = value
                let path = folder.write("x.npy", damaged)
                if let source = try? DataTests.open("npy", ["path": .string(path)]) {
                    for tensor in try source.read(Array(0..<source.description.count)) {
                        #expect(tensor.bytes.count <= 48)
                    }
                }
            }
        }
    }
}
