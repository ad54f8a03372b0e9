import CLaminaMath
import LaminaSDK

/// Channels become places: y[n, c, h · r + i, w · r + j] = x[n, c · r² + i · r + j, h, w].
///
/// x is [N, C · r², H, W], y [N, C, H · r, W · r], r the factor. Behind a convolution it is sub-pixel convolution. Source:
/// Shi et al., Real-time single image and video super-resolution using an efficient sub-pixel convolutional neural
/// network (2016); `torch.nn.PixelShuffle`.
struct PixelShuffle: LinearLayer {
    static let name = "pixel_shuffle"
    static let documentation = "Makes images larger by a factor r, of r² channels for each channel of the output."
    static let attributes: [AttributeSchema] = [
        .integer("factor", default: 2, 1...1000, "how much larger the output is, in height and width")
    ]

    private let factor: Int

    init(_ attributes: Attributes) { factor = attributes.integer("factor") }

    func infer(_ inference: Inference) throws {
        let image = try inference.image(TwoAxes.self)
        let channels = try inference.literal(image.channels, "the number of channels")
        guard channels % (factor * factor) == 0 else {
            throw PluginError.shape(
                "input has \(channels) channels, wanted a multiple of the factor's square, \(factor * factor)", input: 0
            )
        }
        let spatial = try (0..<2).map { try inference.enlarged(image.spatial[$0], by: factor, axis: $0) }
        try inference.addOutput(.float32, [image.batch, Dimension(channels / (factor * factor))] + spatial)
        inference.setLayouts(.any)
    }

    func plan(_ planning: Planning) throws -> any PlannedLayer {
        try planning.requireExtents()
        planning.setOverwrites()
        return PixelShufflePlan(planning.input(0), factor: factor)
    }
}

struct PixelShufflePlan: PlannedLayer {
    private let factor, channels, height, width: Int
    private let isChannelsLast: Bool
    /// Of the input: those of samples, or in the plain layout of an output's channel.
    private let rows: Int

    init(_ x: Tensor, factor: Int) {
        self.factor = factor
        channels = x.size(1) / (factor * factor)
        (height, width) = (x.size(2), x.size(3))
        isChannelsLast = x.isChannelsLast
        rows = x.size(0) * height * (isChannelsLast ? 1 : channels)
    }

    private var square: Int { factor * factor }
    /// Elements of a row of the input with all of the channels that it makes.
    private var row: Int { width * square * (isChannelsLast ? channels : 1) }
    /// Rows per task: about 32,768 elements.
    private var grain: Int { max(1, 32768 / max(1, row)) }

    func forward(_ run: Run) {
        let (x, y) = (run.input(0).floats, run.output(0).floats)
        forEachPart(run.host) { input, inputStride, output, outputStride, count, places in
            lamina_math_transpose_part(
                x + input, Int64(inputStride), Int64(count), Int64(places), y + output, Int64(outputStride))
        }
    }

    // dx is dy with the places back in the channels.
    func backward(_ run: Run) {
        let dx = run.inputGradient(0)
        if dx.isAbsent { return }
        let (to, dy) = (dx.floats, run.outputGradient(0).floats)
        forEachPart(run.host) { input, inputStride, output, outputStride, count, places in
            lamina_math_transpose_part(
                dy + output, Int64(outputStride), Int64(places), Int64(count), to + input, Int64(inputStride))
        }
    }

    /// Calls `body` for parts of the input, matrices [count, places], whose transposes are parts of the output.
    ///
    /// Channels last, one has the factor's channels of a line at one place; in the plain layout a whole row of them.
    @inline(__always)
    private func forEachPart(
        _ host: Host,
        _ body: (
            _ input: Int, _ inputStride: Int, _ output: Int, _ outputStride: Int, _ count: Int, _ places: Int
        ) -> Void
    ) {
        host.parallelFor(rows, grain: grain) { begin, end in
            for row in begin..<end {
                for line in 0..<factor {
                    let outputRow = (row &* factor &+ line) &* width &* factor
                    if isChannelsLast {
                        for w in 0..<width {
                            body(
                                (row &* width &+ w) &* channels &* square &+ line &* factor, square,
                                (outputRow &+ w &* factor) &* channels, channels, channels, factor)
                        }
                    } else {
                        let (plane, h) = (row / height, row % height)
                        let first = plane &* square &+ line &* factor
                        body(
                            (first &* height &+ h) &* width, height &* width, outputRow, factor, factor, width)
                    }
                }
            }
        }
    }
}
