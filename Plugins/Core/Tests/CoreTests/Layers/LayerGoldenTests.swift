import LaminaTesting
import Testing

@testable import Core

/// Every layer agrees with PyTorch: `Golden/generate_layers.py` writes a file per layer.
@Suite struct LayerGoldenTests {
    /// Random, so that there is nothing to compare value by value; `DropoutTests` has its own.
    static let others = ["dropout"]

    static let names = CoreCatalogue.layers.map(\.name).filter { !others.contains($0) }

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
