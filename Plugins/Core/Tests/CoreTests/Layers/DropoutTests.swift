import LaminaTesting
import Testing

@testable import Core

@Suite struct DropoutTests {
    @Test func followsTheRules() {
        let cases: [LayerCase] = [
            LayerCase(.normal([7])), LayerCase(["rate": 0.1], .normal([3, 37])),
            LayerCase(["rate": 0.9], .normal([2, 3, 4, 5])).with { $0.layoutsAgree = false },
            LayerCase(["rate": 0], .normal([3, 5])), LayerCase(["rate": 1], .normal([3, 5])),
            LayerCase(rejects: "rate", ["rate": 1.5], .normal([3])),
            LayerCase(rejects: "wanted float32", [:], .integers([3], 0..<3)),
        ]
        #expect(checkLayer(.layer(Dropout.self), cases: cases) == [])
    }

    @Test(arguments: [0.1, 0.25, 0.5, 0.9])
    func dropsTheRightShare(rate: Double) throws {
        let count = 200_000
        let layer = try LayerHarness(.layer(Dropout.self), ["rate": .number(rate)])
        let result = try layer.train([.filled(.float32, [count], 1)], outputGradients: [.filled(.float32, [count], 2)])
        let y = result.outputs[0].floats
        let dropped = y.filter { $0 == 0 }.count
        // Five standard deviations of a binomial distribution.
        #expect(abs(Double(dropped) - rate * Double(count)) < 5 * (rate * (1 - rate) * Double(count)).squareRoot())
        for value in Set(y) where value != 0 { #expect(abs(Double(value) * (1 - rate) - 1) < 1e-4) }
        // The gradient goes where the value went.
        #expect(result.inputGradients[0]?.floats == y.map { 2 * $0 })
    }

    /// Neighbours, and elements that share a random word, are dropped independently.
    @Test(arguments: [1, 16, 32, 256])
    func neighboursAreIndependent(distance: Int) throws {
        let count = 200_000
        let layer = try LayerHarness(.layer(Dropout.self))
        let y = try layer.train([.filled(.float32, [count], 1)]).outputs[0].floats
        let both = (0..<count - distance).filter { y[$0] == 0 && y[$0 + distance] == 0 }.count
        let expected = Double(count - distance) / 4
        #expect(abs(Double(both) - expected) < 5 * (expected * 3 / 4).squareRoot() * 1.5)
    }

    @Test func isTheIdentityAtInference() throws {
        let x = TensorValue.normal([5, 9], seed: 3)
        #expect(try LayerHarness(.layer(Dropout.self)).predict([x]).outputs[0] == x)
    }

    @Test func seedsDiffer() throws {
        let layer = try LayerHarness(.layer(Dropout.self))
        let x = TensorValue.filled(.float32, [100], 1)
        #expect(try layer.train([x], seed: 1).outputs[0] == layer.train([x], seed: 1).outputs[0])
    }
}
