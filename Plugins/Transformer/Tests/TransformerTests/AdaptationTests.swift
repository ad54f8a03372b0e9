import Foundation
import LaminaFormats
import LaminaSDK
import LaminaTesting
import Testing

@testable import Transformer

/// What is put behind the layers of a trained network: rules, PyTorch's values, and that at first nothing changes.
@Suite struct AdaptationTests {
    @Test(arguments: ["lora", "adapter", "prompt"])
    func agreesWithPyTorch(_ name: String) throws {
        let component = try #require(TransformerCatalogue.adaptation.first { $0.name == name })
        let faults = try checkLayer(
            component, golden: GoldenTests.folder.appending(path: "layer_\(name).safetensors").path)
        #expect(faults.isEmpty, "\(faults.joined(separator: "\n"))")
    }

    @Test func loraRules() {
        let cases = [
            LayerCase(["rank": 3, "alpha": 6], .normal([4, 7]), .normal([4, 5])),
            LayerCase(["rank": 2], .normal([2, 3, 6]), .normal([2, 3, 9])),
            LayerCase(["rank": 2, "dropout": 0.3], .normal([5, 6]), .normal([5, 3])),
            LayerCase(["rank": 5], .normal([2, 1]), .normal([2, 1])),
            LayerCase(["rank": 2], .normal([3, 0]), .normal([3, 4])),
            LayerCase(["rank": 2], .normal([3, 4]), .normal([3, 0])),
            LayerCase(rejects: "wanted the same", [:], .normal([3, 4]), .normal([2, 4])),
            LayerCase(rejects: "wanted the same", [:], .normal([3, 4]), .normal([3, 2, 4])),
            LayerCase(rejects: "int64", [:], .integers([3, 4], 0..<4), .normal([3, 4])),
            LayerCase(rejects: "rank", ["rank": 0], .normal([3, 4]), .normal([3, 4])),
        ]
        let faults = checkLayer(.layer(LoRA.self), cases: cases)
        #expect(faults.isEmpty, "\(faults.joined(separator: "\n"))")
    }

    @Test func adapterRules() {
        var cases = ["gelu", "gelu_tanh", "silu", "tanh"].map {
            LayerCase(["size": 3, "activation": .string($0)], .normal([4, 5]))
        }
        cases += [
            LayerCase(["size": 2], .normal([2, 3, 5])),
            LayerCase(["size": 1], .normal([3, 1])),
            LayerCase(["size": 4], .normal([3, 0])),
            LayerCase(rejects: "the input is a scalar", [:], .normal([])),
            LayerCase(rejects: "int64", [:], .integers([2, 4], 0..<4)),
        ]
        let faults = checkLayer(.layer(Adapter.self), cases: cases)
        #expect(faults.isEmpty, "\(faults.joined(separator: "\n"))")
    }

    @Test func promptRules() {
        let cases = [
            LayerCase(["count": 2], .normal([3, 4, 5])),
            LayerCase(["count": 3, "at": 1], .normal([2, 4, 3])),
            LayerCase(["count": 1], .normal([2, 0, 3])),
            LayerCase(["count": 2, "at": 1, "replace": true], .normal([2, 5, 3])),
            LayerCase(["count": 2, "replace": true], .normal([2, 2, 7])),
            LayerCase(["count": 2], .normal([2, 3, 0])),
            LayerCase(rejects: "at least 3", ["count": 2, "at": 1, "replace": true], .normal([2, 2, 3])),
            LayerCase(rejects: "at least 1", ["count": 2, "at": 1], .normal([2, 0, 3])),
            LayerCase(rejects: "wanted [N, time, features]", [:], .normal([2, 3])),
        ]
        let faults = checkLayer(.layer(Prompt.self), cases: cases)
        #expect(faults.isEmpty, "\(faults.joined(separator: "\n"))")
    }

    /// Half of the elements of x are left out of the update, the others doubled; without training all count.
    @Test func dropoutIsOfTheUpdateAlone() throws {
        let n = 4000
        let parameters = ["lora_A": TensorValue([1, 1], [1]), "lora_B": TensorValue([1, 1], [1])]
        let layer = try LayerHarness(.layer(LoRA.self), ["rank": 1, "alpha": 1, "dropout": 0.5])
        let (x, before) = (
            TensorValue([n, 1], Array(repeating: 1, count: n)), TensorValue([n, 1], Array(repeating: 5, count: n))
        )
        let trained = try layer.train([x, before], parameters: parameters)
        let values = trained.outputs[0].floats
        #expect(values.allSatisfy { $0 == 5 || $0 == 7 })
        #expect(abs(values.count { $0 == 7 } - n / 2) < 150)
        // The gradient passes where the element counted, and only there.
        let gradient = try #require(trained.inputGradients[0]).floats
        let given = try #require(trained.inputGradients[1]).floats
        for (index, value) in values.enumerated() {
            #expect(value == 5 ? gradient[index] == 0 : abs(gradient[index] - 2 * given[index]) < 1e-6)
        }
        #expect(try layer.predict([x, before], parameters: parameters).outputs[0].floats.allSatisfy { $0 == 6 })
    }
}
