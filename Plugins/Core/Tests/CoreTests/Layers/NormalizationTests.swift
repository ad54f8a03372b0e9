import LaminaTesting
import Testing

@testable import Core

@Suite struct NormalizationTests {
    @Test(arguments: [
        ("batch_norm1d", [[6, 3], [4, 3, 7], [5, 40], [3, 17, 1]]),
        ("batch_norm2d", [[3, 5, 4, 3], [2, 20, 3, 3], [2, 16, 3, 3], [2, 2, 130, 130]]),
        ("batch_norm3d", [[2, 3, 2, 3, 4]]),
    ])
    func batchNorm(name: String, shapes: [[Int]]) throws {
        let component = try #require(CoreCatalogue.layers.first { $0.name == name })
        let cases = shapes.flatMap { shape in
            [
                LayerCase(.normal(shape)), LayerCase(["affine": false], .normal(shape)),
                LayerCase(["track_running_stats": false, "epsilon": 0.1], .normal(shape)),
            ]
        }
        #expect(checkLayer(component, cases: cases) == [])
    }

    @Test func batchNormRefusals() {
        let two: [LayerCase] = [
            LayerCase(rejects: "the input has shape [2, 3, 4], wanted [N, C, H, W]", [:], .normal([2, 3, 4])),
            LayerCase(
                rejects:
                    "the input has shape [1, 3, 1, 1], one value per channel, of which training can take no variance",
                [:], .normal([1, 3, 1, 1])),
            LayerCase(rejects: "wanted float32", [:], .integers([2, 3, 4, 5], 0..<3)),
        ]
        #expect(checkLayer(.layer(BatchNorm<Spatial2D>.self), cases: two) == [])
        let one = [LayerCase(rejects: "wanted [N, C] or [N, C, L]", [:], .normal([2, 3, 4, 5]))]
        #expect(checkLayer(.layer(BatchNorm<Spatial1D>.self), cases: one) == [])
        let instance = [LayerCase(rejects: "no positions to normalise over: wanted [N, C, L]", [:], .normal([2, 3]))]
        #expect(checkLayer(.layer(InstanceNorm<Spatial1D>.self), cases: instance) == [])
    }

    @Test func batchNormDeclaresWhatPyTorchHas() throws {
        let layer = try LayerHarness(.layer(BatchNorm<Spatial2D>.self))
        let inferred = try layer.infer([(.float32, [layer.host.symbol("N"), .init(3), .init(4), .init(4)])])
        #expect(inferred.parameters.map(\.name) == ["weight", "bias"])
        #expect(inferred.parameters.map(\.initializerAttributes) == [["value": 1.0], ["value": 0.0]])
        #expect(inferred.parameters.allSatisfy { $0.initializer == "core.constant" && $0.noDecay && $0.shape == [3] })
        #expect(inferred.buffers.map(\.name) == ["running_mean", "running_var", "num_batches_tracked"])
        #expect(inferred.buffers.map(\.initial) == [0, 1, 0])
        #expect(inferred.buffers.map(\.dtype) == [.float32, .float32, .int64])
    }

    @Test func layerNorm() {
        let cases: [LayerCase] = [
            LayerCase(.normal([3, 4, 7])), LayerCase(["dimensions": 3], .normal([2, 3, 2, 5])),
            LayerCase(["affine": false], .normal([5, 33])), LayerCase(["bias": false], .normal([5, 33])),
            LayerCase(.normal([9])).with { $0.hasBatch = false }, LayerCase(.normal([3, 400])),
            LayerCase(
                rejects: "the input has shape [2, 3], but dimensions is 3: wanted as many axes", ["dimensions": 3],
                .normal([2, 3])),
        ]
        #expect(checkLayer(.layer(LayerNorm.self), cases: cases) == [])
    }

    @Test func groupNorm() {
        let cases: [LayerCase] = [
            LayerCase(["groups": 3], .normal([2, 6, 3, 4])), LayerCase(["groups": 1], .normal([3, 4, 5])),
            LayerCase(["groups": 4], .normal([3, 4, 5])), LayerCase(["groups": 2], .normal([3, 8])),
            LayerCase(["groups": 2, "affine": false], .normal([2, 34, 3, 2, 2])),
            // More positions than are taken at once.
            LayerCase(["groups": 2], .normal([2, 4, 17_000])).with { $0.largeBatch = 17 },
            LayerCase(
                rejects: "its 6 channels cannot be split into 4 groups: set groups to a divisor", ["groups": 4],
                .normal([2, 6, 3])),
            LayerCase(rejects: "wanted at least 2 axes", ["groups": 1], .normal([6])),
        ]
        #expect(checkLayer(.layer(GroupNorm.self), cases: cases) == [])
    }

    @Test(arguments: [
        ("instance_norm1d", [3, 4, 7]), ("instance_norm2d", [2, 20, 4, 5]), ("instance_norm3d", [2, 3, 2, 3, 4]),
    ])
    func instanceNorm(name: String, shape: [Int]) throws {
        let component = try #require(CoreCatalogue.layers.first { $0.name == name })
        let cases: [LayerCase] = [
            LayerCase(.normal(shape)), LayerCase(["affine": true], .normal(shape)),
            LayerCase(["affine": true, "track_running_stats": true], .normal(shape)),
        ]
        #expect(checkLayer(component, cases: cases) == [])
    }

    /// Constant input: no variance, so that only epsilon keeps the division finite.
    @Test(arguments: ["batch_norm1d", "layer_norm"])
    func constantsBecomeZero(name: String) throws {
        let component = try #require(CoreCatalogue.layers.first { $0.name == name })
        let result = try LayerHarness(component, ["affine": false]).train([.filled(.float32, [12, 12], 1e4)])
        #expect(result.outputs[0].floats.allSatisfy { $0 == 0 })
        #expect(result.inputGradients[0]?.floats.allSatisfy(\.isFinite) == true)
    }
}
