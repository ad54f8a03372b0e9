import LaminaTesting
import Testing

@testable import Core

/// Every layer agrees with PyTorch: `Golden/generate_layers.py` writes a file per layer.
@Suite struct LayerGoldenTests {
    /// Random, so that there is nothing to compare value by value; `DropoutTests` has its own.
    static let others = ["dropout"]

    /// Layers of tangent networks are no modules of PyTorch's: GraphTests compares the whole penalties that they make with its
    /// double backward, `TangentTests` their gradients with differences.
    static let names = CoreCatalogue.layers.map(\.name).filter {
        !others.contains($0) && !$0.hasSuffix("_tangent") && $0 != ZerosLike.name
    }

    @Test(arguments: names)
    func agreesWithPyTorch(name: String) throws {
        let component = try #require(CoreCatalogue.layers.first { $0.name == name })
        let faults = try checkLayer(component, golden: golden("layer_\(name)"))
        #expect(faults == [])
    }

    @Test func namesAreUnique() {
        let names = CoreCatalogue.layers.map(\.name)
        #expect(Set(names).count == names.count)
    }
}
