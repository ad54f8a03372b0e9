import CRecurrent
import LaminaSDK

/// Where a recurrent layer keeps what: offsets in floats.
struct RecurrentMemory {
    /// Whether forward keeps what backward needs, in saved memory; else it works on its workspace.
    let keeps: Bool
    private(set) var saved = FloatLayout()
    private(set) var forward = FloatLayout()
    private(set) var backward = FloatLayout()
    private(set) var persistent = FloatLayout()
    let scratchFloats: Int

    /// One layer's and direction's gates, states before each step, and what its cell wants to know again.
    private let gatesFloats, stateFloats: Int
    private let directionFloats, sequenceFloats, firstSequence: Int
    private let directions, packedFloats: Int

    private let firstPacked, firstBias, biasFloats: Int
    let forwardScratch, pair: Int

    // Of the backward pass.
    private let firstGateGradient, firstCandidateGradient, firstPackedForBackward, packedForBackwardFloats: Int
    private let firstBiasSum: Int
    let sequenceGradient, backwardScratch: Int

    init(
        _ shape: RecurrentShape, keeps: Bool, _ packed: PackedRecurrentWeights,
        _ packedForBackward: PackedRecurrentWeights, isTraining: Bool
    ) {
        self.keeps = keeps
        directions = shape.directions
        func whole(_ floats: Int) -> Int { (floats + 15) / 16 * 16 }
        gatesFloats = whole(shape.steps * shape.gateUnits)
        stateFloats = whole(shape.steps * shape.units)
        sequenceFloats = shape.layers > 1 ? whole(shape.steps * shape.width) : 0
        packedFloats = packed.floats
        scratchFloats = whole(shape.scratchFloats)
        biasFloats = whole(shape.gateUnits + shape.units)
        let pieces = shape.pieces * shape.directions

        var (saved, forward, backward, persistent) = (FloatLayout(), FloatLayout(), FloatLayout(), FloatLayout())
        if keeps {
            directionFloats = gatesFloats + (shape.cell.keepsExtra ? 2 : 1) * stateFloats
            _ = saved.add(shape.layers * shape.directions * directionFloats)
            firstSequence = saved.add((shape.layers - 1) * sequenceFloats)
        } else {
            directionFloats = gatesFloats
            _ = forward.add(shape.directions * directionFloats)
            firstSequence = forward.add(sequenceFloats)
        }
        firstPacked = forward.add(isTraining ? shape.directions * packed.floats : 0)
        firstBias = forward.add(shape.directions * biasFloats)
        forwardScratch = forward.add(pieces * scratchFloats)
        pair = forward.add(MemoryLayout<lamina_recurrent_pair>.size / 4)

        firstGateGradient = backward.add(shape.directions * gatesFloats)
        firstCandidateGradient = backward.add(shape.cell == .gruAfter ? shape.directions * stateFloats : 0)
        sequenceGradient = backward.add(sequenceFloats)
        packedForBackwardFloats = packedForBackward.floats
        firstPackedForBackward = backward.add(shape.directions * packedForBackward.floats)
        firstBiasSum = backward.add(pieces * biasFloats)
        backwardScratch = backward.add(pieces * scratchFloats)

        if !isTraining { _ = persistent.add(shape.layers * shape.directions * packed.floats) }
        (self.saved, self.forward, self.backward, self.persistent) = (saved, forward, backward, persistent)
    }

    /// What the offsets of gates, states and sequences begin at.
    func base(_ run: Run) -> UnsafeMutablePointer<Float> {
        (keeps ? run.saved(0) : run.workspace).assumingMemoryBound(to: Float.self)
    }

    func gates(_ layer: Int, _ direction: Int) -> Int {
        ((keeps ? layer * directions : 0) + direction) * directionFloats
    }
    func previous(_ layer: Int, _ direction: Int) -> Int { gates(layer, direction) + gatesFloats }
    func extra(_ layer: Int, _ direction: Int) -> Int { previous(layer, direction) + stateFloats }
    /// The output of a layer below the last. If nothing is kept one place serves all: a layer has read it when it writes.
    func sequence(_ layer: Int) -> Int { firstSequence + (keeps ? layer * sequenceFloats : 0) }

    func prepared(_ layer: Int, _ direction: Int) -> Int { (layer * directions + direction) * packedFloats }
    func packedWeights(_ direction: Int) -> Int { firstPacked + direction * packedFloats }
    func biases(_ direction: Int) -> Int { firstBias + direction * biasFloats }

    func gateGradient(_ direction: Int) -> Int { firstGateGradient + direction * gatesFloats }
    func candidateGradient(_ direction: Int) -> Int { firstCandidateGradient + direction * stateFloats }
    func packedForBackward(_ direction: Int) -> Int { firstPackedForBackward + direction * packedForBackwardFloats }
    /// A piece's sums of the gates' gradients, and of the candidates'.
    func biasSums(_ piece: Int) -> Int { firstBiasSum + piece * biasFloats }
}
