import LaminaFormats
import LaminaSDK
import LaminaTesting
import Testing

@testable import GAN

/// The rules that every layer keeps, and what the layers refuse.
@Suite struct LayerTests {
    @Test func minibatchDiscrimination() {
        let faults = checkLayer(
            .layer(MinibatchDiscrimination.self),
            cases: [
                LayerCase(["kernels": 3, "dimensions": 2], .normal([4, 5])).with { $0.largeBatch = 150 },
                LayerCase(["kernels": 1, "dimensions": 1], .normal([6, 1])).with { $0.largeBatch = 300 },
                // Of so many pairs one is always close to the kink of its distance: no finite differences.
                LayerCase(["kernels": 9, "dimensions": 4], .normal([17, 3])).with {
                    ($0.largeBatch, $0.checksDerivatives) = (130, false)
                },
                LayerCase(rejects: "wanted [N, F]", [:], .normal([2, 3, 4])),
                LayerCase(rejects: "0 features", [:], .normal([2, 0])),
                LayerCase(rejects: "int64", [:], .integers([2, 3], 0..<3)),
            ])
        #expect(faults.isEmpty, "\(faults.joined(separator: "\n"))")
    }

    /// One far from all others is close to itself alone.
    @Test func similaritiesByHand() throws {
        let layer = try LayerHarness(.layer(MinibatchDiscrimination.self), ["kernels": 1, "dimensions": 1])
        let result = try layer.predict(
            [TensorValue([3, 1], [0, 0, 100])], parameters: ["weight": TensorValue([1, 1, 1], [1])])
        #expect(result.outputs[0].floats == [0, 2, 0, 2, 100, 1])
    }

    /// A weight whose first singular value is far above the others: power iteration has converged when the derivatives
    /// are compared, which take its vectors as constants.
    private func weight(_ shape: [Int]) -> TensorValue {
        let columns = shape.dropFirst().reduce(1, *)
        return TensorValue(
            shape,
            (0..<shape[0] * columns).map { index in
                let (row, column) = (index / columns, index % columns)
                return Float(row % 3 - 1) * Float(column % 4 + 1) + 0.05 * Float(index * 37 % 11 - 5)
            })
    }

    @Test func spectralNorm() {
        func with(_ shape: [Int]) -> (inout LayerCase) -> Void { { $0.parameters = ["weight": self.weight(shape)] } }
        let faults = checkLayer(
            .layer(SpectralNorm.self),
            cases: [
                LayerCase(.normal([4, 3]), .normal([4, 5])).with(with([3, 5])),
                LayerCase(["bias": false, "iterations": 2], .normal([2, 3, 7]), .normal([2, 3, 2])).with(with([7, 2])),
                LayerCase(["kernel": 3], .normal([2, 5, 3, 4]), .normal([2, 2, 5, 6])).with(with([5, 2, 3, 3])),
                LayerCase(["kernel": [1, 2], "bias": false], .normal([2, 4, 3, 3]), .normal([2, 3, 3, 4])).with(
                    with([4, 3, 1, 2])),
                LayerCase(["kernel": 2], .normal([3, 17, 1]), .normal([3, 1, 2])).with(with([17, 1, 2])),
                LayerCase(rejects: "input and the output of one layer", [:], .normal([4, 3]), .normal([4, 2, 5])),
                LayerCase(
                    rejects: "for a dense layer leave kernel out", ["kernel": 3], .normal([4, 3]), .normal([4, 5])),
                LayerCase(
                    rejects: "for a dense layer leave kernel out", ["kernel": [3, 3]], .normal([4, 3, 2]),
                    .normal([4, 5, 2])),
                LayerCase(rejects: "wanted channels", [:], .normal([4, 3]), .normal([4, 0])),
            ])
        #expect(faults.isEmpty, "\(faults.joined(separator: "\n"))")
    }

    /// A new model, whose buffers are 0, has a good σ from its first step on, and before it, too.
    @Test(arguments: [true, false])
    func firstStepConverges(_ isTraining: Bool) throws {
        let layer = try LayerHarness(.layer(SpectralNorm.self), ["bias": false])
        let (z, x) = (TensorValue([1, 3], [3, 6, 9]), TensorValue([1, 3], [0, 0, 0]))
        let parameters = ["weight": TensorValue([3, 3], [0.5, 0, 0, 0, -3, 0, 0, 0, 1])]
        let result =
            isTraining
            ? try layer.train([z, x], parameters: parameters) : try layer.predict([z, x], parameters: parameters)
        #expect(zip(result.outputs[0].floats, [1, 2, 3]).allSatisfy { abs($0 - $1) < 1e-5 })
    }

    @Test func aWeightOfZerosGivesTheBias() throws {
        let layer = try LayerHarness(.layer(SpectralNorm.self))
        let zero = TensorValue([2, 2], [0, 0, 0, 0])
        let result = try layer.train(
            [zero, zero], parameters: ["weight": zero, "bias": TensorValue([2], [1, 2])])
        #expect(result.outputs[0].floats == [1, 2, 1, 2])
    }
}
