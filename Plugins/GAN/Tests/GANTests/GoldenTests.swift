import Foundation
import GAN
import LaminaTesting
import Testing

/// Every layer against PyTorch's values, outputs and gradients. Golden/generate.py wrote the files.
@Suite struct GoldenTests {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden")

    @Test(arguments: GANCatalogue.layers.map(\.name))
    func agreesWithPyTorch(_ name: String) throws {
        let component = try #require(GANCatalogue.layers.first { $0.name == name })
        let path = Self.folder.appending(path: "layer_\(name).safetensors").path
        let faults = try checkLayer(component, golden: path)
        #expect(faults.isEmpty, "\(faults.joined(separator: "\n"))")
    }
}
