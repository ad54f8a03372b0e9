import LaminaSDK
import LaminaTesting
import Testing

@testable import Core

@Suite struct ElementwiseLossTests {
    private let shapes = [[5], [4, 3], [300, 3], [2, 3, 4, 5]]

    private func differentiable(_ layerCase: LayerCase) -> LayerCase { layerCase.with { $0.differentiable = [0, 1] } }

    @Test func mse() {
        let cases =
            shapes.map { differentiable(LayerCase(.normal($0), .normal($0))) } + [
                LayerCase(["reduction": "sum"], .normal([6, 2]), .normal([6, 2])),
                LayerCase(rejects: "give both the same shape", [:], .normal([6, 1]), .normal([6])),
                LayerCase(rejects: "wanted float32", [:], .normal([6]), .integers([6], 0..<2)),
            ]
        #expect(checkLayer(.loss(MSELoss.self), cases: cases) == [])
    }

    @Test func l1() {
        let cases = shapes.map { differentiable(LayerCase(.normal($0), .normal($0))) }
        #expect(checkLayer(.loss(L1Loss.self), cases: cases) == [])
    }

    @Test func huber() {
        let cases =
            shapes.map { differentiable(LayerCase(["delta": 0.7], .normal($0), .normal($0))) } + [
                LayerCase(rejects: "above 0", ["delta": 0], .normal([4]), .normal([4]))
            ]
        #expect(checkLayer(.loss(HuberLoss.self), cases: cases) == [])
    }

    @Test func smoothL1() {
        let cases = shapes.map { differentiable(LayerCase(["beta": 0.7], .normal($0), .normal($0))) }
        #expect(checkLayer(.loss(SmoothL1Loss.self), cases: cases) == [])
    }

    @Test func bce() {
        let cases = shapes.flatMap { shape in
            [
                differentiable(LayerCase(.uniform(shape, 0.2...0.8), .uniform(shape, 0...1))),
                LayerCase(.uniform(shape, 0.2...0.8), .uniform(shape, 0...1), .uniform(shape, 0...2))
                    .with { $0.differentiable = [0, 1, 2] },
            ]
        }
        #expect(checkLayer(.loss(BCELoss.self), cases: cases) == [])
    }

    @Test func bceRefusesWhatIsNoProbability() throws {
        let loss = try LayerHarness(.loss(BCELoss.self))
        let target = TensorValue([3], [0, 1, 0])
        for wrong: Float in [-0.1, 1.5] {
            #expect {
                try loss.predict([TensorValue([3], [0.5, wrong, 0.5]), target])
            } throws: { error in
                "\(error)".contains("the input holds \(wrong), wanted probabilities in [0, 1]")
            }
        }
    }

    @Test func bceWithLogits() {
        let cases =
            shapes.flatMap { shape in
                [
                    differentiable(LayerCase(.normal(shape), .uniform(shape, 0...1))),
                    differentiable(LayerCase(["pos_weight": 2.5], .normal(shape), .uniform(shape, 0...1))),
                    LayerCase(.normal(shape), .uniform(shape, 0...1), .uniform(shape, 0...2))
                        .with { $0.differentiable = [0, 1, 2] },
                ]
            } + [
                differentiable(LayerCase(["pos_weight": [0.5, 1, 3]], .normal([300, 3]), .uniform([300, 3], 0...1))),
                differentiable(
                    LayerCase(["pos_weight": [0.5, 3]], .normal([4, 3, 5, 2]), .uniform([4, 3, 5, 2], 0...1))),
                LayerCase(
                    rejects: "pos_weight has 2 values", ["pos_weight": [1, 2]], .normal([4, 3]), .normal([4, 3])),
            ]
        #expect(checkLayer(.loss(BCEWithLogitsLoss.self), cases: cases) == [])
    }

    @Test func klDivergence() {
        let cases =
            shapes.flatMap { shape in
                [
                    differentiable(LayerCase(.normal(shape), .uniform(shape, 0.2...1))),
                    differentiable(LayerCase(["log_target": true], .normal(shape), .uniform(shape, -2...0))),
                    LayerCase(["reduction": "batchmean"], .normal(shape), .uniform(shape, 0.2...1)),
                ]
            } + [
                LayerCase(rejects: "wants a batch", ["reduction": "batchmean"], .normal([]), .normal([]))
                    .with { $0.hasBatch = false }
            ]
        #expect(checkLayer(.loss(KLDivergenceLoss.self), cases: cases) == [])
    }

    @Test func hinge() {
        let cases = shapes.map { differentiable(LayerCase(.normal($0), .normal($0))) }
        #expect(checkLayer(.loss(HingeLoss.self), cases: cases) == [])
    }

    /// The mean over nothing is no number, the sum is 0.
    @Test func emptyBatches() throws {
        let empty = TensorValue([0, 3], [])
        let mean = try LayerHarness(.loss(MSELoss.self)).train([empty, empty])
        #expect(mean.outputs[0].floats[0].isNaN)
        let sum = try LayerHarness(.loss(MSELoss.self), ["reduction": "sum"]).train([empty, empty])
        #expect(sum.outputs[0].floats == [0])
    }

    /// Not a number in, not a number out: the host has to see that training diverges.
    @Test func notANumberStays() throws {
        let target = TensorValue([2], [0.5, 0.5])
        for loss in CoreCatalogue.losses where !["cross_entropy", "nll", "cosine"].contains(loss.name) {
            let result = try LayerHarness(loss).predict([TensorValue([2], [0.5, .nan]), target])
            #expect(result.outputs[0].floats[0].isNaN, "\(loss.name)")
        }
    }
}
