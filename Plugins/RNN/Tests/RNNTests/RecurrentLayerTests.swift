import LaminaFormats
import LaminaTesting
import RNN
import Testing

/// The rules that every layer keeps, for recurrent layers; and what they refuse.
@Suite struct RecurrentLayerTests {
    @Test func elman() {
        check(
            "elman",
            [
                LayerCase(["units": 3], .normal([2, 3, 4])),
                LayerCase(["units": 3, "activation": "relu", "layers": 2], .normal([2, 3, 2])),
                LayerCase(["units": 17, "bidirectional": true], .normal([3, 4, 2]), .integers([3], 0..<5)),
                LayerCase(
                    ["units": 3, "returns": "last", "layers": 2, "bidirectional": true], .normal([2, 4, 3]),
                    .integers([2], 0..<5), .normal([4, 2, 3])
                ).with { $0.hasBatch = false },
            ] + refused)
    }

    @Test func lstm() {
        check(
            "lstm",
            [
                LayerCase(["units": 3], .normal([2, 3, 4])),
                LayerCase(["units": 17, "returns": "last"], .normal([3, 2, 5])),
                LayerCase(
                    ["units": 4, "layers": 2, "bidirectional": true], .normal([2, 3, 3]), .integers([2], 0..<4)),
                LayerCase(
                    ["units": 3, "layers": 2, "bidirectional": true, "bias": false], .normal([2, 3, 4]), .absent,
                    .normal([4, 2, 3]), .normal([4, 2, 3])
                ).with { $0.hasBatch = false },
                LayerCase(["units": 3], .normal([2, 3, 4]), .absent, .absent, .normal([1, 2, 3])).with {
                    $0.hasBatch = false
                },
                LayerCase(["units": 4, "layers": 3, "dropout": 0.4], .normal([3, 3, 2])),
                LayerCase(["units": 3, "layers": 2, "dropout": 1], .normal([2, 2, 2])),
                LayerCase(["units": 3], .normal([2, 0, 4])),
                LayerCase(
                    rejects: "leave out one of them", ["units": 3, "bias": false, "forget_bias": 1], .normal([2, 3, 4])),
                LayerCase(
                    rejects: "cell has shape [1, 3, 3], wanted [1, 2, 3]", ["units": 3], .normal([2, 3, 4]), .absent,
                    .absent, .normal([1, 3, 3])),
            ] + refused)
    }

    @Test(arguments: ["after", "before"]) func gru(_ reset: String) {
        func with(_ attributes: JSONObject) -> JSONObject {
            var attributes = attributes
            attributes["reset"] = .string(reset)
            return attributes
        }
        check(
            "gru",
            [
                LayerCase(with(["units": 3]), .normal([2, 3, 4])),
                LayerCase(with(["units": 17, "returns": "last"]), .normal([3, 2, 5])),
                LayerCase(
                    with(["units": 4, "layers": 2, "bidirectional": true]), .normal([2, 3, 3]), .integers([2], 0..<4)),
                LayerCase(
                    with(["units": 3, "layers": 2, "bias": false]), .normal([2, 3, 4]), .absent, .normal([2, 2, 3])
                )
                .with { $0.hasBatch = false },
            ] + refused)
    }

    /// The steps of a lone sample with large weights are shared by two threads, in whatever order they come.
    @Test(arguments: [("elman", 200), ("lstm", 100), ("gru", 112)]) func loneSample(_ name: String, _ units: Int) {
        check(
            name,
            [
                LayerCase(["units": .integer(Int64(units))], .normal([1, 20, 3])).with {
                    $0.hasBatch = false
                    $0.checksDerivatives = false
                }
            ])
    }

    @Test func loneSampleOfBothHalves() {
        check(
            "gru",
            [
                LayerCase(["units": 112, "reset": "before"], .normal([1, 20, 3])).with {
                    $0.hasBatch = false
                    $0.checksDerivatives = false
                }
            ])
    }

    private var refused: [LayerCase] {
        [
            LayerCase(rejects: "dropout acts between layers", ["units": 3, "dropout": 0.5], .normal([2, 3, 4])),
            LayerCase(rejects: "wanted 3 dimensions [N, T, features]", ["units": 3], .normal([2, 4])),
            LayerCase(rejects: "input 0 has type int64", ["units": 3], .integers([2, 3, 4], 0..<9)),
            LayerCase(
                rejects: "lengths has shape [3], wanted [2]", ["units": 3], .normal([2, 3, 4]), .integers([3], 0..<4)),
            LayerCase(rejects: "input 1 has type float32", ["units": 3], .normal([2, 3, 4]), .normal([2])),
            LayerCase(
                rejects: "hidden has shape [1, 2, 3], wanted [2, 2, 3]", ["units": 3, "bidirectional": true],
                .normal([2, 3, 4]), .absent, .normal([1, 2, 3])),
            LayerCase(
                rejects: "sample 1 of lengths has length 4, wanted 0 to 3", ["units": 3], .normal([2, 3, 4]),
                .value(TensorValue([2], int64s: [3, 4]))),
            LayerCase(
                rejects: "sample 0 of lengths has length -1, wanted 0 to 3", ["units": 3], .normal([2, 3, 4]),
                .value(TensorValue([2], int64s: [-1, 4]))),
        ]
    }

    @Test func dropoutDropsBetweenLayersInTrainingOnly() throws {
        let component = try #require(RNNCatalogue.layers.first { $0.name == "elman" })
        let attributes: JSONObject = ["units": 40, "layers": 2, "dropout": 0.25, "activation": "relu", "bias": false]
        let harness = try LayerHarness(component, attributes)
        // The first layer passes its input on, the second what it gets.
        let identity = TensorValue([40, 40], (0..<1600).map { $0 % 41 == 0 ? 1 : 0 })
        let zeros = TensorValue.filled(.float32, [40, 40], 0)
        let parameters = [
            "weight_ih_l0": identity, "weight_hh_l0": zeros, "weight_ih_l1": identity, "weight_hh_l1": zeros,
        ]
        let x = TensorValue.filled(.float32, [8, 25, 40], 3)
        #expect(try harness.predict([x], parameters: parameters).outputs[0] == x)
        let trained = try harness.train(
            [x], parameters: parameters,
            outputGradients: [.filled(.float32, [8, 25, 40], 1), .filled(.float32, [2, 8, 40], 0)])
        let values = trained.outputs[0].floats
        #expect(values.allSatisfy { $0 == 0 || $0 == 4 })
        let dropped = Double(values.filter { $0 == 0 }.count) / Double(values.count)
        #expect(abs(dropped - 0.25) < 0.02)
        // The final states of the first layer are not dropped.
        #expect(trained.outputs[1].floats.prefix(8 * 40).allSatisfy { $0 == 3 })
        let gradient = try #require(trained.inputGradients[0]?.floats)
        #expect(gradient == values.map { $0 / 3 })
    }
}

/// Runs `checkLayer` on a layer of the catalogue.
func check(_ name: String, _ cases: [LayerCase], sourceLocation: SourceLocation = #_sourceLocation) {
    guard let component = RNNCatalogue.layers.first(where: { $0.name == name }) else {
        Issue.record("there is no layer \(name)", sourceLocation: sourceLocation)
        return
    }
    let faults = checkLayer(component, cases: cases)
    #expect(faults.isEmpty, "\(faults.joined(separator: "\n"))", sourceLocation: sourceLocation)
}
