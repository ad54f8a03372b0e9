import CRecurrent
import LaminaSDK

/// The sizes of a recurrent layer, and how it is cut for threads.
struct RecurrentShape {
    let cell: RecurrentCell
    let batch, time, features: Int
    let units, layers, directions, gates: Int
    let hasBias, returnsAll: Bool
    let dropout: Double
    /// Samples of a piece, which goes through all steps by itself. It depends on the batch alone.
    let rowsOfPiece: Int

    init(_ cell: RecurrentCell, _ settings: RecurrentSettings, _ input: Tensor) {
        (self.cell, gates) = (cell, cell.gates)
        (batch, time, features) = (input.size(0), input.size(1), input.size(2))
        (units, layers, directions) = (settings.units, settings.layers, settings.directions)
        (hasBias, returnsAll, dropout) = (settings.hasBias, settings.returnsAll, settings.dropout)
        // Each piece reads all recurrent weights in each step, which about eight rows pay for. An even number of pieces
        // gives two threads equal shares.
        let pieces = max(2, 2 * ((batch + 15) / 16))
        rowsOfPiece = max(1, (batch + pieces - 1) / pieces)
        precondition(rowsOfPiece <= Int(LAMINA_RECURRENT_ROWS), "a piece has more rows than the kernels take")
    }

    var pieces: Int { (batch + rowsOfPiece - 1) / rowsOfPiece }
    /// Whether two threads go through the steps of a lone sample together: so each reads half of the weights, which are
    /// too large for its first-level cache. With smaller ones that would cost more than it gains.
    var isShared: Bool { pieces * directions == 1 && 4 * gateUnits * units >= 128 << 10 }
    /// Samples times steps.
    var steps: Int { batch * time }
    /// Rows of the weights.
    var gateUnits: Int { gates * units }
    /// Features of a layer's output.
    var width: Int { directions * units }
    /// Elements of one layer's and direction's states.
    var stateCount: Int { batch * units }

    func features(of layer: Int) -> Int { layer == 0 ? features : width }

    var parametersOfDirection: Int { hasBias ? 4 : 2 }
    /// The index of a direction's weight_ih; weight_hh, bias_ih, bias_hh follow.
    func firstParameter(_ layer: Int, _ direction: Int) -> Int {
        (layer * directions + direction) * parametersOfDirection
    }

    /// Multiply-adds count as two.
    var flops: Double {
        let perStep = (0..<layers).reduce(0) { $0 + features(of: $1) + units }
        return 2 * Double(steps) * Double(gateUnits) * Double(directions) * Double(perStep)
    }

    var scratchFloats: Int { Int(lamina_recurrent_scratch(cell.raw, Int64(units), Int64(rowsOfPiece))) }
}
