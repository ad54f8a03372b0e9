import Glibc
import LaminaSDK

/// A convolution or transposed convolution for concrete shapes.
///
/// The transposed one runs the passes of the convolution that leads from its output back to its input: `shape` is that
/// convolution's, its x is our output and its y our input.
struct ConvolutionPlan: PlannedLayer {
    private let shape: ConvolutionShape
    private let isTransposed: Bool
    private let hasBias: Bool
    private let output: WeightedPass
    /// What follows is nil where nobody wants the gradient.
    private let inputGradient: WeightedPass?
    private let weightGradient: WeightGradientPass?
    /// Alone, where `weightGradient` does not compute it along.
    private let biasGradient: BiasGradient?
    /// Both gradients are cut alike, so that a piece's are computed one behind the other, from what is in the cache.
    private let gradientsTogether: Bool
    /// Bytes of the workspace that the input's gradient takes, before what the weights' takes.
    private let inputWorkspace: Int
    /// In the inference phase weights are packed once, into persistent memory.
    private let packsEachTime: Bool

    init(_ shape: ConvolutionShape, isTransposed: Bool, hasBias: Bool, _ planning: Planning) throws {
        self.shape = shape
        self.isTransposed = isTransposed
        self.hasBias = hasBias
        packsEachTime = planning.isTraining
        let wantsInput = planning.wantsInputGradient(0)
        let wantsWeight = planning.wantsParameterGradient(0)
        let wantsBias = hasBias && planning.wantsParameterGradient(1)
        output =
            try isTransposed
            ? .inputGradient(shape, training: packsEachTime) : .forward(shape, bias: hasBias, training: packsEachTime)
        weightGradient = try wantsWeight ? WeightGradientPass(shape, bias: wantsBias && !isTransposed) : nil
        // As many pieces as the weights' gradient has, so that both go together, unless those are too few.
        let pieces = weightGradient.map(\.pieces.count) ?? 0
        let most = pieces >= 8 ? pieces : ConvolutionPiece.mostGradientPieces
        inputGradient =
            try !wantsInput
            ? nil
            : isTransposed
                ? .forward(shape, bias: false, training: packsEachTime) : .inputGradient(shape, most: most)
        biasGradient = wantsBias && (isTransposed || !wantsWeight) ? Self.biasGradient(shape, isTransposed) : nil

        let ranges = weightGradient?.pieces.map(\.range)
        gradientsTogether = ranges?.isEmpty == false && ranges == inputGradient?.pieces.map(\.range)

        inputWorkspace = inputGradient.map { ($0.weights.bytes + $0.scratchBytes + 63) / 64 * 64 } ?? 0
        if wantsWeight { planning.saveInput(0) }
        planning.setOverwrites()
        planning.announceOutput()
        if !packsEachTime { planning.setPersistent(bytes: output.weights.bytes) }
        planning.setWorkspace(
            forward: output.scratchBytes + (packsEachTime ? output.weights.bytes : 0),
            backward: max(
                inputWorkspace + (gradientsTogether ? weightGradient?.workspaceBytes ?? 0 : 0),
                weightGradient?.workspaceBytes ?? 0, biasGradient?.workspaceBytes ?? 0))
        planning.setScratch(
            bytes: max(
                output.threadScratchBytes, inputGradient?.threadScratchBytes ?? 0,
                weightGradient?.threadScratchBytes ?? 0))
        let biasFLOPs =
            hasBias ? Double(shape.batch) * Double(isTransposed ? shape.inputElements : shape.outputElements) : 0
        planning.setFLOPs(
            forward: shape.flops + biasFLOPs,
            backward: (wantsInput ? shape.flops : 0) + (wantsWeight ? shape.flops : 0) + (wantsBias ? biasFLOPs : 0))
    }

    private static func biasGradient(_ shape: ConvolutionShape, _ isTransposed: Bool) -> BiasGradient {
        let channels = isTransposed ? shape.inputChannels : shape.outputChannels
        let elements = isTransposed ? shape.inputElements : shape.outputElements
        return BiasGradient(
            samples: shape.batch, channels: channels, places: elements / channels, channelsLast: shape.channelsLast)
    }

    func prepare(_ run: Run) throws {
        try output.weights.pack(run.host, run.parameter(0).floats, into: run.raw.pointee.persistent)
    }

    func forward(_ run: Run) throws {
        if shape.isEmpty { return }
        let weights = run.parameter(0).floats
        var scratch = run.raw.pointee.workspace
        var packed = run.raw.pointee.persistent
        if packsEachTime {
            packed = scratch
            try output.weights.pack(run.host, weights, into: packed)
            scratch = scratch.map { $0 + output.weights.bytes }
        }
        try output.run(
            run.host, from: run.input(0).floats, weights: weights, packed: packed,
            bias: hasBias ? run.parameter(1).floats : nil, to: run.output(0).floats, scratch: scratch
        ) { begin, count in
            run.finished(begin, count: count)
        }
    }

    // Convolution:  dx = convᵀ(dy, w),  dw = Σ dy · x,  db = Σ dy
    // Transposed:   dx = conv(dy, w),   dw = Σ x · dy,  db = Σ dy
    func backward(_ run: Run) throws {
        if shape.isEmpty { return clearGradients(run) }
        let dy = run.outputGradient(0).floats
        let workspace = run.raw.pointee.workspace
        let dx = run.inputGradient(0)
        if gradientsTogether, !dx.isAbsent, !run.parameterGradient(0).isAbsent { return try backwardTogether(run) }
        if let inputGradient, !dx.isAbsent {
            let weights = run.parameter(0).floats
            try inputGradient.weights.pack(run.host, weights, into: workspace)
            try inputGradient.run(
                run.host, from: dy, weights: weights, packed: workspace, bias: nil, to: dx.floats,
                scratch: workspace.map { $0 + inputGradient.weights.bytes })
        }
        // Fewer gradients may be asked for than plan was told of.
        let dw = run.parameterGradient(0).optionalFloats
        let db = hasBias ? run.parameterGradient(1).optionalFloats : nil
        if let weightGradient, dw != nil || (db != nil && biasGradient == nil) {
            let x = run.input(0).floats
            try weightGradient.run(
                run.host, input: isTransposed ? dy : x, outputGradient: isTransposed ? x : dy, weightGradient: dw,
                biasGradient: isTransposed ? nil : db, workspace: workspace!)
        }
        if let biasGradient, let db {
            biasGradient.run(run.host, outputGradient: dy, gradient: db, workspace: workspace!)
        }
    }

    /// Gradients of input, weight and bias, piece by piece.
    private func backwardTogether(_ run: Run) throws {
        let (inputGradient, weightGradient) = (inputGradient.unsafelyUnwrapped, weightGradient.unsafelyUnwrapped)
        let (dy, dx, x) = (run.outputGradient(0).floats, run.inputGradient(0).floats, run.input(0).floats)
        let weights = run.parameter(0).floats
        let packed = run.raw.pointee.workspace.unsafelyUnwrapped
        let scratch = packed + inputGradient.weights.bytes
        let workspace = packed + inputWorkspace
        try inputGradient.weights.pack(run.host, weights, into: packed)
        run.host.parallelFor(weightGradient.pieces.count, grain: 1) { begin, end in
            OneDNN.onThisThread {
                for index in begin..<end {
                    inputGradient.runPiece(
                        run.host, index, from: dy, weights: weights, packed: packed, bias: nil, to: dx, scratch: scratch
                    )
                    weightGradient.runPiece(
                        run.host, index, input: isTransposed ? dy : x, outputGradient: isTransposed ? x : dy,
                        workspace: workspace)
                }
            }
        }
        try inputGradient.check()
        let db = hasBias ? run.parameterGradient(1).optionalFloats : nil
        try weightGradient.finish(
            run.host, weightGradient: run.parameterGradient(0).floats, biasGradient: isTransposed ? nil : db,
            workspace: workspace)
        if let biasGradient, let db {
            biasGradient.run(run.host, outputGradient: dy, gradient: db, workspace: packed)
        }
    }

    /// Without any sample all sums are empty.
    private func clearGradients(_ run: Run) {
        run.inputGradient(0).clear()
        run.parameterGradient(0).clear()
        if hasBias { run.parameterGradient(1).clear() }
    }
}

extension Tensor {
    var optionalFloats: UnsafeMutablePointer<Float>? { isAbsent ? nil : floats }

    /// Sets a float32 gradient to 0, if it is wanted.
    func clear() {
        if !isAbsent && count > 0 { memset(bytes, 0, count * 4) }
    }
}
