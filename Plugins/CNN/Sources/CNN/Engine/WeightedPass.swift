import CDNNL
import Glibc
import LaminaSDK

/// y = conv(x, w) + b, or dx = convᵀ(dy, w): the two directions that read the weights and write an activation.
///
/// The second is also the forward direction of a transposed convolution.
final class WeightedPass {
    let pieces: [ConvolutionPiece]
    private let kernels: [PieceKernel]
    private let layoutOfPiece: [Int]
    private let readsInput: Bool
    let weights: PackedWeights
    /// Scratch memory of all pieces.
    let scratchBytes: Int
    /// And what each thread needs from the host.
    let threadScratchBytes: Int
    private let scratchOfPiece: Int

    /// y = conv(x, w) + b.
    static func forward(_ shape: ConvolutionShape, bias: Bool, training: Bool) throws -> WeightedPass {
        if Winograd.suits(shape, training: training) {
            let pieces = ConvolutionPiece.cuttingOutput(
                shape, most: min(ConvolutionPiece.mostPieces, Winograd.mostPieces(shape)), rowUnit: Winograd.tile)
            return WeightedPass(winograd: shape, pieces, readsInput: true)
        }
        return try WeightedPass(
            shape, ConvolutionPiece.cuttingOutput(shape), .forward(bias: bias, training: training), bias: bias)
    }

    /// dx = convᵀ(dy, w).
    static func inputGradient(
        _ shape: ConvolutionShape, most: Int = ConvolutionPiece.mostGradientPieces, training: Bool = true
    ) throws -> WeightedPass {
        if Winograd.suits(shape, training: training) {
            let pieces = ConvolutionPiece.cuttingInput(
                shape, most: min(most, Winograd.mostPieces(shape)), rowUnit: Winograd.tile)
            return WeightedPass(winograd: shape, pieces, readsInput: false)
        }
        if ColumnSums.suits(shape) {
            return WeightedPass(columns: shape, ConvolutionPiece.cuttingInput(shape, most: most))
        }
        return try WeightedPass(
            shape, ConvolutionPiece.cuttingInput(shape, most: most), .inputGradient, bias: false)
    }

    private init(winograd shape: ConvolutionShape, _ pieces: [ConvolutionPiece], readsInput: Bool) {
        self.pieces = pieces
        self.readsInput = readsInput
        let calls = pieces.map { WinogradCall($0.shape, reversed: !readsInput) }
        kernels = calls.map { .winograd($0) }
        threadScratchBytes = calls.map(\.scratchBytes).max() ?? 0
        layoutOfPiece = pieces.map { _ in 0 }
        weights = PackedWeights(WinogradWeights(shape, reversed: !readsInput))
        (scratchOfPiece, scratchBytes) = (0, 0)
    }

    private init(columns shape: ConvolutionShape, _ pieces: [ConvolutionPiece]) {
        self.pieces = pieces
        readsInput = false
        let calls = pieces.map { ColumnSums($0.shape) }
        kernels = calls.map { .columns($0) }
        threadScratchBytes = calls.map(\.scratchBytes).max() ?? 0
        layoutOfPiece = pieces.map { _ in 0 }
        weights = PackedWeights(ColumnWeights(shape))
        (scratchOfPiece, scratchBytes) = (0, 0)
    }

    private init(
        _ shape: ConvolutionShape, _ pieces: [ConvolutionPiece], _ direction: ConvolutionDirection, bias: Bool
    ) throws {
        let primitives = try PiecePrimitives(pieces, direction)
        self.pieces = pieces
        if case .forward = direction { readsInput = true } else { readsInput = false }
        let forward = readsInput
        kernels = try zip(pieces, primitives.ofPiece).map { piece, made in
            let weights = (DNNL_ARG_WEIGHTS, primitives.layouts[made.layout])
            let (x, y) = try (piece.shape.sourceLayout, piece.shape.destinationLayout)
            if !forward {
                return .primitive(
                    try PrimitiveCall(made.primitive, [(DNNL_ARG_DIFF_DST, y), weights, (DNNL_ARG_DIFF_SRC, x)]))
            }
            let tensors = [(DNNL_ARG_SRC, x), weights, (DNNL_ARG_DST, y)]
            let biases = try bias ? [(DNNL_ARG_BIAS, MemoryDescriptor.vector(shape.outputChannels))] : []
            return .primitive(try PrimitiveCall(made.primitive, tensors + biases))
        }
        layoutOfPiece = primitives.ofPiece.map(\.layout)
        weights = try PackedWeights(shape, primitives.layouts)
        scratchOfPiece = (primitives.scratchBytes + 63) / 64 * 64
        scratchBytes = scratchOfPiece * pieces.count
        threadScratchBytes = 0
    }

    /// Names of the kernels, for benchmarks.
    var implementations: Set<String> { Set(kernels.map(\.name)) }

    /// `from` and `to` are x and y, or dy and dx. `packed` was filled by `weights.pack`. A bias, one per channel of
    /// `to`, is added in either direction. `finished` is told of every part of `to`, on the thread that has computed it.
    func run(
        _ host: Host, from: UnsafeMutablePointer<Float>, weights plain: UnsafeMutableRawPointer,
        packed: UnsafeMutableRawPointer?, bias: UnsafeMutablePointer<Float>?, to: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutableRawPointer?, finished: (_ begin: Int, _ count: Int) -> Void = { _, _ in }
    ) throws {
        host.parallelFor(kernels.count, grain: 1) { begin, end in
            OneDNN.onThisThread {
                for index in begin..<end {
                    runPiece(
                        host, index, from: from, weights: plain, packed: packed, bias: bias, to: to, scratch: scratch)
                    let piece = pieces[index]
                    if readsInput {
                        finished(piece.outputOffset, piece.shape.batch * piece.shape.outputElements)
                    } else {
                        finished(piece.inputOffset, piece.shape.batch * piece.shape.inputElements)
                    }
                }
            }
        }
        try check()
    }

    /// One piece of `run`; under `OneDNN.onThisThread`, and `check` afterwards.
    func runPiece(
        _ host: Host, _ index: Int, from: UnsafeMutablePointer<Float>, weights plain: UnsafeMutableRawPointer,
        packed: UnsafeMutableRawPointer?, bias: UnsafeMutablePointer<Float>?, to: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutableRawPointer?
    ) {
        let piece = pieces[index]
        let from = from + (readsInput ? piece.inputOffset : piece.outputOffset)
        let to = to + (readsInput ? piece.outputOffset : piece.inputOffset)
        let weights = weights.address(layoutOfPiece[index], plain, packed)
        let call: PrimitiveCall
        switch kernels[index] {
        case .winograd(let call): return call.run(host, from: from, weights: weights, bias: bias, to: to)
        case .columns(let call): return call.run(host, from: from, weights: weights, bias: bias, to: to)
        case .primitive(let primitive): call = primitive
        }
        call.bind(0, from)
        call.bind(1, weights)
        call.bind(2, to)
        if let bias, readsInput { call.bind(3, bias) }
        if let scratch { call.bindScratch(scratch + index * scratchOfPiece) }
        if !readsInput, piece.shape.storedInput != nil {
            memset(to, 0, piece.shape.batch * piece.shape.inputElements * 4)
        }
        call.run()
        if let bias, !readsInput { addBias(bias, to, piece.shape) }
    }

    func check() throws {
        for kernel in kernels { try kernel.check() }
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
