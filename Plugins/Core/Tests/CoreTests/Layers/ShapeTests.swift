import LaminaTesting
import Testing

@testable import Core

@Suite struct ShapeTests {
    @Test func identity() {
        let cases: [LayerCase] = [
            LayerCase(.normal([2, 3, 4, 5])), LayerCase(.normal([])), LayerCase(.integers([7], 0..<9)),
            LayerCase(.integers([2, 3, 4], 0..<200, .uint8)),
        ]
        #expect(checkLayer(.layer(Identity.self), cases: cases) == [])
    }

    @Test func flatten() {
        let cases: [LayerCase] = [
            LayerCase(.normal([2, 3, 4, 5])), LayerCase(["end_axis": 2], .normal([2, 3, 4, 5])),
            LayerCase(["start_axis": 0], .normal([2, 3])), LayerCase(.normal([4, 1])),
            LayerCase(.integers([2, 3, 4], 0..<9, .int32)),
            LayerCase(
                rejects: "start_axis is 1, but the input has shape [5]: wanted -1 to 0", [:], .normal([5])),
            LayerCase(
                rejects: "start_axis 2 lies behind end_axis 1", ["start_axis": 2, "end_axis": 1], .normal([2, 3, 4])),
        ]
        #expect(checkLayer(.layer(Flatten.self), cases: cases) == [])
    }

    @Test func reshape() {
        let cases: [LayerCase] = [
            LayerCase(["shape": [3, 4, 5]], .normal([2, 60])), LayerCase(["shape": [5, -1]], .normal([2, 3, 4, 5])),
            LayerCase(["shape": .array([])], .normal([4, 1])), LayerCase(["shape": [6]], .integers([2, 3, 2], 0..<9)),
            LayerCase(
                rejects: "shape [7] does not fit the input [2, 3], which has 3 elements", ["shape": [7]],
                .normal([2, 3])),
            LayerCase(rejects: "shape [7, -1] does not fit", ["shape": [7, -1]], .normal([2, 3])),
            LayerCase(rejects: "shape [0, -1] does not fit", ["shape": [0, -1]], .normal([2, 3])),
            LayerCase(
                rejects: "has more elements than can be counted", ["shape": [1_000_000_000_000, 1_000_000_000_000]],
                .normal([2, 3])),
            LayerCase(rejects: "at most one size may be -1", ["shape": [-1, -1]], .normal([2, 3])),
            LayerCase(rejects: "the input is a scalar", ["shape": [1]], .normal([])),
            LayerCase(["shape": [1, 1, 3, 1, 1, 1, 1]], .normal([2, 3])),
            LayerCase(
                rejects: "would have shape [2, 1, 1, 1, 3, 1, 1, 1, 1], with 9 axes: at most 8 are possible",
                ["shape": [1, 1, 1, 3, 1, 1, 1, 1]], .normal([2, 3])),
        ]
        #expect(checkLayer(.layer(Reshape.self), cases: cases) == [])
    }

    @Test func permute() {
        let cases: [LayerCase] = [
            LayerCase(["axes": [1, 0]], .normal([19, 33])), LayerCase(["axes": [0, 2, 3, 1]], .normal([2, 3, 4, 5])),
            LayerCase(["axes": [0, 3, 1, 2]], .normal([2, 3, 4, 5])),
            LayerCase(["axes": [0, 2, 1, 3]], .normal([2, 3, 4, 5])),
            LayerCase(["axes": [-1, 2, 1, 0]], .normal([2, 3, 4, 5])),
            LayerCase(["axes": [0, 2, 1]], .normal([2, 40, 50])),
            LayerCase(["axes": [1, 0]], .integers([19, 33], 0..<200, .uint8)),
            LayerCase(["axes": [1, 0]], .integers([19, 33], 0..<200, .int64)),
            LayerCase(
                rejects: "axes is [0, 1, 1], but the input has shape [2, 3, 4]: wanted each of 0 to 2 once",
                ["axes": [0, 1, 1]], .normal([2, 3, 4])),
            LayerCase(rejects: "wanted each of 0 to 1 once", ["axes": [0, 2, 1]], .normal([2, 3])),
        ]
        #expect(checkLayer(.layer(Permute.self), cases: cases) == [])
    }

    @Test func concat() {
        let cases: [LayerCase] = [
            LayerCase(.normal([4, 3]), .normal([4, 5])),
            LayerCase(.normal([2, 3, 4, 5]), .normal([2, 1, 4, 5]), .normal([2, 2, 4, 5])),
            LayerCase(["axis": -1], .normal([2, 3, 4, 5]), .normal([2, 3, 4, 0]), .normal([2, 3, 4, 2])),
            LayerCase(["axis": 0], .normal([2, 3]), .normal([1, 3])).with { $0.hasBatch = false },
            LayerCase(.normal([2, 3])), LayerCase(.integers([2, 3], 0..<9), .integers([2, 1], 0..<9)),
            LayerCase(
                rejects: "input 1 has shape [2, 3, 5] and size 5 on axis 2, wanted 4 as in [2, 3, 4] of input 0", [:],
                .normal([2, 3, 4]), .normal([2, 3, 5])),
            LayerCase(rejects: "wanted 3 axes as in [2, 3, 4]", [:], .normal([2, 3, 4]), .normal([2, 3])),
            LayerCase(
                rejects: "input 1 has type int64, wanted float32", [:], .normal([2, 3]), .integers([2, 3], 0..<3)),
        ]
        #expect(checkLayer(.layer(Concat.self), cases: cases) == [])
    }

    @Test func split() {
        let cases: [LayerCase] = [
            LayerCase(["parts": 3], .normal([4, 6])), LayerCase(["sizes": [1, 4, 1]], .normal([2, 6, 3, 4])),
            LayerCase(["axis": -1, "sizes": [3, 0, 2]], .normal([2, 3, 4, 5])),
            LayerCase(["parts": 1], .normal([4, 6])),
            LayerCase(["sizes": [2, 1]], .integers([4, 3], 0..<9)),
            LayerCase(rejects: "axis 1 cannot be cut into 4 equal parts", ["parts": 4], .normal([2, 6])),
            LayerCase(
                rejects: "the input has shape [2, 6], but sizes [1, 2] add up to 3: wanted the size of axis 1",
                ["sizes": [1, 2]], .normal([2, 6])),
            LayerCase(rejects: "neither parts nor sizes is given", [:], .normal([2, 6])),
            LayerCase(rejects: "both parts and sizes are given", ["parts": 2, "sizes": [3, 3]], .normal([2, 6])),
        ]
        #expect(checkLayer(.layer(Split.self), cases: cases) == [])
    }

    @Test func slice() {
        let cases: [LayerCase] = [
            LayerCase(["start": 1, "end": 4], .normal([3, 6])),
            LayerCase(["start": 1, "step": 2], .normal([2, 6, 3, 4])),
            LayerCase(["axis": -1, "start": -3, "end": -1], .normal([2, 3, 4, 5])),
            LayerCase(["axis": 2, "start": -99, "end": 99], .normal([2, 3, 4])),
            LayerCase(["start": 4, "end": 2], .normal([3, 6])).with { $0.checksDerivatives = false },
            LayerCase(["start": 2], .integers([3, 6], 0..<9, .int32)),
            LayerCase(rejects: "axis is 2, but the input has shape [3, 6]", ["axis": 2], .normal([3, 6])),
        ]
        #expect(checkLayer(.layer(Slice.self), cases: cases) == [])
    }

    /// Ranges of an axis whose size is only known when the plan is made.
    @Test func sliceOfASymbolicAxis() throws {
        func shape(_ range: (start: Int64, end: Int64?, step: Int64)) throws -> String {
            let layer = try LayerHarness(
                .layer(Slice.self),
                range.end.map { ["start": .integer(range.start), "step": .integer(range.step), "end": .integer($0)] }
                    ?? ["start": .integer(range.start), "step": .integer(range.step)])
            let time = layer.host.symbol("T")
            let inferred = try layer.infer([(.float32, [.init(2), time, .init(3)])])
            let values = [5, 9].map { layer.host.value(of: inferred.outputs[0].dimensions[1], where: ["T": $0]) ?? -1 }
            return "\(values)"
        }
        #expect(try shape((0, nil, 1)) == "[5, 9]")
        #expect(try shape((1, nil, 1)) == "[4, 8]")
        #expect(try shape((-1, nil, 1)) == "[1, 1]")
        #expect(try shape((1, -1, 1)) == "[3, 7]")
        #expect(try shape((1, 4, 1)) == "[3, 3]")
        #expect(try shape((0, nil, 2)) == "[3, 5]")
        #expect(try shape((-3, -1, 2)) == "[1, 1]")
    }

    @Test func pad() {
        let cases: [LayerCase] = [
            LayerCase(["before": [1, 2], "after": [0, 3]], .normal([2, 3, 4, 5])),
            LayerCase(["axes": [1], "before": 1, "after": 2, "value": -0.5], .normal([2, 3, 4])),
            LayerCase(["axes": [1], "before": 1, "after": 2, "mode": "reflect"], .normal([2, 3, 4])),
            LayerCase(["before": [1, 2], "after": [3, 4], "mode": "reflect"], .normal([2, 3, 4, 5])),
            LayerCase(["before": [1, 2], "after": [3, 6], "mode": "replicate"], .normal([2, 3, 4, 5])),
            LayerCase(["axes": [0], "before": 2, "after": 3, "mode": "replicate"], .normal([4, 3]))
                .with { $0.hasBatch = false },
            LayerCase(["before": 0, "after": 0], .normal([2, 3])),
            LayerCase(["before": 0, "after": 0, "mode": "reflect"], .normal([2, 3])),
            LayerCase(["axes": [0], "before": 1, "after": 0], .normal([2, 3])),
            LayerCase(
                rejects: "reflect padding by 4 and 0 wants axis 1 to have at least 5 elements",
                ["before": 4, "after": 0, "mode": "reflect"], .normal([2, 4])),
            LayerCase(
                rejects: "replicate padding by 1 and 0 wants axis 1 to have at least 1 elements",
                ["before": 1, "after": 0, "mode": "replicate"], .normal([2, 0])),
            LayerCase(rejects: "before has 1 amounts, after 2", ["before": [1], "after": [1, 2]], .normal([2, 4])),
            LayerCase(
                rejects: "names axis 1 twice", ["axes": [1, -1], "before": [1, 1], "after": [1, 1]], .normal([2, 4])),
        ]
        #expect(checkLayer(.layer(Pad.self), cases: cases) == [])
    }
}
