import LaminaTesting
import Testing

@testable import Core

/// The layers of tangent networks; whole penalties are compared with PyTorch in GraphTests.
@Suite struct TangentTests {
    static let activations = CoreCatalogue.layers.map(\.name).filter {
        $0.hasSuffix("_tangent") && $0 != NormalizationTangent.name
    }

    @Test func everyActivationHasOne() {
        let names = ActivationTests.names.filter { $0 != "prelu" } + ["hard_tanh"]
        #expect(Set(Self.activations) == Set(names.map { $0 + "_tangent" }))
    }

    /// Values lie between the kinks, at which f′ jumps.
    @Test(arguments: activations)
    func activationsFollowTheRules(name: String) throws {
        let component = try #require(CoreCatalogue.layers.first { $0.name == name })
        let cases: [LayerCase] = [
            LayerCase(.uniform([7], 0.1...0.9), .normal([7])),
            LayerCase(.uniform([3, 17], -0.9 ... -0.1), .normal([3, 17])),
            LayerCase(.uniform([2, 3, 4, 5], 0.1...0.9), .normal([2, 3, 4, 5])),
            LayerCase(.uniform([], 0.1...0.9), .normal([])),
            LayerCase(
                rejects: "the direction has shape [3, 1], wanted that of the value, [3, 2]", [:], .normal([3, 2]),
                .normal([3, 1])),
            LayerCase(rejects: "wanted float32", [:], .integers([3], 0..<3), .normal([3])),
        ]
        #expect(checkLayer(component, cases: cases) == [])
    }

    @Test func variants() {
        let (x, below, direction) = (
            CaseInput.normal([3, 17]), CaseInput.uniform([3, 17], -0.9 ... -0.1), CaseInput.normal([3, 17])
        )
        func faults<F: Activation>(_ type: F.Type, _ layerCase: LayerCase) -> [String] {
            checkLayer(.layer(ActivationTangent<F>.self), cases: [layerCase])
        }
        #expect(faults(GELU.self, LayerCase(x, direction)) == [])
        #expect(faults(GELU.self, LayerCase(["approximate": "tanh"], x, direction)) == [])
        #expect(faults(SiLU.self, LayerCase(x, direction)) == [])
        #expect(faults(Softplus.self, LayerCase(["beta": 4, "threshold": 12], x, direction)) == [])
        #expect(faults(LeakyReLU.self, LayerCase(["slope": -0.5], below, direction)) == [])
        #expect(faults(ELU.self, LayerCase(["alpha": 2.5], below, direction)) == [])
    }

    @Test func zeros() {
        let cases = [LayerCase(.normal([3, 17])), LayerCase(.normal([2, 3, 4, 5])), LayerCase(.normal([]))]
        #expect(checkLayer(.layer(ZerosLike.self), cases: cases) == [])
    }

    @Test func normalizations() {
        let (rows, image) = (CaseInput.normal([5, 18]), CaseInput.normal([2, 6, 3, 5]))
        let cases: [LayerCase] = [
            LayerCase(["dimensions": 1], rows, rows), LayerCase(["dimensions": 2, "affine": false], image, image),
            LayerCase(["dimensions": 3, "epsilon": 0.1], image, image), LayerCase(["groups": 3], image, image),
            LayerCase(["groups": 6, "epsilon": 0.1], rows, rows), LayerCase([:], image, image),
            LayerCase(["affine": false], image, image),
            LayerCase(rejects: "cannot be split into 4 groups", ["groups": 4], image, image),
            LayerCase(rejects: "wanted that of the input", [:], rows, image),
        ]
        #expect(checkLayer(.layer(NormalizationTangent.self), cases: cases) == [])
    }
}
