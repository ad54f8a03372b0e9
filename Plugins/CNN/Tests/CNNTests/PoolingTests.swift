import CNN
import LaminaFormats
import LaminaSDK
import LaminaTesting
import Testing

/// The rules that every layer keeps, for poolings; and what they refuse.
@Suite struct PoolingTests {
    @Test(arguments: ["max_pool", "avg_pool"])
    func sliding(_ name: String) {
        checkPool(name + "1d", ["size": 3, "stride": 2, "padding": 1], [2, 3, 9])
        checkPool(name + "2d", ["size": 2], [2, 3, 6, 5])
        checkPool(name + "2d", ["size": [3, 2], "stride": 2, "padding": [1, 0]], [2, 2, 5, 6])
        checkPool(name + "2d", ["size": 3, "stride": 2, "ceil_mode": true], [2, 2, 6, 6])
        checkPool(name + "3d", ["size": 2, "padding": 1], [2, 2, 3, 2, 3])
    }

    @Test(arguments: ["max_pool", "avg_pool"])
    func refusals(_ name: String) {
        check(
            name + "2d",
            [
                LayerCase(
                    rejects: "at most half of the window, which reaches over 2", ["size": 2, "padding": [0, 2, 0, 0]],
                    .normal([2, 2, 5, 5])),
                LayerCase(rejects: "the kernel reaches over 6", ["size": 6], .normal([2, 2, 5, 5])),
                LayerCase(
                    rejects: "the kernel reaches over 6", ["size": 6, "ceil_mode": true, "stride": 5],
                    .normal([2, 2, 5, 5])),
                LayerCase(rejects: "wanted 4 dimensions", ["size": 2], .normal([2, 2, 5])),
                LayerCase(
                    rejects: "padding has 3 values, wanted 1, 2 or 4", ["size": 2, "padding": [1, 1, 1]],
                    .normal([2, 2, 5, 5])),
            ])
    }

    @Test(arguments: ["max", "avg"])
    func adaptiveAndGlobal(_ kind: String) {
        checkPool("adaptive_\(kind)_pool1d", ["output_size": 3], [2, 2, 7])
        checkPool("adaptive_\(kind)_pool2d", ["output_size": [2, 3]], [2, 2, 5, 4])
        checkPool("adaptive_\(kind)_pool3d", ["output_size": 2], [2, 1, 3, 2, 4])
        checkPool("global_\(kind)_pool1d", [:], [2, 2, 7])
        checkPool("global_\(kind)_pool2d", [:], [2, 3, 4, 3])
        checkPool("global_\(kind)_pool3d", [:], [2, 2, 2, 3, 2])
        check("global_\(kind)_pool2d", [LayerCase(rejects: "size 0", [:], .normal([2, 2, 0, 3]))])
    }

    /// One running sum over an image of equal values would be off by 5e-4 of it.
    @Test func meansOfLargeImages() throws {
        let components = CNNCatalogue.layers
        let layer = try LayerHarness(#require(components.first { $0.name == "global_avg_pool2d" }))
        for layout in [Layouts.plain, .channelsLast] {
            // More channels than are summed at a time, channels last.
            let channels = layout == .plain ? 2 : 300
            let image = TensorValue.filled(.float32, [1, channels, 224, layout == .plain ? 224 : 65], 0.1)
            let means = try layer.predict([image], layout: layout).outputs[0].floats
            #expect(means.count == channels)
            #expect(means.allSatisfy { abs($0 - 0.1) < 0.1 * 1e-5 }, "\(means.prefix(3))")
        }
    }

    /// All rules with random inputs; and finite differences with inputs so far apart that no step changes which of
    /// them is the largest.
    private func checkPool(
        _ name: String, _ attributes: JSONObject, _ shape: [Int], sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let count = shape.reduce(1, *)
        let distinct = (0..<count).map { Float($0 * 7919 % 10007 % 1009) / 8 }
        #expect(Set(distinct).count == count, "the test's inputs are not distinct")
        check(
            name,
            [
                LayerCase(attributes, .normal(shape)).with { $0.checksDerivatives = name.contains("avg") },
                LayerCase("distinct inputs", attributes, .value(TensorValue(shape, distinct))),
            ], sourceLocation: sourceLocation)
    }
}
