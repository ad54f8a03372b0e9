import CRecurrent
import LaminaSDK

/// Where the packed copies of recurrent weights are, and how they are made; see recurrent.h.
///
/// Most cells multiply with the whole matrix at once. A GRU whose reset gate acts before the product needs the gates r and z
/// first, and multiplies with the part of n later.
struct PackedRecurrentWeights {
    private struct Part {
        /// In the weights, and in the packed copy.
        let from, to: Int
        let depth, gates: Int
    }
    private let parts: [Part]
    private let units, across, along: Int
    let floats: Int
    /// Of the part for n.
    var candidate: Int { parts[parts.count - 1].to }

    init(_ shape: RecurrentShape, forBackward: Bool) {
        let units = shape.units
        self.units = units
        (across, along) = forBackward ? (1, units) : (units, 1)
        // Backward leads from gates to units: there they are the depth.
        let pieces = shape.cell == .gruBefore ? [(first: 0, gates: 2), (first: 2, gates: 1)] : [(0, shape.gates)]
        var layout = FloatLayout()
        parts = pieces.map { first, gates in
            let (depth, outputs) = forBackward ? (gates * units, 1) : (units, gates)
            let size = lamina_recurrent_packed_size(Int64(depth), Int64(outputs), Int64(units))
            return Part(from: first * units * units, to: layout.add(Int(size)), depth: depth, gates: outputs)
        }
        floats = layout.count
    }

    func pack(_ host: Host, _ weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>) {
        let (units, across, along) = (units, across, along)
        for index in 0..<parts.count {
            let part = parts[index]
            host.parallelFor(Int(lamina_recurrent_parts(Int64(part.gates), Int64(units))), grain: 1) { begin, end in
                for number in begin..<end {
                    lamina_recurrent_pack(
                        weights + part.from, Int64(across), Int64(along), Int64(part.depth), Int64(part.gates),
                        Int64(units), Int64(number), packed + part.to)
                }
            }
        }
    }
}
