import Foundation
import LaminaTesting

/// Recurrent layers as their formulas stand, in double precision.
struct NaiveRecurrence {
    enum Cell: String { case tanh, relu, lstm, gruAfter, gruBefore }
    var cell: Cell
    var batch: Int
    var time: Int
    var features: Int
    var units: Int
    var layers = 1
    var directions = 1
    var hasBias = true
    var returnsLast = false
    var lengths: [Int]?

    var gates: Int { cell == .tanh || cell == .relu ? 1 : cell == .lstm ? 4 : 3 }
    var component: String { gates == 1 ? "elman" : gates == 4 ? "lstm" : "gru" }

    /// Tensors by name, each a list of numbers: "input", "hidden", "cell" and the parameters.
    typealias Values = [String: [Double]]

    private func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

    /// rows first ..< first + units of w · v + b
    private func product(_ w: [Double], _ b: [Double]?, _ v: ArraySlice<Double>, gate: Int) -> [Double] {
        let v = Array(v)
        return (gate * units..<(gate + 1) * units).map { row in
            var sum = b?[row] ?? 0
            for i in v.indices { sum += w[row * v.count + i] * v[i] }
            return sum
        }
    }

    private func step(
        _ values: Values, _ suffix: String, _ x: ArraySlice<Double>, _ h: inout [Double], _ c: inout [Double]
    ) {
        let (wi, wh) = (values["weight_ih" + suffix]!, values["weight_hh" + suffix]!)
        let (bi, bh) = (values["bias_ih" + suffix], values["bias_hh" + suffix])
        let fromInput = (0..<gates).map { product(wi, bi, x, gate: $0) }
        let fromState = (0..<gates).map { product(wh, bh, h[...], gate: $0) }
        func sum(_ gate: Int, _ unit: Int) -> Double { fromInput[gate][unit] + fromState[gate][unit] }
        let r = (0..<units).map { gates == 3 ? sigmoid(sum(0, $0)) : 0 }
        let reset = cell == .gruBefore ? product(wh, bh, zip(r, h).map { $0 * $1 }[...], gate: 2) : []
        for j in 0..<units {
            switch cell {
            case .tanh: h[j] = Foundation.tanh(sum(0, j))
            case .relu: h[j] = max(0, sum(0, j))
            case .lstm:
                c[j] = sigmoid(sum(1, j)) * c[j] + sigmoid(sum(0, j)) * Foundation.tanh(sum(2, j))
                h[j] = sigmoid(sum(3, j)) * Foundation.tanh(c[j])
            case .gruAfter, .gruBefore:
                let state = cell == .gruBefore ? reset[j] : r[j] * fromState[2][j]
                let n = Foundation.tanh(fromInput[2][j] + state)
                let z = sigmoid(sum(1, j))
                h[j] = (1 - z) * n + z * h[j]
            }
        }
    }

    /// Outputs 0, 1 and, for an LSTM, 2.
    func outputs(_ values: Values) -> [[Double]] {
        var x = values["input"]!
        var width = features
        let states = batch * units
        var hidden = values["hidden"] ?? Array(repeating: 0, count: layers * directions * states)
        var cells = values["cell"] ?? Array(repeating: 0, count: layers * directions * states)
        for layer in 0..<layers {
            var y = [Double](repeating: 0, count: batch * time * directions * units)
            for direction in 0..<directions {
                let suffix = "_l\(layer)" + (direction == 1 ? "_reverse" : "")
                for n in 0..<batch {
                    let at = (layer * directions + direction) * states + n * units
                    var (h, c) = (Array(hidden[at..<at + units]), Array(cells[at..<at + units]))
                    let steps = Array(0..<(lengths?[n] ?? time))
                    for t in direction == 1 ? steps.reversed() : steps {
                        let row = n * time + t
                        step(values, suffix, x[row * width..<(row + 1) * width], &h, &c)
                        let to = (row * directions + direction) * units
                        y.replaceSubrange(to..<to + units, with: h)
                    }
                    hidden.replaceSubrange(at..<at + units, with: h)
                    cells.replaceSubrange(at..<at + units, with: c)
                }
            }
            (x, width) = (y, directions * units)
        }
        if returnsLast {
            x = (0..<batch).flatMap { n in
                (0..<directions).flatMap { direction in
                    let at = ((layers - 1) * directions + direction) * states + n * units
                    return hidden[at..<at + units]
                }
            }
        }
        return cell == .lstm ? [x, hidden, cells] : [x, hidden]
    }
}
