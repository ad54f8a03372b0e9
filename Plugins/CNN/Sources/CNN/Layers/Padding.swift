import CLamina
import LaminaSDK

/// Zeros (or nothing, for pooling) beside the input, along each axis: so many before it and so many behind.
struct Padding {
    var before: [Int]
    var after: [Int]

    static func schema(axes: Int, words: [String] = []) -> AttributeSchema {
        let pairs = ["[left, right]", "[top, bottom, left, right]", "[front, back, top, bottom, left, right]"][axes - 1]
        let meaning = words.isEmpty ? "" : "; valid: none; same: as much as keeps the size, the odd one behind"
        return .init(
            "padding", types: LAMINA_ATTRIBUTE_INTEGERS | (words.isEmpty ? 0 : LAMINA_ATTRIBUTE_STRING),
            defaultJSON: "0", range: 0...largestExtent, choices: words, count: 1...2 * axes,
            "one for all axes, one per axis, or \(pairs)\(meaning)")
    }

    /// From integers: one for all axes, one per axis, or pairs (before, after) in the order of the axes.
    init(_ values: [Int], axes: Int) throws {
        switch values.count {
        case 1: (before, after) = (Array(repeating: values[0], count: axes), Array(repeating: values[0], count: axes))
        case axes: (before, after) = (values, values)
        case 2 * axes:
            before = (0..<axes).map { values[2 * $0] }
            after = (0..<axes).map { values[2 * $0 + 1] }
        default:
            let wanted = axes == 1 ? "1 or 2" : "1, \(axes) or \(2 * axes)"
            throw PluginError.attribute(
                "padding has \(values.count) values, wanted \(wanted): for all axes, per axis, or before and after each"
            )
        }
    }

    /// Keeps the size at stride 1. With an even kernel the odd element goes behind, as in PyTorch.
    static func same(kernel: [Int], dilation: [Int]) -> Padding {
        let total = zip(kernel, dilation).map { ($0 - 1) * $1 }
        return Padding(before: total.map { $0 / 2 }, after: total.map { $0 - $0 / 2 })
    }

    static func none(axes: Int) -> Padding {
        Padding(before: Array(repeating: 0, count: axes), after: Array(repeating: 0, count: axes))
    }

    private init(before: [Int], after: [Int]) { (self.before, self.after) = (before, after) }
}

/// The largest kernel, stride, dilation or padding that a layer takes; keeps sums and products far from overflow.
let largestExtent: Double = 1e6

extension AttributeSchema {
    /// A size along each axis: one integer for all, or one per axis.
    static func extents(_ name: String, default value: Int?, axes: Int, _ documentation: String) -> AttributeSchema {
        .integers(
            name, default: value.map { [$0] }, 1...largestExtent, count: 1...axes,
            documentation + (axes == 1 ? "" : ", one for all axes or one per axis"))
    }
}
