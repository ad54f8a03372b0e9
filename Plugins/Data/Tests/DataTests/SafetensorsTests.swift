import CLamina
import LaminaFormats
import LaminaSDK
import LaminaTesting
import Testing

@testable import Data

@Suite struct SafetensorsTests {
    let folder = Folder()

    private struct Entry {
        let name: String
        let dtype: Safetensors.DType
        let shape: [Int]
        let bytes: [UInt8]
    }

    private func write(_ entries: [Entry]) throws -> String {
        let memory = entries.map { entry in
            let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: entry.bytes.count, alignment: 8)
            memory.copyBytes(from: entry.bytes)
            return memory
        }
        defer { memory.forEach { $0.deallocate() } }
        let sources = zip(entries, memory).map { entry, memory in
            Safetensors.Source(
                name: entry.name, dtype: entry.dtype, shape: entry.shape, bytes: UnsafeRawBufferPointer(memory))
        }
        return folder.write("x.safetensors", try Safetensors.bytes(of: sources))
    }

    private let input = Entry(
        name: "input", dtype: .f32, shape: [2, 2], bytes: FileContent.littleEndian([1, 2, 3, 4] as [Float]))
    private let label = Entry(name: "y", dtype: .i64, shape: [2], bytes: FileContent.littleEndian([1, 0] as [Int64]))

    @Test func inputAndTarget() throws {
        let path = try write([label, input])
        let source = try DataTests.open(
            "safetensors", ["path": .string(path), "target": "y", "classes": ["no", "yes"]])
        #expect(source.description.count == 2)
        #expect(source.description.fields.map(\.name) == ["input", "label"])
        #expect(source.description.classes == ["no", "yes"])
        let batch = try source.read([1, 0])
        #expect(batch[0].elements(as: Float.self) == [3, 4, 1, 2])
        #expect(batch[1].elements(as: Int64.self) == [0, 1])
    }

    @Test func theOnlyTensorIsTheInput() throws {
        let half = Entry(
            name: "pixels", dtype: .bf16, shape: [1, 2], bytes: FileContent.littleEndian([0x3FC0, 0xC000] as [UInt16]))
        let source = try DataTests.open("safetensors", ["path": .string(try write([half]))])
        #expect(source.description.fields.map(\.name) == ["input"])
        #expect(try source.read([0])[0].elements(as: Float.self) == [1.5, -2])
    }

    @Test func refusals() throws {
        let path = try write([label, input])
        func text(_ attributes: JSONObject) -> String? {
            var attributes = attributes
            attributes["path"] = .string(path)
            let result = failure("safetensors", attributes)
            #expect(result?.status == LAMINA_ERROR_DATA)
            return result?.text.replacing("'\(path)'", with: "F")
        }
        #expect(text(["target": "label"]) == "F has no tensor 'label'; it has 'input', 'y'")
        #expect(text(["input": "y", "target": "input", "classes": ["a"]])?.contains("floating-point values") == true)
        let odd = Entry(name: "y", dtype: .u64, shape: [2], bytes: [UInt8](repeating: 0, count: 16))
        _ = try write([odd, input])
        #expect(text(["target": "y"]) == "tensor 'y' of F: element type U64 is not read; convert it to I64")
        _ = try write([Entry(name: "y", dtype: .i64, shape: [], bytes: [UInt8](repeating: 0, count: 8)), input])
        #expect(text(["target": "y"])?.contains("is a single number") == true)
        _ = try write([Entry(name: "y", dtype: .u8, shape: [3], bytes: [1, 2, 3]), input])
        #expect(
            text(["target": "y"])
                == "tensor 'y' of F has 3 targets, tensor 'input' of F has 2 samples; give data that belongs together")
        _ = try write([Entry(name: "input", dtype: .u8, shape: [0, 3], bytes: [])])
        #expect(text([:])?.contains("hold no sample") == true)
        folder.write("x.safetensors", [1, 2, 3])
        #expect(text([:])?.hasPrefix("F: safetensors: ") == true)
        #expect(failure("safetensors", ["path": .string(folder["none"])])?.status == LAMINA_ERROR_FILE)
    }
}
