import CAllocationCounter
import CNN
import LaminaTesting
import Testing

/// The rules that every layer keeps, for convolutions; and what they refuse.
@Suite struct ConvolutionTests {
    @Test func conv1d() {
        check(
            "conv1d",
            [
                LayerCase(["filters": 3, "kernel": 3, "padding": "same"], .normal([2, 2, 9])),
                LayerCase(["filters": 4, "kernel": 2, "stride": 2, "groups": 2, "dilation": 3], .normal([2, 4, 11])),
            ])
    }

    @Test func conv2d() {
        check(
            "conv2d",
            [
                LayerCase(["filters": 3, "kernel": 3], .normal([2, 2, 5, 6])),
                LayerCase(
                    ["filters": 4, "kernel": [2, 3], "stride": [1, 2], "padding": [1, 0, 2, 1]], .normal([2, 3, 5, 4])),
                LayerCase(
                    ["filters": 4, "kernel": 3, "groups": 4, "padding": 1, "bias": false], .normal([2, 4, 4, 4])),
                LayerCase(["filters": 5, "kernel": 1, "stride": 3], .normal([2, 3, 7, 7])),
                // Large variants of this one are computed by Winograd's algorithm.
                LayerCase(["filters": 17, "kernel": 3, "padding": 1], .normal([2, 16, 9, 8])),
                LayerCase(
                    rejects: "wanted 4 dimensions [N, C, H, W]", ["filters": 3, "kernel": 3], .normal([2, 2, 5])),
                LayerCase(
                    rejects: "2 channels, wanted a multiple of groups", ["filters": 3, "kernel": 3, "groups": 3],
                    .normal([1, 2, 8, 8])),
                LayerCase(
                    rejects: "filters is 4, wanted a multiple of groups", ["filters": 4, "kernel": 3, "groups": 3],
                    .normal([1, 3, 8, 8])),
                LayerCase(
                    rejects: "spatial axis 1 has size 2, with padding 4, but the kernel reaches over 5",
                    ["filters": 4, "kernel": 5, "padding": [2, 1]], .normal([1, 3, 8, 2])),
                LayerCase(
                    rejects: "padding: same needs stride 1",
                    ["filters": 4, "kernel": 3, "stride": 2, "padding": "same"],
                    .normal([1, 3, 8, 8])),
                LayerCase(
                    rejects: "padding has 3 values, wanted 1, 2 or 4",
                    ["filters": 4, "kernel": 3, "padding": [1, 2, 3]],
                    .normal([1, 3, 8, 8])),
                LayerCase(rejects: "size 0", ["filters": 4, "kernel": 1, "padding": 1], .normal([1, 3, 0, 8])),
            ])
    }

    @Test func conv3d() {
        check(
            "conv3d",
            [
                LayerCase(["filters": 2, "kernel": 2, "padding": [0, 1, 1]], .normal([2, 2, 3, 3, 2])),
                LayerCase(
                    ["filters": 2, "kernel": [1, 3, 2], "stride": 2, "padding": "valid"], .normal([1, 3, 3, 4, 4])),
            ])
    }

    @Test func convTranspose1d() {
        check(
            "conv_transpose1d",
            [
                LayerCase(["filters": 3, "kernel": 3, "stride": 2, "output_padding": 1], .normal([2, 2, 5]))
            ])
    }

    @Test func convTranspose2d() {
        check(
            "conv_transpose2d",
            [
                LayerCase(["filters": 3, "kernel": 4, "stride": 2, "padding": 1], .normal([2, 2, 3, 4])),
                LayerCase(
                    ["filters": 2, "kernel": 2, "dilation": 3, "output_padding": 2, "bias": false],
                    .normal([2, 2, 3, 3])),
                LayerCase(["filters": 4, "kernel": 3, "groups": 2, "padding": [1, 0, 2, 1]], .normal([2, 2, 4, 4])),
                LayerCase(["filters": 18, "kernel": 3], .normal([2, 17, 7, 9])),
                LayerCase(
                    rejects: "output_padding along spatial axis 1 is 2",
                    ["filters": 4, "kernel": 3, "stride": [3, 2], "output_padding": 2], .normal([1, 3, 8, 8])),
                LayerCase(
                    rejects: "would have size -1", ["filters": 4, "kernel": 1, "padding": 1], .normal([1, 3, 8, 1])),
                LayerCase(
                    rejects: "output_padding alone",
                    ["filters": 1, "kernel": 1, "dilation": 5, "padding": [1, 0], "output_padding": 4],
                    .normal([1, 1, 1, 1])),
            ])
    }

    @Test func convTranspose3d() {
        check(
            "conv_transpose3d",
            [
                LayerCase(["filters": 2, "kernel": 2, "stride": [1, 2, 2]], .normal([2, 2, 2, 2, 3]))
            ])
    }
}

/// oneDNN puts the arguments of every call in a table on the heap (2.6.3: 3 to 7 objects), and there is no way around:
/// the rule that calls use no malloc is checked for our code alone.
private let isOneDNNExempt =
    lamina_allocation_exempt("libdnnl.so") == 1 && lamina_allocation_exempt("libstdc++.so") == 1

/// Runs `checkLayer` on a layer of the catalogue.
func check(_ name: String, _ cases: [LayerCase], sourceLocation: SourceLocation = #_sourceLocation) {
    guard let component = CNNCatalogue.layers.first(where: { $0.name == name }) else {
        Issue.record("there is no layer \(name)", sourceLocation: sourceLocation)
        return
    }
    #expect(isOneDNNExempt, sourceLocation: sourceLocation)
    let faults = checkLayer(component, cases: cases)
    #expect(faults.isEmpty, "\(faults.joined(separator: "\n"))", sourceLocation: sourceLocation)
}
