import CRecurrent
import LaminaSDK

/// A recurrent layer for one set of shapes.
///
/// Forward, layer by layer: one matrix product has what the inputs contribute to the gates in all steps; then pieces of the
/// batch go through the time loop, each by itself. Backward goes through time the other way, and ends in one matrix
/// product over all steps for each weight and for the input.
struct RecurrentPlan: PlannedLayer {
    let shape: RecurrentShape
    let memory: RecurrentMemory
    let packed, packedForBackward: PackedRecurrentWeights
    private let dropout: SequenceDropout?
    private let isTraining: Bool
    /// How many inputs there are, and which: optional ones at the end may be missing altogether.
    private let connected: [Bool]

    init(_ planning: Planning, _ shape: RecurrentShape) {
        self.shape = shape
        isTraining = planning.isTraining
        connected = (0...RecurrentInput.cell).map { $0 < planning.inputCount && !planning.input($0).isAbsent }
        dropout =
            planning.isTraining && shape.dropout > 0 && shape.layers > 1 ? SequenceDropout(rate: shape.dropout) : nil
        packed = PackedRecurrentWeights(shape, forBackward: false)
        packedForBackward = PackedRecurrentWeights(shape, forBackward: true)
        let parameters = shape.layers * shape.directions * shape.parametersOfDirection
        let hasBackward =
            (0..<planning.inputCount).contains { planning.wantsInputGradient($0) }
            || (0..<parameters).contains { planning.wantsParameterGradient($0) }
        memory = RecurrentMemory(shape, keeps: hasBackward, packed, packedForBackward, isTraining: isTraining)
        planning.setFLOPs(forward: shape.flops, backward: 2 * shape.flops)
        planning.setWorkspace(forward: memory.forward.bytes, backward: hasBackward ? memory.backward.bytes : 0)
        if !isTraining { planning.setPersistent(bytes: memory.persistent.bytes) }
        guard hasBackward else { return }
        planning.save(bytes: memory.saved.bytes)
        if (0..<shape.directions).contains(where: { planning.wantsParameterGradient(shape.firstParameter(0, $0)) }) {
            planning.saveInput(RecurrentInput.sequence)
        }
        if connected[RecurrentInput.lengths] { planning.saveInput(RecurrentInput.lengths) }
    }

    func prepare(_ run: Run) {
        let persistent = run.persistent.assumingMemoryBound(to: Float.self)
        for layer in 0..<shape.layers {
            for direction in 0..<shape.directions {
                let weights = run.parameter(shape.firstParameter(layer, direction) + 1).floats
                packed.pack(run.host, weights, into: persistent + memory.prepared(layer, direction))
            }
        }
    }

    func forward(_ run: Run) throws {
        if shape.batch == 0 { return }
        try checkLengths(run)
        for layer in 0..<shape.layers {
            for direction in 0..<shape.directions { try multiplyInputs(run, layer, direction) }
            if shape.isShared {
                runTogether(run, layer)
            } else {
                forEachPiece(run) { direction, firstRow, rows, index in
                    var piece = self.piece(run, layer, direction, firstRow, rows)
                    lamina_recurrent_forward(&piece, scratch(run, index))
                }
            }
            if let dropout, layer + 1 < shape.layers {
                dropout.apply(run, layer: layer, sequence(run, layer), shape.steps * shape.width)
            }
        }
    }

    private func checkLengths(_ run: Run) throws {
        guard let lengths = lengths(run) else { return }
        for sample in 0..<shape.batch where lengths[sample] < 0 || lengths[sample] > shape.time {
            throw PluginError.data(
                "sample \(sample) of lengths has length \(lengths[sample]), wanted 0 to \(shape.time), the input's steps",
                input: RecurrentInput.lengths)
        }
    }

    func lengths(_ run: Run) -> UnsafeMutablePointer<Int64>? {
        connected[RecurrentInput.lengths] ? run.input(RecurrentInput.lengths).int64s : nil
    }

    func isConnected(_ input: Int) -> Bool { connected[input] }

    /// An optional input's values for one layer and direction.
    private func initial(_ run: Run, _ input: Int, _ layer: Int, _ direction: Int) -> UnsafeMutablePointer<Float>? {
        connected[input]
            ? run.input(input).floats + (layer * shape.directions + direction) * shape.stateCount : nil
    }

    /// What a layer reads.
    func layerInput(_ run: Run, _ layer: Int) -> UnsafeMutablePointer<Float> {
        layer == 0 ? run.input(RecurrentInput.sequence).floatsOrNone : sequence(run, layer - 1)
    }

    /// Where a layer below the last writes.
    private func sequence(_ run: Run, _ layer: Int) -> UnsafeMutablePointer<Float> {
        memory.base(run) + memory.sequence(layer)
    }

    /// Multiply-adds below which the host leaves a product to one thread. It is cut in two here, as nothing else goes on
    /// beside it.
    private static let smallProduct = 1 << 23

    /// The inputs' contribution to the gates of all steps, the sum of the biases, and the packed weights.
    private func multiplyInputs(_ run: Run, _ layer: Int, _ direction: Int) throws {
        let (features, first) = (shape.features(of: layer), shape.firstParameter(layer, direction))
        let (x, gates) = (layerInput(run, layer), memory.base(run) + memory.gates(layer, direction))
        let (half, isSmall) = (shape.steps / 2, shape.steps * shape.gateUnits * features < Self.smallProduct)
        func multiply(from: Int, steps: Int, batch: Int = 1) throws {
            try run.host.gemm(
                transposeB: true, m: steps, n: shape.gateUnits, k: features, a: x + from * features,
                lda: max(features, 1), b: run.parameter(first).floatsOrNone, ldb: max(features, 1),
                c: gates + from * shape.gateUnits, ldc: shape.gateUnits, batch: batch, strideA: steps * features,
                strideC: steps * shape.gateUnits)
        }
        if isSmall, half >= 8 {
            try multiply(from: 0, steps: half, batch: 2)
            if shape.steps % 2 == 1 { try multiply(from: 2 * half, steps: 1) }
        } else {
            try multiply(from: 0, steps: shape.steps)
        }
        let workspace = run.workspace.assumingMemoryBound(to: Float.self)
        if isTraining {
            packed.pack(run.host, run.parameter(first + 1).floats, into: workspace + memory.packedWeights(direction))
        }
        sumBiases(run, first, workspace + memory.biases(direction))
    }

    /// Biases of the gates, and behind them the one of the state's share in n, which a GRU adds before its reset gate.
    private func sumBiases(_ run: Run, _ first: Int, _ sums: UnsafeMutablePointer<Float>) {
        let (count, units) = (shape.gateUnits, shape.units)
        guard shape.hasBias else { return sums.update(repeating: 0, count: count + units) }
        let (input, hidden) = (run.parameter(first + 2).floats, run.parameter(first + 3).floats)
        for i in 0..<count { sums[i] = input[i] + hidden[i] }
        guard shape.cell == .gruAfter else { return }
        for i in count - units..<count {
            sums[i] = input[i]
            sums[i + units] = hidden[i]
        }
    }

    /// Runs all pieces of all directions, with scratch memory for each.
    func forEachPiece(
        _ run: Run, _ body: (_ direction: Int, _ firstRow: Int, _ rows: Int, _ scratch: Int) -> Void
    ) {
        let pieces = shape.pieces
        run.host.parallelFor(pieces * shape.directions, grain: 1) { begin, end in
            for index in begin..<end {
                let firstRow = index % pieces * shape.rowsOfPiece
                body(index / pieces, firstRow, min(shape.rowsOfPiece, shape.batch - firstRow), index)
            }
        }
    }

    private func scratch(_ run: Run, _ index: Int) -> UnsafeMutablePointer<Float> {
        run.workspace.assumingMemoryBound(to: Float.self) + memory.forwardScratch + index * memory.scratchFloats
    }

    /// The only piece there is, by two threads.
    private func runTogether(_ run: Run, _ layer: Int) {
        let pair = UnsafeMutableRawPointer(run.workspace.assumingMemoryBound(to: Float.self) + memory.pair)
            .assumingMemoryBound(to: lamina_recurrent_pair.self)
        pair.initialize(to: lamina_recurrent_pair())
        run.host.parallelFor(2, grain: 1) { begin, end in
            for _ in begin..<end {
                var piece = self.piece(run, layer, 0, 0, 1)
                lamina_recurrent_forward_together(&piece, scratch(run, 0), pair)
            }
        }
    }

    /// All that forward needs to know of one piece.
    private func piece(
        _ run: Run, _ layer: Int, _ direction: Int, _ firstRow: Int, _ rows: Int
    ) -> lamina_recurrence {
        let workspace = run.workspace.assumingMemoryBound(to: Float.self)
        var piece = recurrence(run, layer, direction, firstRow, rows)
        let weights =
            isTraining
            ? workspace + memory.packedWeights(direction)
            : run.persistent.assumingMemoryBound(to: Float.self) + memory.prepared(layer, direction)
        piece.weights = UnsafePointer(weights)
        piece.candidate_weights = UnsafePointer(weights + packed.candidate)
        piece.bias = UnsafePointer(workspace + memory.biases(direction))
        piece.candidate_bias = piece.bias + shape.gateUnits
        let (state, offset) = (firstRow * shape.units, direction * shape.units)
        piece.first_hidden = initial(run, RecurrentInput.hidden, layer, direction).map { UnsafePointer($0 + state) }
        let states = (layer * shape.directions + direction) * shape.stateCount + state
        piece.last_hidden = run.output(1).floats + states
        if shape.cell.hasCellState {
            piece.first_cell = initial(run, RecurrentInput.cell, layer, direction).map { UnsafePointer($0 + state) }
            piece.last_cell = run.output(2).floats + states
        }
        if layer + 1 < shape.layers {
            piece.y = sequence(run, layer) + firstRow * shape.time * shape.width + offset
        } else if shape.returnsAll {
            piece.y = run.output(0).floatsOrNone + firstRow * shape.time * shape.width + offset
        } else {
            piece.last = run.output(0).floats + firstRow * shape.width + offset
        }
        return piece
    }

    /// Sizes, lengths and what forward keeps, of one piece.
    func recurrence(
        _ run: Run, _ layer: Int, _ direction: Int, _ firstRow: Int, _ rows: Int
    ) -> lamina_recurrence {
        var piece = lamina_recurrence()
        (piece.cell, piece.reverse) = (shape.cell.raw, Int64(direction))
        (piece.time, piece.units, piece.rows) = (Int64(shape.time), Int64(shape.units), Int64(rows))
        piece.lengths = lengths(run).map { UnsafePointer($0 + firstRow) }
        let (base, before) = (memory.base(run), firstRow * shape.time)
        piece.gates = base + memory.gates(layer, direction) + before * shape.gateUnits
        if memory.keeps {
            piece.previous = base + memory.previous(layer, direction) + before * shape.units
            if shape.cell.keepsExtra { piece.extra = base + memory.extra(layer, direction) + before * shape.units }
        }
        (piece.y_row, piece.y_step) = (Int64(shape.time * shape.width), Int64(shape.width))
        piece.last_row = Int64(shape.width)
        return piece
    }

    func backward(_ run: Run) throws {
        try RecurrentGradient(plan: self, run: run, dropout: dropout).compute()
    }
}

extension Tensor {
    /// Of an empty tensor, which has no memory, an address that nobody follows.
    var floatsOrNone: UnsafeMutablePointer<Float> {
        raw.pointee.data?.assumingMemoryBound(to: Float.self) ?? UnsafeMutablePointer(bitPattern: 64)!
    }
}
