import GAN
import LaminaFormats
import LaminaSDK
import LaminaTesting
import Testing

/// How parameters begin, sizes, and what blocks refuse. Tests/RecipeTests compares whole blocks with PyTorch.
@Suite struct BlockTests {
    private func block(_ name: String, _ attributes: JSONObject = [:], inputs: Int = 1) throws -> ExpandedBlock {
        let component = try #require(GANCatalogue.blocks.first { $0.name == name })
        return try LaminaTesting.expand(component, attributes, inputCount: inputs)
    }

    private func refuses(_ text: String, _ name: String, _ attributes: JSONObject = [:], inputs: Int = 1) {
        let error = #expect(throws: CallError.self) { try block(name, attributes, inputs: inputs) }
        #expect(error?.text.contains(text) ?? false, "\(error?.text ?? "")")
    }

    private func convolutions(_ block: ExpandedBlock) -> [String] {
        block.nodes.filter { $0.component.contains("conv") }.map { node in
            let values = ["filters", "kernel", "stride", "padding"].map { node.attributes[$0]!.text() }
            return "\(node.name): \(values.joined(separator: " "))"
        }
    }

    @Test func dcganFor28() throws {
        let generator = try block("dcgan_generator")
        #expect(convolutions(generator) == ["conv1: 128 [7] [1] [0]", "conv2: 64 [4] [2] [1]", "conv3: 1 [4] [2] [1]"])
        #expect(generator.outputs == ["tanh"])
        let discriminator = try block("dcgan_discriminator")
        #expect(convolutions(discriminator) == ["conv1: 64 [4] [2] [1]", "conv2: 128 [4] [2] [1]"])
        #expect(
            discriminator.nodes.map(\.name) == ["conv1", "act1", "conv2", "bn2", "act2", "flatten", "head"])
    }

    @Test func dcganOfThePaper() throws {
        let generator = try block(
            "dcgan_generator", ["size": 64, "stages": 4, "channels": 3, "filters": 128, "bias": false])
        #expect(
            convolutions(generator) == [
                "conv1: 1024 [4] [1] [0]", "conv2: 512 [4] [2] [1]", "conv3: 256 [4] [2] [1]", "conv4: 128 [4] [2] [1]",
                "conv5: 3 [4] [2] [1]",
            ])
        #expect(generator["conv4"]?.attributes["bias"] == false && generator["conv5"]?.attributes["bias"] == true)
    }

    /// Without a normalisation behind them, convolutions keep their biases.
    @Test func biases() throws {
        let batch = try block("dcgan_discriminator", ["bias": false])
        #expect(batch["conv1"]?.attributes["bias"] == true && batch["conv2"]?.attributes["bias"] == false)
        for norm in ["none", "spectral"] {
            let other = try block("dcgan_discriminator", ["bias": false, "norm": .string(norm)])
            #expect(other["conv2"]?.attributes["bias"] == true)
        }
    }

    @Test func parametersBegin() throws {
        let generator = try block("dcgan_generator")
        #expect(generator["conv1"]?.initializers == ["weight": "core.normal", "bias": "core.constant"])
        #expect(generator["bn1"]?.initializers == ["weight": "core.normal"])
        #expect(try block("mlp_generator", ["shape": [2]])["fc1"]?.initializers == [:])
        let spectral = try block("spectral_conv2d", ["filters": 2, "kernel": 3, "deviation": 0.02])
        #expect(spectral["linear"]?.initializers == ["weight": "core.normal"])
        #expect(spectral["norm"]?.initializers == ["bias": "core.constant"])
        #expect(spectral["norm"]?.share == "linear")
    }

    /// 28 can be halved twice, 32 five times.
    @Test func unetGoesAsDeepAsTheSizeAllows() throws {
        #expect(try convolutions(block("unet")).count == 4)
        #expect(try convolutions(block("unet", ["size": 32])).count == 10)
        #expect(try convolutions(block("unet", ["size": 1024])).count == 16)
        let block = try block("unet", ["size": 32])
        #expect(
            block.nodes.filter { $0.component == "core.dropout" }.map(\.name) == ["up5.drop", "up4.drop", "up3.drop"])
        refuses("size 28 can be halved 2 times only", "unet", ["depth": 3])
        refuses(
            "size 27 is odd and cannot be halved: pad or resize the images to an even size, such as 28", "unet",
            ["size": 27])
        refuses("a multiple of 8", "dcgan_generator", ["stages": 3])
    }

    @Test(arguments: ["mlp_generator", "mlp_discriminator", "dcgan_generator", "dcgan_discriminator"])
    func labels(_ name: String) throws {
        let own: JSONObject = name == "mlp_generator" ? ["shape": [2]] : [:]
        refuses("a label is connected, but classes is 0", name, own, inputs: 2)
        var conditional = own
        conditional["classes"] = 3
        refuses("classes is 3, but no label is connected", name, conditional)
        #expect(try block(name, conditional, inputs: 2)["label_embedding"]?.inputs == ["#1"])
    }

    @Test func refusals() {
        refuses("more than 10^9 elements", "mlp_generator", ["shape": [1_000_000, 1_000_000, 1_000_000, 1_000_000]])
        refuses("more than 10^9 elements", "mlp_generator", ["shape": [100_000, 100_000]])
        let projection: JSONObject = ["classes": 2, "condition": "projection", "size": 8, "stages": 4]
        refuses("cannot be halved so often", "dcgan_discriminator", projection, inputs: 2)
    }
}
