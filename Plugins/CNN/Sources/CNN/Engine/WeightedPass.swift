import CDNNL
import Glibc
import LaminaSDK

/// y = conv(x, w) + b, or dx = convᵀ(dy, w): the two directions that read the weights and write an activation.
///
/// The second is also the forward direction of a transposed convolution.
final class WeightedPass {
    let pieces: [ConvolutionPiece]
    private let calls: [PrimitiveCall]
    private let layoutOfPiece: [Int]
    private let readsInput: Bool
    let weights: PackedWeights
    /// Scratch memory of all pieces.
    let scratchBytes: Int
    private let scratchOfPiece: Int

    /// y = conv(x, w) + b.
    static func forward(_ shape: ConvolutionShape, bias: Bool, training: Bool) throws -> WeightedPass {
        try WeightedPass(
            shape, ConvolutionPiece.cuttingOutput(shape), .forward(bias: bias, training: training), bias: bias)
    }

    /// dx = convᵀ(dy, w).
    static func inputGradient(
        _ shape: ConvolutionShape, most: Int = ConvolutionPiece.mostGradientPieces
    ) throws -> WeightedPass {
        try WeightedPass(shape, ConvolutionPiece.cuttingInput(shape, most: most), .inputGradient, bias: false)
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
            if !forward {
                return try PrimitiveCall(made.primitive, [(DNNL_ARG_DIFF_DST, y), weights, (DNNL_ARG_DIFF_SRC, x)])
            }
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

    /// `from` and `to` are x and y, or dy and dx. `packed` was filled by `weights.pack`. A bias, one per channel of
    /// `to`, is added in either direction. `finished` is told of every piece, on the thread that has computed it.
    func run(
        _ host: Host, from: UnsafeMutablePointer<Float>, weights plain: UnsafeMutableRawPointer,
        packed: UnsafeMutableRawPointer?, bias: UnsafeMutablePointer<Float>?, to: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutableRawPointer?, finished: (ConvolutionPiece) -> Void = { _ in }
    ) throws {
        host.parallelFor(calls.count, grain: 1) { begin, end in
            OneDNN.onThisThread {
                for index in begin..<end {
                    runPiece(index, from: from, weights: plain, packed: packed, bias: bias, to: to, scratch: scratch)
                    finished(pieces[index])
                }
            }
        }
        try check()
    }

    /// One piece of `run`; under `OneDNN.onThisThread`, and `check` afterwards.
    func runPiece(
        _ index: Int, from: UnsafeMutablePointer<Float>, weights plain: UnsafeMutableRawPointer,
        packed: UnsafeMutableRawPointer?, bias: UnsafeMutablePointer<Float>?, to: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutableRawPointer?
    ) {
        let (piece, call) = (pieces[index], calls[index])
        call.bind(0, from + (readsInput ? piece.inputOffset : piece.outputOffset))
        call.bind(1, weights.address(layoutOfPiece[index], plain, packed))
        call.bind(2, to + (readsInput ? piece.outputOffset : piece.inputOffset))
        if let bias, readsInput { call.bind(3, bias) }
        if let scratch { call.bindScratch(scratch + index * scratchOfPiece) }
        if !readsInput, piece.shape.storedInput != nil {
            memset(to + piece.inputOffset, 0, piece.shape.batch * piece.shape.inputElements * 4)
        }
        call.run()
        if let bias, !readsInput { addBias(bias, to + piece.inputOffset, piece.shape) }
    }

    func check() throws {
        for call in calls { try call.check() }
    }

    /// Adds the bias to the convolution's input side, which oneDNN does not offer; the piece is still in the cache.
    private func addBias(
        _ bias: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ shape: ConvolutionShape
    ) {
        let channels = shape.inputChannels
        let places = shape.inputElements / channels
        if shape.channelsLast {
            for place in 0..<shape.batch * places {
                let row = y + place * channels
                for c in 0..<channels { row[c] += bias[c] }
            }
        } else {
            for plane in 0..<shape.batch * channels {
                let (row, value) = (y + plane * places, bias[plane % channels])
                for place in 0..<places { row[place] += value }
            }
        }
    }
}
