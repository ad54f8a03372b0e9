import CNN
import LaminaTesting
import Testing

/// The rules that every layer keeps, for upsampling and pixel shuffle; and what they refuse.
@Suite struct ResamplingTests {
    @Test func upsample() {
        check(
            "upsample2d",
            [
                LayerCase(.normal([2, 3, 3, 2])),
                LayerCase(["factor": [1, 3]], .normal([2, 17, 2, 1])),
                LayerCase(["mode": "bilinear"], .normal([2, 2, 3, 4])),
                LayerCase(["factor": [3, 2], "mode": "bilinear"], .normal([1, 5, 1, 3])),
                LayerCase(["factor": 1, "mode": "bilinear"], .normal([2, 1, 2, 2])),
                LayerCase(["factor": 5], .normal([3, 0, 2, 2])),
                LayerCase(rejects: "wanted 4 dimensions [N, C, H, W]", [:], .normal([2, 3, 4])),
                LayerCase(rejects: "size 0", [:], .normal([2, 3, 0, 4])),
                LayerCase(rejects: "factor", ["factor": 0], .normal([2, 3, 2, 4])),
            ])
    }

    @Test func pixelShuffle() {
        check(
            "pixel_shuffle",
            [
                LayerCase(.normal([2, 8, 3, 2])), LayerCase(["factor": 3], .normal([1, 9, 1, 4])),
                LayerCase(["factor": 1], .normal([2, 17, 2, 2])), LayerCase(.normal([3, 0, 2, 2])),
                LayerCase(
                    rejects: "6 channels, wanted a multiple of the factor's square, 4", [:], .normal([1, 6, 2, 2])),
                LayerCase(rejects: "wanted 4 dimensions [N, C, H, W]", [:], .normal([2, 4])),
                LayerCase(rejects: "size 0", [:], .normal([2, 4, 0, 4])),
            ])
    }
}
