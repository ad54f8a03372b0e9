import CRecurrent
import LaminaSDK

/// One backward pass of a recurrent layer.
struct RecurrentGradient {
    private let plan: RecurrentPlan
    private let run: Run
    private let dropout: SequenceDropout?
    private let shape: RecurrentShape
    private let memory: RecurrentMemory
    private let workspace: UnsafeMutablePointer<Float>

    init(plan: RecurrentPlan, run: Run, dropout: SequenceDropout?) {
        (self.plan, self.run, self.dropout) = (plan, run, dropout)
        (shape, memory) = (plan.shape, plan.memory)
        workspace = run.workspace.assumingMemoryBound(to: Float.self)
    }

    // dh and dc go back through time, see backward.c, and leave dG, the gradients of all gates before their activation:
    // dW_ih = dGᵀ · x;  dW_hh = dGᵀ · h_(t-1);  db = Σ dG;  dx = dG · W_ih
    func compute() throws {
        for layer in (0..<shape.layers).reversed() {
            for direction in 0..<shape.directions where shape.batch > 0 {
                let weights = run.parameter(shape.firstParameter(layer, direction) + 1).floats
                plan.packedForBackward.pack(
                    run.host, weights, into: workspace + memory.packedForBackward(direction))
            }
            plan.forEachPiece(run) { direction, firstRow, rows, index in
                goBack(layer, direction, firstRow, rows, index)
            }
            for direction in 0..<shape.directions {
                try multiplyWeights(layer, direction)
                addBiases(layer, direction)
            }
            for direction in 0..<shape.directions { try passOn(layer, direction) }
            if let dropout, layer > 0 {
                dropout.apply(
                    run, layer: layer - 1, workspace + memory.sequenceGradient, shape.steps * shape.width)
            }
        }
    }

    private func goBack(_ layer: Int, _ direction: Int, _ firstRow: Int, _ rows: Int, _ index: Int) {
        var piece = plan.recurrence(run, layer, direction, firstRow, rows)
        var gradient = lamina_recurrence_gradient()
        let (before, offset) = (firstRow * shape.time, direction * shape.units)
        if layer + 1 < shape.layers {
            gradient.y = UnsafePointer(workspace + memory.sequenceGradient + before * shape.width + offset)
        } else if shape.returnsAll {
            gradient.y = given(0, before * shape.width + offset)
        } else {
            gradient.last = given(0, firstRow * shape.width + offset)
        }
        let states = (layer * shape.directions + direction) * shape.stateCount + firstRow * shape.units
        gradient.last_hidden = given(1, states)
        let weights = workspace + memory.packedForBackward(direction)
        gradient.weights = UnsafePointer(weights)
        gradient.candidate_weights = UnsafePointer(weights + plan.packedForBackward.candidate)
        gradient.gates = workspace + memory.gateGradient(direction) + before * shape.gateUnits
        if shape.cell == .gruAfter {
            gradient.candidate = workspace + memory.candidateGradient(direction) + before * shape.units
        }
        gradient.bias = workspace + memory.biasSums(index)
        gradient.candidate_bias = gradient.bias + shape.gateUnits
        if let hidden = wanted(RecurrentInput.hidden) {
            gradient.first_hidden = hidden.floats + states
            gradient.adds_hidden = hidden.accumulates ? 1 : 0
        }
        if shape.cell.hasCellState {
            gradient.last_cell = given(2, states)
            if let cell = wanted(RecurrentInput.cell) {
                gradient.first_cell = cell.floats + states
                gradient.adds_cell = cell.accumulates ? 1 : 0
            }
        }
        let scratch = workspace + memory.backwardScratch + index * memory.scratchFloats
        lamina_recurrent_backward(&piece, &gradient, scratch)
    }

    /// The gradient of an output, from an element on; nil if nothing depends on that output.
    private func given(_ output: Int, _ offset: Int) -> UnsafePointer<Float>? {
        let gradient = run.outputGradient(output)
        return gradient.isAbsent ? nil : UnsafePointer(gradient.floatsOrNone + offset)
    }

    private func wanted(_ input: Int) -> Tensor? {
        guard plan.isConnected(input) else { return nil }
        let gradient = run.inputGradient(input)
        return gradient.isAbsent ? nil : gradient
    }

    private func multiplyWeights(_ layer: Int, _ direction: Int) throws {
        let (first, features) = (shape.firstParameter(layer, direction), shape.features(of: layer))
        let gates = UnsafePointer(workspace + memory.gateGradient(direction))
        let (inputWeights, weights) = (run.parameterGradient(first), run.parameterGradient(first + 1))
        if !inputWeights.isAbsent {
            try multiply(
                gates, shape.gateUnits, rows: shape.gateUnits, by: plan.layerInput(run, layer), features,
                into: inputWeights)
        }
        guard !weights.isAbsent else { return }
        let (units, base) = (shape.units, memory.base(run))
        let previous = base + memory.previous(layer, direction)
        if shape.cell != .gruAfter && shape.cell != .gruBefore {
            return try multiply(gates, shape.gateUnits, rows: shape.gateUnits, by: previous, units, into: weights)
        }
        // The weights of n are multiplied with r ∘ h, or their product with r.
        try multiply(gates, shape.gateUnits, rows: 2 * units, by: previous, units, into: weights)
        if shape.cell == .gruAfter {
            let candidates = UnsafePointer(workspace + memory.candidateGradient(direction))
            try multiply(candidates, units, rows: units, by: previous, units, into: weights, from: 2 * units)
        } else {
            try multiply(
                gates + 2 * units, shape.gateUnits, rows: units, by: base + memory.extra(layer, direction), units,
                into: weights, from: 2 * units)
        }
    }

    /// Some rows of a weight's gradient: the first `rows` columns of a, transposed, times b.
    private func multiply(
        _ a: UnsafePointer<Float>, _ lda: Int, rows: Int, by b: UnsafeMutablePointer<Float>, _ columns: Int,
        into gradient: Tensor, from row: Int = 0
    ) throws {
        try run.host.gemm(
            transposeA: true, m: rows, n: columns, k: shape.steps, a: a, lda: lda, b: b, ldb: max(columns, 1),
            beta: gradient.accumulates ? 1 : 0, c: gradient.floatsOrNone + row * columns, ldc: max(columns, 1))
    }

    /// Adds up the pieces' sums in order.
    private func addBiases(_ layer: Int, _ direction: Int) {
        guard shape.hasBias else { return }
        let (first, count) = (shape.firstParameter(layer, direction), shape.gateUnits)
        let sums = workspace + memory.biasSums(direction * shape.pieces)
        let step = memory.biasSums(1) - memory.biasSums(0)
        for index in 0..<2 {
            let gradient = run.parameterGradient(first + 2 + index)
            if gradient.isAbsent { continue }
            let (out, accumulates) = (gradient.floats, gradient.accumulates)
            for i in 0..<count {
                // The state's bias of n is added before the reset gate.
                let isCandidate = index == 1 && shape.cell == .gruAfter && i >= count - shape.units
                var sum = Float(0)
                for piece in 0..<shape.pieces { sum += sums[piece * step + i + (isCandidate ? shape.units : 0)] }
                out[i] = accumulates ? out[i] + sum : sum
            }
        }
    }

    /// The gradient of a layer's input.
    private func passOn(_ layer: Int, _ direction: Int) throws {
        let (first, features) = (shape.firstParameter(layer, direction), shape.features(of: layer))
        var (to, adds) = (workspace + memory.sequenceGradient, direction > 0)
        if layer == 0 {
            guard let input = wanted(RecurrentInput.sequence) else { return }
            to = input.floatsOrNone
            adds = adds || input.accumulates
        }
        try run.host.gemm(
            m: shape.steps, n: features, k: shape.gateUnits, a: workspace + memory.gateGradient(direction),
            lda: shape.gateUnits, b: run.parameter(first).floatsOrNone, ldb: max(features, 1), beta: adds ? 1 : 0,
            c: to, ldc: max(features, 1))
    }
}
