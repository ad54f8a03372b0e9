import Foundation
import LaminaTesting
import Testing
import Transformer

/// Layers against PyTorch's values: outputs and all gradients. Golden/generate.py wrote the files.
@Suite struct GoldenTests {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden")

    @Test(arguments: [
        "rms_norm", "gate", "rotary", "sinusoidal_positions", "learned_positions", "class_token",
        "segment_vectors", "dot_product_attention",
    ])
    func agreesWithPyTorch(_ name: String) throws {
        let component = try #require(TransformerCatalogue.layers.first { $0.name == name })
        let path = Self.folder.appending(path: "layer_\(name).safetensors").path
        let faults = try checkLayer(component, golden: path)
        #expect(faults.isEmpty, "\(faults.joined(separator: "\n"))")
    }
}
