import CLamina
import LaminaFormats
import LaminaSDK
import LaminaTesting
import Testing

@testable import Data

@Suite struct ImageTransformTests {
    static let sizes = [[14, 10], [3, 4], [7, 5], [1, 1], [20, 2], [9, 8]]

    @Test(arguments: sizes) func resizesAsPyTorchDoes(_ size: [Int]) throws {
        let expected = try Expected("images.safetensors")
        let prefix = "resize/\(size[0])x\(size[1])"
        let list = JSON.array(size.map { .integer(Int64($0)) })
        let floats: [Float] = expected.array("resize/float")
        let bytes: [UInt8] = expected.array("resize/bytes")
        let bilinear = try transform("resize", ["size": list])
        #expect(try bilinear.infer(.uint8, [2, 7, 5]).shape == [2] + size)

        let smooth = try bilinear.apply(floats, .float32, [2, 7, 5]).elements(as: Float.self)
        let wantedFloats: [Float] = expected.array(prefix + "/float/bilinear")
        #expect(smooth.count == wantedFloats.count)
        for (got, wanted) in zip(smooth, wantedFloats) { #expect(abs(got - wanted) < 2e-6) }

        let smoothBytes = try bilinear.apply(bytes, .uint8, [2, 7, 5]).elements(as: UInt8.self)
        let wantedBytes: [Float] = expected.array(prefix + "/bytes/bilinear")
        for (got, wanted) in zip(smoothBytes, wantedBytes) { #expect(abs(Float(got) - wanted) < 0.5001) }

        let nearest = try transform("resize", ["size": list, "method": "nearest"])
        let wantedNearest: [Float] = expected.array(prefix + "/float/nearest")
        #expect(try nearest.apply(floats, .float32, [2, 7, 5]).elements(as: Float.self) == wantedNearest)
    }

    /// Two samples of 2 channels, 3 × 4: value = sample · 100 + channel · 50 + y · 4 + x.
    private func batch<Value: BinaryInteger>(_: Value.Type) -> [Value] {
        (0..<2).flatMap { s in (0..<2).flatMap { c in (0..<12).map { Value(s * 100 + c * 50 + $0) } } }
    }

    @Test func centerCrop() throws {
        let crop = try transform("center_crop", ["size": [2, 2]])
        // An odd rest goes to the bottom: rows 0 and 1, columns 1 and 2.
        let wanted = [0, 50, 100, 150].flatMap { [$0 + 1, $0 + 2, $0 + 5, $0 + 6] }
        #expect(
            try crop.apply(batch(UInt8.self), .uint8, [2, 3, 4]).elements(as: UInt8.self) == wanted.map { UInt8($0) })
        #expect(
            try crop.apply(batch(Int32.self), .int32, [2, 3, 4]).elements(as: Int32.self) == wanted.map { Int32($0) })
        #expect(
            try crop.apply(batch(Int64.self), .int64, [2, 3, 4]).elements(as: Int64.self) == wanted.map { Int64($0) })
        #expect(throws: CallError.self) { try crop.infer(.uint8, [1, 1, 4]) }
        #expect(throws: CallError.self) { try crop.infer(.uint8, [4]) }
    }

    @Test func pad() throws {
        let pad = try transform("pad", ["amount": [1, 0, 2, 1], "value": 7])
        #expect(try pad.infer(.uint8, [1, 2, 1]).shape == [1, 3, 4])
        let wanted = [7, 7, 7, 7, 7, 7, 1, 7, 7, 7, 2, 7]
        #expect(
            try pad.apply([1, 2] as [UInt8], .uint8, [1, 2, 1]).elements(as: UInt8.self) == wanted.map { UInt8($0) })
        #expect(
            try pad.apply([1, 2] as [Float], .float32, [1, 2, 1]).elements(as: Float.self) == wanted.map { Float($0) })
        #expect(
            try pad.apply([1, 2] as [Double], .float64, [1, 2, 1]).elements(as: Double.self)
                == wanted.map { Double($0) })
        #expect(
            try pad.apply([1, 2] as [Int64], .int64, [1, 2, 1]).elements(as: Int64.self) == wanted.map { Int64($0) })
        #expect(try transform("pad", ["amount": 2]).infer(.uint8, [3, 4, 5]).shape == [3, 8, 9])
        #expect(try transform("pad", ["amount": [2, 0]]).infer(.uint8, [3, 4, 5]).shape == [3, 8, 5])
        #expect(throws: CallError.self) { try transform("pad", ["amount": [1, 2, 3]]) }
        #expect(throws: CallError.self) {
            try transform("pad", ["amount": 1, "value": 0.5]).infer(.uint8, [1, 2, 1])
        }
        #expect(throws: CallError.self) {
            try transform("pad", ["amount": 1, "value": 300]).infer(.uint8, [1, 2, 1])
        }
    }

    @Test func channelOrder() throws {
        let first = try transform("to_channels_first")
        let last = try transform("to_channels_last")
        #expect(try first.infer(.uint8, [3, 4, 2]).shape == [2, 3, 4])
        #expect(try last.infer(.uint8, [2, 3, 4]).shape == [3, 4, 2])
        let (dtypes, x) = ([DataType.uint8, .bool], batch(UInt8.self))
        for dtype in dtypes {
            let moved = try last.apply(x, dtype, [2, 3, 4]).elements(as: UInt8.self)
            #expect(moved.prefix(4) == [0, 50, 1, 51])
            #expect(try first.apply(moved, dtype, [3, 4, 2]).elements(as: UInt8.self) == x)
        }
        let words = try last.apply(batch(Int32.self), .int32, [2, 3, 4]).elements(as: Int32.self)
        #expect(try first.apply(words, .int32, [3, 4, 2]).elements() == batch(Int32.self))
        let long = try last.apply(batch(Int64.self), .int64, [2, 3, 4]).elements(as: Int64.self)
        #expect(try first.apply(long, .int64, [3, 4, 2]).elements() == batch(Int64.self))
        #expect(throws: CallError.self) { try first.infer(.uint8, [3]) }
    }

    @Test func randomFlip() throws {
        let flip = try transform("random_flip")
        let x = (0..<512).flatMap { _ in [0, 1, 2, 3, 4, 5] as [Float] }
        let shape = [1, 2, 3]
        #expect(try flip.apply(x, .float32, shape).elements(as: Float.self) == x, "nothing happens when predicting")
        let y = try flip.apply(x, .float32, shape, isTraining: true).elements(as: Float.self)
        let samples = stride(from: 0, to: y.count, by: 6).map { Array(y[$0..<($0 + 6)]) }
        let flipped = samples.count { $0 == [2, 1, 0, 5, 4, 3] }
        let kept = samples.count { $0 == [0, 1, 2, 3, 4, 5] }
        #expect(flipped + kept == 512)
        #expect((190...320).contains(flipped), "a half, within 6 deviations")
        #expect(try flip.apply(x, .float32, shape, isTraining: true).elements(as: Float.self) == y)
        #expect(try flip.apply(x, .float32, shape, isTraining: true, seed: 2).elements(as: Float.self) != y)

        let always = try transform("random_flip", ["probability": 1, "axis": "vertical"])
        #expect(
            try always.apply([0, 1, 2, 3, 4, 5] as [UInt8], .uint8, shape, isTraining: true).elements(as: UInt8.self)
                == [
                    3, 4, 5, 0, 1, 2,
                ])
        let never = try transform("random_flip", ["probability": 0])
        #expect(try never.apply(x, .float32, shape, isTraining: true).elements(as: Float.self) == x)
        // All channels of a sample go together.
        let channels = try flip.apply(batch(UInt8.self), .uint8, [2, 3, 4], isTraining: true).elements(as: UInt8.self)
        for sample in 0..<2 {
            #expect(
                zip(channels[(sample * 24)...].prefix(12), channels[(sample * 24 + 12)...]).allSatisfy { $0 + 50 == $1 }
            )
        }
    }

    @Test func randomCrop() throws {
        let crop = try transform("random_crop", ["size": [2, 2], "padding": 1])
        let x = (0..<900).flatMap { _ in [1, 2, 3, 4, 5, 6] as [UInt8] }
        let y = try crop.apply(x, .uint8, [1, 2, 3], isTraining: true).elements(as: UInt8.self)
        var counts: [[UInt8]: Int] = [:]
        for start in stride(from: 0, to: y.count, by: 4) { counts[Array(y[start..<(start + 4)]), default: 0] += 1 }
        // 3 × 4 places in the padded 4 × 5, all about equally often.
        #expect(counts.count == 12)
        #expect(counts.values.allSatisfy { (40...115).contains($0) })
        #expect(counts[[0, 0, 0, 1]] != nil)
        #expect(counts[[6, 0, 0, 0]] != nil)
        #expect(try crop.apply(x, .uint8, [1, 2, 3], isTraining: true).elements(as: UInt8.self) == y)
        // The middle when predicting: the rest of 3 columns is odd and goes to the right.
        #expect(
            try crop.apply([1, 2, 3, 4, 5, 6] as [UInt8], .uint8, [1, 2, 3]).elements(as: UInt8.self) == [1, 2, 4, 5])
        #expect(throws: CallError.self) { try transform("random_crop", ["size": 5]).infer(.uint8, [1, 4, 8]) }
        #expect(try crop.apply([] as [UInt8], .uint8, [1, 2, 3], isTraining: true).bytes.isEmpty)
    }
}
