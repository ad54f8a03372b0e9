import LaminaSDK

/// The axes of a tensor in the order of its memory, outermost first.
///
/// Every tensor is dense in one of the two layouts; so the strides follow from shape and layout.
struct PhysicalOrder {
    /// The logical axis at each position.
    let axes: [Int]
    /// The size at each position.
    let sizes: [Int]

    init(_ tensor: Tensor) {
        let rank = tensor.rank
        axes = tensor.isChannelsLast && rank >= 3 ? [0] + Array(2..<rank) + [1] : Array(0..<rank)
        sizes = axes.map { tensor.size($0) }
    }

    func position(of axis: Int) -> Int { axes.firstIndex(of: axis)! }

    /// The product of the sizes at positions `from ..< to`.
    func product(_ from: Int, _ to: Int) -> Int { sizes[from..<to].reduce(1, *) }

    /// The stride of each logical axis; 0 for one of size 1, which never moves.
    var strides: [Int] {
        var strides = Array(repeating: 0, count: axes.count)
        var stride = 1
        for position in axes.indices.reversed() {
            if sizes[position] != 1 { strides[axes[position]] = stride }
            stride *= sizes[position]
        }
        return strides
    }
}
