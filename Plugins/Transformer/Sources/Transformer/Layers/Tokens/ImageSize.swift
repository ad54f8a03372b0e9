import LaminaSDK

/// Images as they are, of one size alone: y = x. Others are refused.
///
/// x and y are [N, C, height, width]. Patches are cut without a word about what is left over at the edges, and learned positions
/// take fewer steps than they have: a network that is made for images of one size says so with this layer.
struct ImageSize: Layer {
    static let name = "image_size"
    static let documentation = "Passes images of one size on, and refuses others."
    static let attributes: [AttributeSchema] = [
        .integers("size", 1...1e6, count: 1...2, "height and width of the images, or one number for both")
    ]

    let size: [Int]

    init(_ attributes: Attributes) throws { size = try attributes.perAxis("size", rank: 2) }

    func infer(_ inference: Inference) throws {
        try inference.require(0, .float32)
        let shape = inference.shape(0)
        guard shape.count == 4 else {
            throw PluginError.shape(
                "the images have shape \(inference.host.text(shape)), wanted [N, channels, \(size[0]), \(size[1])]",
                input: 0)
        }
        for (wanted, got) in zip(size, shape[2...]) where got.literal != nil && got.literal != wanted {
            throw mismatch("\(inference.host.text(shape[2])) × \(inference.host.text(shape[3]))")
        }
        try inference.addOutput(inference.dtype(0), shape)
    }

    func plan(_ planning: Planning) throws -> any PlannedLayer {
        let x = planning.input(0)
        guard x.size(2) == size[0], x.size(3) == size[1] else { throw mismatch("\(x.size(2)) × \(x.size(3))") }
        planning.allowView()
        planning.allowGradientView()
        return ImageSizePlan(bytes: x.count * 4)
    }

    private func mismatch(_ got: String) -> PluginError {
        .shape(
            "images are \(got), but the network is made for \(size[0]) × \(size[1]): resize or crop them, or change "
                + "its size", input: 0)
    }
}

struct ImageSizePlan: PlannedLayer {
    let bytes: Int

    func forward(_ run: Run) {
        let (x, y) = (run.input(0), run.output(0))
        if bytes > 0, x.bytes != y.bytes { y.bytes.copyMemory(from: x.bytes, byteCount: bytes) }
    }

    // dx = dy
    func backward(_ run: Run) { if bytes > 0 { scaleGradient(run, by: 1) } }
}
