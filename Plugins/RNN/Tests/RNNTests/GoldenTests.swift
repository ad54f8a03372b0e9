import Foundation
import LaminaTesting
import RNN
import Testing

/// Recurrent layers against PyTorch's values: outputs, final states and all gradients. Golden/generate.py wrote the files.
@Suite struct GoldenTests {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden")

    @Test(arguments: ["elman", "lstm", "gru"])
    func agreesWithPyTorch(_ name: String) throws {
        let component = try #require(RNNCatalogue.layers.first { $0.name == name })
        let path = Self.folder.appending(path: "layer_\(name).safetensors").path
        let faults = try checkLayer(component, golden: path)
        #expect(faults.isEmpty, "\(faults.joined(separator: "\n"))")
    }
}
