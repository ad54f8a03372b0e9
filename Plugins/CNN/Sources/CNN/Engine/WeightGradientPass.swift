import CDNNL
import Glibc
import LaminaSDK

/// dw[o, i, k] = Σ dy[n, o, p] · x[n, i, p · stride − before + k · dilation], and db[o] = Σ dy[n, o, p].
///
/// Each piece yields a partial sum in its own memory; the partial sums are added in the order of the pieces.
final class WeightGradientPass {
    let pieces: [ConvolutionPiece]
    private let kernels: [PieceKernel]
    /// Instead of pieces, with the bias' gradient apart.
    private let staged: (weights: StagedWinograd, bias: BiasGradient)?
    private let weightElements: Int
    private let biasElements: Int
    /// Per layout that a piece's gradient may have: its partial sums and the way back to the host's order.
    private var groups: [Group] = []
    private let partialOfPiece: [Int]
    private let biasOffset: Int
    private let scratchOffset: Int
    private let scratchOfPiece: Int
    private let plainOffset: Int
    /// Memory of one call.
    let workspaceBytes: Int
    /// And what each thread needs from the host.
    let threadScratchBytes: Int

    private struct Group {
        var layout: MemoryDescriptor
        /// Offsets of the partial sums, in bytes, in order of the pieces.
        var partials: [Int] = []
        /// nil: the layout is the host's.
        var unpack: WeightReorder?
    }

    init(_ shape: ConvolutionShape, bias: Bool) throws {
        weightElements = shape.weightElements
        biasElements = bias ? shape.outputChannels : 0
        let layouts: [MemoryDescriptor]
        let layoutOfPiece: [Int]
        if Winograd.suitsWeightGradient(shape), Winograd.suitsStages(shape) {
            let weights = StagedWinograd(shape)
            let places = shape.output.reduce(1, *)
            staged = (
                weights,
                BiasGradient(
                    samples: shape.batch, channels: shape.outputChannels, places: places,
                    channelsLast: shape.channelsLast)
            )
            (pieces, kernels) = ([], [])
            layouts = [try .channelsLastWeights(shape)]
            layoutOfPiece = [0]
            (scratchOfPiece, threadScratchBytes) = (weights.bytes, 0)
        } else if Winograd.suitsWeightGradient(shape) {
            staged = nil
            pieces = ConvolutionPiece.cuttingOutput(
                shape, most: min(ConvolutionPiece.mostGradientPieces, Winograd.mostGradientPieces(shape)),
                rowUnit: Winograd.tile)
            let calls = pieces.map { WinogradCall($0.shape) }
            kernels = calls.map { .winograd($0) }
            threadScratchBytes = calls.map(\.gradientScratchBytes).max() ?? 0
            layouts = [try .channelsLastWeights(shape)]
            layoutOfPiece = pieces.map { _ in 0 }
            scratchOfPiece = 0
        } else {
            staged = nil
            // Adding partial sums costs a pass over the weights each; many outputs per weight make it worth while.
            let outputsPerWeight = shape.batch * shape.output.reduce(1, *)
            pieces = ConvolutionPiece.cuttingOutput(
                shape, most: min(ConvolutionPiece.mostGradientPieces, max(4, outputsPerWeight / 500)))
            let primitives = try PiecePrimitives(pieces, .weightGradient(bias: bias))
            kernels = try zip(pieces, primitives.ofPiece).map { piece, made in
                let tensors = try [
                    (DNNL_ARG_SRC, piece.shape.sourceLayout), (DNNL_ARG_DIFF_DST, piece.shape.destinationLayout),
                    (DNNL_ARG_DIFF_WEIGHTS, primitives.layouts[made.layout]),
                ]
                let biases = try bias ? [(DNNL_ARG_DIFF_BIAS, MemoryDescriptor.vector(shape.outputChannels))] : []
                return .primitive(try PrimitiveCall(made.primitive, tensors + biases))
            }
            layouts = primitives.layouts
            layoutOfPiece = primitives.ofPiece.map(\.layout)
            scratchOfPiece = (primitives.scratchBytes + 63) / 64 * 64
            threadScratchBytes = 0
        }

        let plain = try MemoryDescriptor.weights(shape)
        var memory = WorkspaceLayout()
        var groups: [Group] = []
        for layout in layouts {
            var group = Group(layout: layout)
            if !layout.isSame(as: plain) {
                group.unpack = try WeightReorder(shape, from: layout, to: plain)
            }
            groups.append(group)
        }
        partialOfPiece = layoutOfPiece.map { layout in
            let offset = memory.reserve(layouts[layout].bytes)
            groups[layout].partials.append(offset)
            return offset
        }
        self.groups = groups
        plainOffset = groups.count > 1 ? memory.reserve(shape.weightElements * 4) : 0
        biasOffset = memory.reserve(
            biasElements == 0 ? 0 : staged?.bias.workspaceBytes ?? pieces.count * biasElements * 4)
        scratchOffset = memory.reserve(scratchOfPiece * layoutOfPiece.count)
        workspaceBytes = memory.bytes
    }

    /// Names of the kernels, for benchmarks.
    var implementations: Set<String> { staged != nil ? ["winograd in stages"] : Set(kernels.map(\.name)) }

    /// Overwrites `weightGradient`, and `biasGradient` if the pass was made with one; nil: not asked for.
    func run(
        _ host: Host, input: UnsafeMutablePointer<Float>, outputGradient: UnsafeMutablePointer<Float>,
        weightGradient: UnsafeMutablePointer<Float>?, biasGradient: UnsafeMutablePointer<Float>?,
        workspace: UnsafeMutableRawPointer
    ) throws {
        if let staged {
            if let weightGradient {
                staged.weights.run(
                    host, input: input, outputGradient: outputGradient, weightGradient: workspace + partialOfPiece[0],
                    memory: workspace + scratchOffset)
                try combine(host, workspace, into: weightGradient)
            }
            if let biasGradient {
                staged.bias.run(
                    host, outputGradient: outputGradient, gradient: biasGradient, workspace: workspace + biasOffset)
            }
            return
        }
        host.parallelFor(kernels.count, grain: 1) { begin, end in
            OneDNN.onThisThread {
                for index in begin..<end {
                    runPiece(host, index, input: input, outputGradient: outputGradient, workspace: workspace)
                }
            }
        }
        try finish(host, weightGradient: weightGradient, biasGradient: biasGradient, workspace: workspace)
    }

    /// The partial sum of one piece; under `OneDNN.onThisThread`, and `finish` after all of them.
    func runPiece(
        _ host: Host, _ index: Int, input: UnsafeMutablePointer<Float>, outputGradient: UnsafeMutablePointer<Float>,
        workspace: UnsafeMutableRawPointer
    ) {
        let x = input + pieces[index].inputOffset
        let dy = outputGradient + pieces[index].outputOffset
        let dw = workspace + partialOfPiece[index]
        let db = biasElements > 0 ? workspace + biasOffset + index * biasElements * 4 : nil
        switch kernels[index] {
        case .winograd(let call):
            call.runWeightGradient(host, input: x, outputGradient: dy, weightGradient: dw, biasGradient: db)
        case .columns: preconditionFailure("columns compute gradients of inputs")
        case .primitive(let call):
            call.bind(0, x)
            call.bind(1, dy)
            call.bind(2, dw)
            if let db { call.bind(3, db) }
            call.bindScratch(workspace + scratchOffset + index * scratchOfPiece)
            call.run()
        }
    }

    /// Adds up the partial sums.
    func finish(
        _ host: Host, weightGradient: UnsafeMutablePointer<Float>?, biasGradient: UnsafeMutablePointer<Float>?,
        workspace: UnsafeMutableRawPointer
    ) throws {
        for kernel in kernels { try kernel.check() }
        let biases = (workspace + biasOffset).assumingMemoryBound(to: Float.self)
        if let weightGradient { try combine(host, workspace, into: weightGradient) }
        if let biasGradient {
            biasGradient.update(from: biases, count: biasElements)
            for piece in 1..<max(pieces.count, 1) {
                for i in 0..<biasElements { biasGradient[i] += biases[piece * biasElements + i] }
            }
        }
    }

    /// Adds up the partial sums of the weights' gradient, in the host's order.
    private func combine(
        _ host: Host, _ workspace: UnsafeMutableRawPointer, into weightGradient: UnsafeMutablePointer<Float>
    ) throws {
        for (index, group) in groups.enumerated() {
            addPartials(host, group, workspace)
            let sum = workspace + group.partials[0]
            if index == 0 {
                try unpack(host, group, sum, to: weightGradient)
            } else {
                let plain = (workspace + plainOffset).assumingMemoryBound(to: Float.self)
                try unpack(host, group, sum, to: plain)
                for i in 0..<weightElements { weightGradient[i] += plain[i] }
            }
        }
    }

    /// Adds a group's partial sums into its first one.
    private func addPartials(_ host: Host, _ group: Group, _ workspace: UnsafeMutableRawPointer) {
        if group.partials.count < 2 { return }
        let sum = (workspace + group.partials[0]).assumingMemoryBound(to: Float.self)
        host.parallelFor(group.layout.bytes / 4, grain: 16384) { begin, end in
            for index in 1..<group.partials.count {
                let partial = (workspace + group.partials[index]).assumingMemoryBound(to: Float.self)
                for i in begin..<end { sum[i] += partial[i] }
            }
        }
    }

    private func unpack(
        _ host: Host, _ group: Group, _ sum: UnsafeMutableRawPointer, to plain: UnsafeMutablePointer<Float>
    ) throws {
        if let unpack = group.unpack {
            try unpack.run(host, from: sum, to: plain)
        } else {
            memcpy(plain, sum, weightElements * 4)
        }
    }
}
