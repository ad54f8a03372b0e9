import LaminaFormats
import LaminaSDK
import LaminaTesting
import Testing

@testable import Data

/// What makes pairs of images of one: edges, negatives, turns.
@Suite struct TranslationTransformTests {
    /// 17 × 9 pixels in 2 × 2 planes, as many different values as there are bytes.
    private static let (height, width) = (17, 9)
    private static let bytes = (0..<4 * height * width).map { UInt8(truncatingIfNeeded: $0 * $0 * 7 + $0 / 5) }

    /// The formula, mask by mask, pixel by pixel.
    private func magnitudes(_ x: [Float], _ height: Int, _ width: Int) -> [Float] {
        let mask: [[Float]] = [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]
        return x.indices.map { index in
            let (plane, row, column) = (
                index / (height * width), index / width % height, index % width
            )
            var (across, down) = (0.0, 0.0)
            for i in 0..<3 {
                for j in 0..<3 {
                    let y = min(max(row + i - 1, 0), height - 1)
                    let value = x[(plane * height + y) * width + min(max(column + j - 1, 0), width - 1)]
                    across += Double(mask[i][j] * value)
                    down += Double(mask[j][i] * value)
                }
            }
            return Float((across * across + down * down).squareRoot())
        }
    }

    @Test func edgesFollowTheFormula() throws {
        let (height, width) = (Self.height, Self.width)
        let wanted = magnitudes(Self.bytes.map { Float($0) }, height, width)
        let shape = [2, height, width]
        let edges = try transform("edges")
        #expect(try edges.infer(.uint8, shape) == (.uint8, shape))
        let pixels = try edges.apply(Self.bytes, .uint8, shape).elements(as: UInt8.self)
        for (got, wanted) in zip(pixels, wanted) { #expect(abs(Float(got) - min(wanted / 4, 255)) <= 0.5001) }

        let floats = Self.bytes.map { Float($0) / 255 }
        let doubled = try transform("edges", ["scale": 2]).apply(floats, .float32, shape).elements(as: Float.self)
        for (got, wanted) in zip(doubled, wanted) { #expect(abs(got - 2 * wanted / 255) < 1e-5) }
        #expect(try transform("edges", ["scale": 2]).apply(floats, .float32, shape).elements(as: Float.self) == doubled)

        let limit = try transform("edges", ["scale": 1, "threshold": 500])
        #expect(
            try limit.apply(Self.bytes, .uint8, shape).elements(as: UInt8.self) == wanted.map { $0 >= 500 ? 255 : 0 })
        let limited = try transform("edges", ["threshold": 0.5]).apply(floats, .float32, shape)
        #expect(Set(limited.elements(as: Float.self)) == [0, 1])
    }

    /// An upright edge has its own height, a plain surface none, and a line on the border counts for itself.
    @Test func edgesByHand() throws {
        let edges = try transform("edges")
        let step = try edges.apply([0, 0, 8, 8, 0, 0, 8, 8, 0, 0, 8, 8] as [UInt8], .uint8, [1, 3, 4])
        #expect(step.elements(as: UInt8.self) == [0, 8, 8, 0, 0, 8, 8, 0, 0, 8, 8, 0])
        #expect(try edges.apply([7] as [Float], .float32, [1, 1, 1]).elements(as: Float.self) == [0])
        #expect(try edges.apply([0, 2] as [Float], .float32, [1, 2, 1]).elements(as: Float.self) == [2, 2])
        #expect(try edges.apply([] as [UInt8], .uint8, [1, 3, 4]).bytes.isEmpty)
    }

    @Test func negatives() throws {
        let invert = try transform("invert")
        #expect(
            try invert.apply([0, 1, 200, 255] as [UInt8], .uint8, [4]).elements(as: UInt8.self) == [255, 254, 55, 0])
        #expect(try invert.apply([0, 0.25, 1] as [Float], .float32, [3]).elements(as: Float.self) == [1, 0.75, 0])
        let signed = try transform("invert", ["low": -1, "high": 1])
        #expect(try signed.apply([-1, 0.5] as [Float], .float32, [1, 1, 2]).elements(as: Float.self) == [1, -0.5])
        let many = (0..<100_000).map { UInt8(truncatingIfNeeded: $0) }
        #expect(try invert.apply(many, .uint8, [1, 250, 400]).elements(as: UInt8.self) == many.map { 255 - $0 })
        #expect(try invert.apply([] as [Float], .float32, [2]).bytes.isEmpty)
    }

    /// As numpy.rot90 turns ⎡1 2 3⎤
    ///                      ⎣4 5 6⎦.
    @Test(arguments: [(1, [3, 6, 2, 5, 1, 4]), (2, [6, 5, 4, 3, 2, 1]), (3, [4, 1, 5, 2, 6, 3])])
    func turns(_ turns: Int, _ wanted: [Int]) throws {
        let rotate = try transform("rotate", ["turns": .integer(Int64(turns))])
        let shape = turns == 2 ? [1, 2, 3] : [1, 3, 2]
        #expect(try rotate.infer(.uint8, [1, 2, 3]) == (.uint8, shape))
        let x = [1, 2, 3, 4, 5, 6]
        func turned<Value: BitwiseCopyable>(_ values: [Value], _ dtype: DataType) throws -> [Value] {
            try rotate.apply(values, dtype, [1, 2, 3]).elements(as: Value.self)
        }
        #expect(try turned(x.map { UInt8($0) }, .uint8) == wanted.map { UInt8($0) })
        #expect(try turned(x.map { Float($0) }, .float32) == wanted.map { Float($0) })
        #expect(try turned(x.map { Int64($0) }, .int64) == wanted.map { Int64($0) })
    }

    @Test func fourQuartersAreATurn() throws {
        let (height, width) = (Self.height, Self.width)
        let rotate = try transform("rotate")
        var (values, shape) = (Self.bytes, [2, height, width])
        for _ in 0..<2 { (values, shape) = (try rotate.apply(values, .uint8, shape).elements(), shape.turned) }
        let half = try transform("rotate", ["turns": 2]).apply(Self.bytes, .uint8, shape)
        #expect(half.elements(as: UInt8.self) == values && shape == [2, height, width])
        let rest = try transform("rotate", ["turns": 3]).apply(values, .uint8, shape)
        values = try rotate.apply(rest.elements(as: UInt8.self), .uint8, shape.turned).elements()
        #expect(values == half.elements(as: UInt8.self))
        #expect(try rotate.apply([] as [Float], .float32, [1, 4, 2]).bytes.isEmpty)
    }

    @Test func refusals() throws {
        for name in ["edges", "rotate"] {
            let error = #expect(throws: CallError.self) { try transform(name).infer(.uint8, [4]) }
            #expect(error?.text.contains("data.\(name) takes images [channels, height, width], got [4]") ?? false)
        }
        for name in ["edges", "invert"] {
            let error = #expect(throws: CallError.self) { try transform(name).infer(.int64, [1, 4, 4]) }
            #expect(error?.text.contains("put data.to_float before it") ?? false)
        }
        #expect(throws: (any Error).self) { try transform("rotate", ["turns": 4]) }
        #expect(throws: (any Error).self) { try transform("edges", ["scale": -1]) }
    }
}

extension [Int] {
    /// The shape with height and width swapped.
    fileprivate var turned: [Int] { [self[0], self[2], self[1]] }
}
