import Foundation
import LaminaFormats
import LaminaSDK
import LaminaTesting
import Testing

@testable import Transformer

/// Layers that tell a network where a step stands.
@Suite struct PositionTests {
    @Test func learnedRules() {
        let faults = checkLayer(
            .layer(LearnedPositions.self),
            cases: [
                LayerCase(["count": 5], .normal([3, 5, 7])),
                LayerCase(["count": 9], .normal([2, 4, 3])),
                LayerCase(["count": 40], .normal([2, 33, 17])),
                LayerCase(["count": 2], .normal([3, 0, 4])),
                LayerCase(["count": 2], .normal([3, 2, 0])),
                LayerCase(rejects: "the input has 6 steps, but count is 5", ["count": 5], .normal([2, 6, 3])),
                LayerCase(rejects: "wanted [N, time, features]", ["count": 5], .normal([2, 6])),
                LayerCase(rejects: "has type int64", ["count": 5], .integers([2, 3, 4], 0..<5)),
                LayerCase(rejects: "count", [:], .normal([2, 3, 4])),
            ])
        #expect(faults.isEmpty, "\(faults.joined(separator: "\n"))")
    }

    @Test func segmentRules() {
        let faults = checkLayer(
            .layer(SegmentVectors.self),
            cases: [
                LayerCase(["count": 3], .normal([3, 5, 7]), .integers([3, 5], 0..<3)),
                LayerCase(["count": 1], .normal([2, 4, 3]), .integers([2, 4], 0..<1)),
                LayerCase(["count": 2], .normal([2, 33, 70]), .integers([2, 33], 0..<2)),
                LayerCase(["count": 2], .normal([3, 5, 4])),
                LayerCase(["count": 2], .normal([3, 0, 4]), .integers([3, 0], 0..<2)),
                LayerCase(["count": 2], .normal([3, 2, 0])),
                LayerCase(
                    rejects: "the segments have shape [2, 5], wanted [2, 6], one per step", ["count": 5],
                    .normal([2, 6, 3]), .integers([2, 5], 0..<5)),
                LayerCase(
                    rejects: "is of segment 7, but count is 2: wanted 0 to 1", ["count": 2], .normal([2, 6, 3]),
                    .integers([2, 6], 7..<8)),
                LayerCase(rejects: "wanted [N, time, features]", ["count": 5], .normal([2, 6])),
                LayerCase(rejects: "count", [:], .normal([2, 3, 4])),
            ])
        #expect(faults.isEmpty, "\(faults.joined(separator: "\n"))")
    }

    @Test func sinusoidalRules() {
        let faults = checkLayer(
            .layer(SinusoidalPositions.self),
            cases: [
                LayerCase(.normal([3, 5, 8])),
                LayerCase(["scale": 3], .normal([2, 4, 7])),
                LayerCase(["scale": 0, "base": 10], .normal([2, 3, 1])),
                LayerCase(["scale": -0.5], .normal([2, 70, 33])),
                LayerCase(.normal([3, 0, 4])),
                LayerCase(.normal([3, 4, 0])),
                LayerCase(rejects: "wanted [N, time, features]", [:], .normal([2, 6])),
                LayerCase(rejects: "base", ["base": 0], .normal([2, 3, 4])),
            ])
        #expect(faults.isEmpty, "\(faults.joined(separator: "\n"))")
    }

    /// More steps than there are positions is also an error where the number of steps is only known when it runs.
    @Test func learnedPositionsEnd() throws {
        let layer = try LayerHarness(.layer(LearnedPositions.self), ["count": 4])
        let symbols = [layer.host.symbol("N"), layer.host.symbol("T")]
        let inferred = try layer.infer([(.float32, symbols + [Dimension(3)])])
        #expect(inferred.outputs.map(\.dimensions) == [symbols + [Dimension(3)]])
        #expect(inferred.parameters.map(\.shape) == [[4, 3]])
        #expect(inferred.parameters.map(\.initializer) == ["core.normal"])
        let error = #expect(throws: CallError.self) { try layer.predict([.normal([2, 5, 3], seed: 1)]) }
        #expect(error?.text.contains("has 5 steps, but count is 4") == true)
    }

    @Test func sinusoidalFarAway() throws {
        let (steps, size) = (5000, 6)
        let zeros = TensorValue([1, steps, size], [Float](repeating: 0, count: steps * size))
        let got = try LayerHarness(.layer(SinusoidalPositions.self)).predict([zeros]).outputs[0].floats
        for t in [0, 1, 77, 4999] {
            for i in 0..<size {
                let angle = Double(t) / pow(10000, Double(i / 2 * 2) / Double(size))
                #expect(abs(Double(got[t * size + i]) - (i % 2 == 0 ? sin(angle) : cos(angle))) < 1e-7)
            }
        }
    }

    /// Rows are made when they are needed, and then for as many steps again, but never more than there may be.
    @Test func tablesGrow() {
        var (made, times) = (0, 0)
        for past in 0..<1000 {
            let rows = PositionTable.rows(made: made, needed: past + 1, count: 1000)
            #expect(rows > past && rows <= min(1000, 2 * past + 1))
            times += rows > made ? 1 : 0
            made = rows
        }
        #expect(made == 1000 && times == 11)
        #expect(PositionTable.rows(made: 0, needed: 300, count: 1_000_000) == 300)
    }

    @Test func imageSizeRules() {
        let faults = checkLayer(
            .layer(ImageSize.self),
            cases: [
                LayerCase(["size": 4], .normal([3, 2, 4, 4])),
                LayerCase(["size": [3, 5]], .normal([2, 1, 3, 5])),
                LayerCase(["size": 3], .normal([2, 0, 3, 3])),
                LayerCase(
                    rejects: "images are 28 × 28, but the network is made for 32 × 32", ["size": 32],
                    .normal([2, 1, 28, 28])),
                LayerCase(rejects: "images are 30 × 28, but", ["size": 28], .normal([2, 1, 30, 28])),
                LayerCase(rejects: "wanted [N, channels, 4, 4]", ["size": 4], .normal([2, 4, 4])),
                LayerCase(rejects: "has type int64", ["size": 4], .integers([2, 1, 4, 4], 0..<5)),
            ])
        #expect(faults.isEmpty, "\(faults.joined(separator: "\n"))")
    }

    /// Images whose size is only known when they come.
    @Test func imageSizeAtLast() throws {
        let layer = try LayerHarness(.layer(ImageSize.self), ["size": [4, 6]])
        let symbols = ["N", "H", "W"].map { layer.host.symbol($0) }
        let shape = [symbols[0], Dimension(3), symbols[1], symbols[2]]
        #expect(try layer.infer([(.float32, shape)]).outputs.map(\.dimensions) == [shape])
    }

    @Test func classTokenRules() {
        let faults = checkLayer(
            .layer(ClassToken.self),
            cases: [
                LayerCase(.normal([3, 4, 5])),
                LayerCase(.normal([2, 1, 33])),
                LayerCase(.normal([2, 0, 3])),
                LayerCase(.normal([2, 3, 0])),
                LayerCase(rejects: "wanted [N, time, features]", [:], .normal([2, 6])),
                LayerCase(rejects: "has type int64", [:], .integers([2, 3, 4], 0..<5)),
            ])
        #expect(faults.isEmpty, "\(faults.joined(separator: "\n"))")
    }

    @Test func classTokenStandsFirst() throws {
        let layer = try LayerHarness(.layer(ClassToken.self))
        let time = layer.host.symbol("T")
        let inferred = try layer.infer([(.float32, [layer.host.symbol("N"), time, Dimension(2)])])
        let steps = inferred.outputs[0].dimensions[1]
        #expect(layer.host.value(of: steps, where: ["T": 196]) == 197)
        let got = try layer.train(
            [TensorValue([2, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8])], parameters: ["weight": TensorValue([2], [-1, -2])],
            outputGradients: [TensorValue([2, 3, 2], (0..<12).map(Float.init))])
        #expect(got.outputs[0].floats == [-1, -2, 1, 2, 3, 4, -1, -2, 5, 6, 7, 8])
        #expect(got.parameterGradients[0]?.floats == [6, 8])
        #expect(got.inputGradients[0]?.floats == [2, 3, 4, 5, 8, 9, 10, 11])
    }
}
