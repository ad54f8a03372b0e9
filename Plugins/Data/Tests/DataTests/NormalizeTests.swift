import CLamina
import LaminaTesting
import Testing

@testable import Data

@Suite struct NormalizeTests {
    @Test func bytesAreScaledFirst() throws {
        let normalize = try transform("normalize", ["mean": 0.25, "std": 0.5])
        let (dtype, shape) = try normalize.infer(.uint8, [1, 2, 2])
        #expect(dtype == .float32)
        #expect(shape == [1, 2, 2])
        let y = try normalize.apply([0, 255, 51, 102] as [UInt8], .uint8, [1, 2, 2]).elements(as: Float.self)
        for (got, wanted) in zip(y, [-0.5, 1.5, -0.1, 0.3] as [Float]) { #expect(abs(got - wanted) < 1e-6) }
    }

    @Test func floatsAreNot() throws {
        let normalize = try transform("normalize", ["mean": [1.0, 10.0], "std": [2.0, 4.0]])
        let y = try normalize.apply([3, 1, 18, 10, 5, 7, 2, 6] as [Float], .float32, [2, 2]).elements(as: Float.self)
        #expect(y == [1, 0, 2, 0, 2, 3, -2, -1])
    }

    @Test func oneOfTheTwoPerChannel() throws {
        let normalize = try transform("normalize", ["mean": [1, 2, 3], "std": 0.5])
        #expect(try normalize.apply([1, 1, 1] as [Float], .float32, [3]).elements(as: Float.self) == [0, -2, -4])
    }

    @Test func largeBatchesAreSplit() throws {
        let normalize = try transform("normalize", ["mean": [0, 1, 2], "std": 1])
        let x = (0..<(5 * 3 * 4000)).map { Float($0 % 1000) }
        let y = try normalize.apply(x, .float32, [3, 40, 100]).elements(as: Float.self)
        let wanted: [Float] = x.indices.map { x[$0] - Float($0 / 4000 % 3) }
        #expect(y == wanted)
    }

    @Test func refusals() throws {
        #expect(throws: CallError.self) { try transform("normalize", ["mean": [1, 2], "std": [1, 2, 3]]) }
        #expect(throws: CallError.self) { try transform("normalize", ["mean": 0, "std": 0]) }
        let normalize = try transform("normalize", ["mean": [1, 2, 3], "std": 1])
        #expect(throws: CallError.self) { try normalize.infer(.float32, [1, 28, 28]) }
        #expect(throws: CallError.self) { try normalize.infer(.float32, []) }
        #expect(throws: CallError.self) { try normalize.infer(.int64, [3]) }
        #expect(try normalize.apply([] as [Float], .float32, [3, 2]).bytes.isEmpty)
    }

    @Test func toFloat() throws {
        let plain = try transform("to_float")
        let bytes = try plain.apply([0, 51, 255] as [UInt8], .uint8, [3]).elements(as: Float.self)
        #expect(bytes == [0, Float(51) * (1 / 255), 1] as [Float])
        #expect(
            try plain.apply([-3, 1 << 40] as [Int64], .int64, [2]).elements(as: Float.self) == [-3, 1_099_511_627_776])
        #expect(try plain.apply([0, 1] as [UInt8], .bool, [2]).elements(as: Float.self) == [0, 1])
        #expect(try plain.apply([0.5] as [Double], .float64, [1]).elements(as: Float.self) == [0.5])
        let half = try transform("to_float", ["scale": 0.5])
        #expect(try half.apply([3, 255] as [UInt8], .uint8, [2]).elements(as: Float.self) == [1.5, 127.5])
        #expect(try half.apply([3, -1] as [Int32], .int32, [2]).elements(as: Float.self) == [1.5, -0.5])
        #expect(try half.apply([3] as [Float], .float32, []).elements(as: Float.self) == [1.5])
    }
}
