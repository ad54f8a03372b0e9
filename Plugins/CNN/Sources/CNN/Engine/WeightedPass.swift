import CDNNL
import LaminaSDK

/// y = conv(x, w) + b, or dx = convᵀ(dy, w): the two directions that read the weights and write an activation.
///
/// The second is also the forward direction of a transposed convolution.
final class WeightedPass {
    private let pieces: [ConvolutionPiece]
    private let calls: [PrimitiveCall]
    private let layoutOfPiece: [Int]
    private let readsInput: Bool
    let weights: PackedWeights
    /// Scratch memory of all pieces.
    let scratchBytes: Int
    private let scratchOfPiece: Int

    /// y = conv(x, w) + b.
    static func forward(_ shape: ConvolutionShape, bias: Bool, training: Bool) throws -> WeightedPass {
        try WeightedPass(shape, ConvolutionPiece.cuttingOutput(shape), .forward(bias: bias, training: training), bias: bias)
    }

    /// dx = convᵀ(dy, w).
    static func inputGradient(_ shape: ConvolutionShape) throws -> WeightedPass {
        try WeightedPass(shape, ConvolutionPiece.cuttingInput(shape), .inputGradient, bias: false)
    }

    private init(
        _ shape: ConvolutionShape, _ pieces: [ConvolutionPiece], _ direction: ConvolutionDirection, bias: Bool
    ) throws {
        let primitives = try PiecePrimitives(pieces, direction)
        self.pieces = pieces
        if case .forward = direction { readsInput = true } else { readsInput = false }
        let forward = readsInput
        calls = try zip(pieces, primitives.ofPiece).map { piece, made in
            let weights = (DNNL_ARG_WEIGHTS, primitives.layouts[made.layout])
            let (x, y) = try (piece.shape.sourceLayout, piece.shape.destinationLayout)
            if !forward { return try PrimitiveCall(made.primitive, [(DNNL_ARG_DIFF_DST, y), weights, (DNNL_ARG_DIFF_SRC, x)]) }
            let tensors = [(DNNL_ARG_SRC, x), weights, (DNNL_ARG_DST, y)]
            let biases = try bias ? [(DNNL_ARG_BIAS, MemoryDescriptor.vector(shape.outputChannels))] : []
            return try PrimitiveCall(made.primitive, tensors + biases)
        }
        layoutOfPiece = primitives.ofPiece.map(\.layout)
        weights = try PackedWeights(shape, primitives.layouts)
        scratchOfPiece = (primitives.scratchBytes + 63) / 64 * 64
        scratchBytes = scratchOfPiece * pieces.count
    }

    /// Names of oneDNN's kernels, for benchmarks.
    var implementations: Set<String> { Set(calls.map(\.primitive.implementation)) }

    /// `from` and `to` are x and y, or dy and dx. `packed` was filled by `weights.pack`.
    func run(
        _ host: Host, from: UnsafeMutablePointer<Float>, weights plain: UnsafeMutableRawPointer,
        packed: UnsafeMutableRawPointer?, bias: UnsafeMutableRawPointer?, to: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutableRawPointer?
    ) throws {
        host.parallelFor(calls.count, grain: 1) { begin, end in
            OneDNN.onThisThread {
                for index in begin..<end {
                    let (piece, call) = (pieces[index], calls[index])
                    call.bind(0, from + (readsInput ? piece.inputOffset : piece.outputOffset))
                    call.bind(1, weights.address(layoutOfPiece[index], plain, packed))
                    call.bind(2, to + (readsInput ? piece.outputOffset : piece.inputOffset))
                    if let bias { call.bind(3, bias) }
                    if let scratch { call.bindScratch(scratch + index * scratchOfPiece) }
                    call.run()
                }
            }
        }
        for call in calls { try call.check() }
    }
}
