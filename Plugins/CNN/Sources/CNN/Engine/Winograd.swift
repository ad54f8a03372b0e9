import CWinograd
import LaminaSDK

/// Convolutions of 3 × 3 kernels, and of 4 × 4 kernels with stride 2, by Winograd's minimal filtering: a quarter of the
/// multiplications, or two fifths; see winograd.h.
enum Winograd {
    /// Outputs of a tile along each axis.
    static let tile = 4
    /// Tiles that the transformed weights should serve at least, before their next use has to fetch them again.
    private static let tilesOfPiece = 21
    /// The same for gradients of the weights, whose sums are fetched, and transformed back once per piece.
    private static let tilesOfGradientPiece = 48
    /// Fewer tiles than this do not pay for reading transformed weights, which are four times as large and may have to
    /// come from main memory.
    private static let fewestTiles = 24
    /// Nor for transforming the weights, where that is done each time.
    private static let fewestTilesWhenTraining = 64
    private static let fewestChannels = 16

    /// Whether it is faster than computing the sum as it stands, for forward and the gradient of the input.
    static func suits(_ shape: ConvolutionShape, training: Bool) -> Bool {
        isPossible(shape) && tiles(of: inputPlaces(shape), shape) >= (training ? fewestTilesWhenTraining : fewestTiles)
            && tiles(of: shape.output, shape) >= (training ? fewestTilesWhenTraining : fewestTiles)
    }

    /// The same for the gradient of the weights.
    static func suitsWeightGradient(_ shape: ConvolutionShape) -> Bool {
        isPossible(shape) && tiles(of: shape.output, shape) >= 2 * tilesOfGradientPiece
    }

    /// Whether one set of sums that all threads share is faster than one per piece: where the sums outweigh the transforms
    /// of all tiles, or with the four phases of stride 2 do not stay in the cache.
    static func suitsStages(_ shape: ConvolutionShape) -> Bool {
        let channels = (shape.inputChannels, shape.outputChannels)
        return shape.stride != [1, 1]
            || tiles(of: shape.output, shape) * (channels.0 + channels.1) <= channels.0 * channels.1
    }

    private static func isPossible(_ shape: ConvolutionShape) -> Bool {
        (shape.kernel == [3, 3] && shape.stride == [1, 1] || shape.kernel == [4, 4] && shape.stride == [2, 2])
            && shape.dilation == [1, 1] && shape.groups == 1
            && shape.channelsLast && shape.storedInput == nil && !shape.isEmpty
            && min(shape.inputChannels, shape.outputChannels) >= fewestChannels
            && isWellCovered(shape.output) && isWellCovered(inputPlaces(shape))
    }

    /// Places of the input's side along each axis: its pixels, or those of a phase.
    private static func inputPlaces(_ shape: ConvolutionShape) -> [Int] {
        (0..<2).map { (shape.input[$0] + shape.stride[$0] - 1) / shape.stride[$0] }
    }

    /// Whether at least half of what tiles compute is wanted.
    private static func isWellCovered(_ spatial: [Int]) -> Bool {
        2 * spatial.reduce(1, *) >= spatial.map { ($0 + tile - 1) / tile * tile }.reduce(1, *)
    }

    private static func tiles(of spatial: [Int], _ shape: ConvolutionShape) -> Int {
        spatial.map { ($0 + tile - 1) / tile }.reduce(shape.batch, *)
    }

    static func mostPieces(_ shape: ConvolutionShape) -> Int { max(2, tiles(of: shape.output, shape) / tilesOfPiece) }

    static func mostGradientPieces(_ shape: ConvolutionShape) -> Int {
        tiles(of: shape.output, shape) / tilesOfGradientPiece
    }

    /// The sizes as the kernels want them; `reversed`: of the convolution that leads from y's gradient to x's.
    static func sizes(_ shape: ConvolutionShape, reversed: Bool = false) -> lamina_winograd {
        let (step, taps) = (Int64(shape.stride[0]), Int64(shape.kernel[0] / shape.stride[0]))
        let before = shape.before.map(Int64.init)
        let x = lamina_winograd_side(
            channels: Int64(shape.inputChannels), height: Int64(shape.input[0]), width: Int64(shape.input[1]),
            step: step, before_y: before[0], before_x: before[1])
        let y = lamina_winograd_side(
            channels: Int64(shape.outputChannels), height: Int64(shape.output[0]), width: Int64(shape.output[1]),
            step: 1, before_y: 0, before_x: 0)
        var sizes = lamina_winograd(
            batch: Int64(shape.batch), taps: taps, in: x, out: y, reversed: reversed ? 1 : 0)
        if reversed {
            // Place a of x is made of the places a − taps + 1 ... a of y; with step 1 x starts at its first pixel.
            (sizes.in, sizes.out) = (y, x)
            let shift = step == 1 ? before : [0, 0]
            (sizes.in.before_y, sizes.in.before_x) = (taps - 1 - shift[0], taps - 1 - shift[1])
            (sizes.out.before_y, sizes.out.before_x) = (before[0] - shift[0], before[1] - shift[1])
        }
        return sizes
    }
}

/// One piece's use of the kernels. Different calls may run at the same time, each on one thread, with scratch memory of
/// that thread.
final class WinogradCall {
    private let sizes: lamina_winograd
    /// Scratch memory of `run` and of `runWeightGradient`.
    let scratchBytes: Int
    let gradientScratchBytes: Int
    private var lacksMemory = false

    init(_ shape: ConvolutionShape, reversed: Bool = false) {
        var sizes = Winograd.sizes(shape, reversed: reversed)
        scratchBytes = Int(lamina_winograd_scratch(&sizes)) * 4
        gradientScratchBytes = Int(lamina_winograd_gradient_scratch(&sizes)) * 4
        self.sizes = sizes
    }

    /// y = conv(x, w) + bias, with transformed weights.
    func run(
        _ host: Host, from: UnsafeMutablePointer<Float>, weights: UnsafeMutableRawPointer,
        bias: UnsafeMutablePointer<Float>?, to: UnsafeMutablePointer<Float>
    ) {
        guard let scratch = scratch(host, scratchBytes) else { return }
        withUnsafePointer(to: sizes) {
            lamina_winograd($0, from, weights.assumingMemoryBound(to: Float.self), bias, to, scratch)
        }
    }

    /// Gradients of the weights, in the order height, width, in, out, and of the bias, unless nil.
    func runWeightGradient(
        _ host: Host, input: UnsafeMutablePointer<Float>, outputGradient: UnsafeMutablePointer<Float>,
        weightGradient: UnsafeMutableRawPointer, biasGradient: UnsafeMutableRawPointer?
    ) {
        guard let scratch = scratch(host, gradientScratchBytes) else { return }
        withUnsafePointer(to: sizes) {
            lamina_winograd_gradient(
                $0, input, outputGradient, weightGradient.assumingMemoryBound(to: Float.self),
                biasGradient?.assumingMemoryBound(to: Float.self), scratch)
        }
    }

    private func scratch(_ host: Host, _ bytes: Int) -> UnsafeMutablePointer<Float>? {
        let memory = try? host.scratch(bytes: bytes)
        lacksMemory = memory == nil
        return memory?.assumingMemoryBound(to: Float.self)
    }

    func check() throws {
        if lacksMemory { throw PluginError.memory("no memory for the scratch of a convolution") }
    }
}

/// Transforms the weights, cut by output channels into parts for several threads.
struct WinogradWeights: FormedWeights {
    private let sizes: lamina_winograd
    let bytes: Int

    init(_ shape: ConvolutionShape, reversed: Bool) {
        var sizes = Winograd.sizes(shape, reversed: reversed)
        bytes = Int(lamina_winograd_weights_size(&sizes)) * 4
        self.sizes = sizes
    }

    func run(_ host: Host, from: UnsafeMutableRawPointer, to: UnsafeMutableRawPointer) {
        let (w, u) = (from.assumingMemoryBound(to: Float.self), to.assumingMemoryBound(to: Float.self))
        withUnsafePointer(to: sizes) { sizes in
            host.parallelFor(Int(lamina_winograd_parts(sizes)), grain: 1) { begin, end in
                for part in begin..<end { lamina_winograd_weights(sizes, w, Int64(part), u) }
            }
        }
    }
}
