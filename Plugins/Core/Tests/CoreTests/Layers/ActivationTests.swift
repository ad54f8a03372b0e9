import LaminaTesting
import Testing

@testable import Core

@Suite struct ActivationTests {
    static let names = [
        "elu", "gelu", "hard_sigmoid", "hard_swish", "leaky_relu", "prelu", "relu", "relu6", "selu",
        "sigmoid", "silu", "softplus", "tanh",
    ]

    @Test(arguments: names)
    func followsTheRules(name: String) throws {
        let component = try #require(CoreCatalogue.layers.first { $0.name == name })
        let cases: [LayerCase] = [
            LayerCase(.normal([7])), LayerCase(.normal([3, 17])), LayerCase(.normal([2, 3, 4, 5])),
            LayerCase(.normal([2, 3, 2, 3, 2])), LayerCase(.normal([])),
            LayerCase(rejects: "wanted float32", [:], .integers([3], 0..<3)),
        ]
        #expect(checkLayer(component, cases: cases) == [])
    }

    @Test func variants() {
        #expect(checkLayer(.layer(GELU.self), cases: [LayerCase(["approximate": "tanh"], .normal([3, 17]))]) == [])
        #expect(checkLayer(.layer(LeakyReLU.self), cases: [LayerCase(["slope": -0.5], .normal([3, 17]))]) == [])
        #expect(checkLayer(.layer(ELU.self), cases: [LayerCase(["alpha": 2.5], .normal([3, 17]))]) == [])
        let softplus: [LayerCase] = [
            LayerCase(["beta": 4, "threshold": 12], .normal([3, 17])),
            LayerCase(rejects: "beta is 0, wanted another number", ["beta": 0], .normal([3])),
        ]
        #expect(checkLayer(.layer(Softplus.self), cases: softplus) == [])
        let hardTanh: [LayerCase] = [
            // Away from the bends, which a step along a random direction would cross.
            LayerCase(.uniform([2, 3, 4, 5], -0.9...0.9)), LayerCase(.uniform([3, 17], 1.1...4)),
            LayerCase(["minimum": -0.3, "maximum": 0.8], .uniform([3, 17], -0.2...0.7)),
            LayerCase(["minimum": -0.3, "maximum": 0.8], .uniform([3, 17], -3 ... -0.4)),
            LayerCase(
                rejects: "minimum is 2.0, wanted a number below maximum", ["minimum": 2, "maximum": 1], .normal([3])),
        ]
        #expect(checkLayer(.layer(HardTanh.self), cases: hardTanh) == [])
    }

    @Test func preluPerChannel() {
        let cases: [LayerCase] = [
            LayerCase(["num_parameters": 3], .normal([2, 3, 4, 5])),
            LayerCase(["num_parameters": 19], .normal([6, 19])),
            LayerCase(["num_parameters": 3], .normal([2, 3])),
            LayerCase(["num_parameters": 300], .normal([2, 300, 2])),
            LayerCase(
                rejects: "the input has shape [2, 5], but num_parameters is 3: wanted [N, 3, …]", ["num_parameters": 3],
                .normal([2, 5])),
            LayerCase(rejects: "wanted [N, 3, …]", ["num_parameters": 3], .normal([3])),
        ]
        #expect(checkLayer(.layer(PReLU.self), cases: cases) == [])
    }

    /// NaN goes through as in PyTorch: nothing hides that a computation has failed.
    @Test(arguments: names)
    func nanStays(name: String) throws {
        let component = try #require(CoreCatalogue.layers.first { $0.name == name })
        let x = TensorValue([20], (0..<20).map { $0 % 3 == 1 ? .nan : Float($0) - 10 })
        let y = try LayerHarness(component).train([x]).outputs[0].floats
        for (index, value) in y.enumerated() { #expect(value.isNaN == (index % 3 == 1), "element \(index)") }
    }

    @Test(arguments: ["softmax", "log_softmax"])
    func softmax(name: String) throws {
        let component = try #require(CoreCatalogue.layers.first { $0.name == name })
        let cases: [LayerCase] = [
            LayerCase(.normal([5, 10])), LayerCase(.normal([3, 4, 17])),
            LayerCase(["axis": 1], .normal([2, 3, 4, 5])), LayerCase(["axis": 2], .normal([2, 3, 20, 5])),
            LayerCase(["axis": 0], .normal([7])).with { $0.hasBatch = false },
            LayerCase(
                rejects: "axis is 2, but the input has shape [3, 4]: wanted -2 to 1", ["axis": 2], .normal([3, 4])),
            LayerCase(rejects: "wanted an input with at least one axis", [:], .normal([])),
            LayerCase(rejects: "wanted float32", [:], .integers([3], 0..<3)),
        ]
        #expect(checkLayer(component, cases: cases) == [])
    }
}
