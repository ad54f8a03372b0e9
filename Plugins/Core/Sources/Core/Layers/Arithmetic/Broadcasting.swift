import LaminaSDK

// Broadcasting as in NumPy: shapes are aligned at their last axes; a missing axis or one of size 1 is repeated.

extension Inference {
    /// The common shape of all inputs, which become float32 tensors of any layout where their ranks allow it.
    func broadcast() throws -> [Dimension] {
        for index in 0..<inputCount {
            try require(index, .float32)
            try requireRank(index)
        }
        var result = shape(0)
        for index in 1..<inputCount { result = try broadcast(result, with: index) }
        // Below rank 3 there is one layout; above, one choice has to mean the same axes in every input.
        let ranks = (0..<inputCount).map { input($0).rank } + [result.count]
        setLayouts(Set(ranks.filter { $0 >= 3 }).count <= 1 ? .any : .plain)
        return result
    }

    private func broadcast(_ a: [Dimension], with index: Int) throws -> [Dimension] {
        let b = shape(index)
        let rank = max(a.count, b.count)
        return try (0..<rank).map { axis in
            let (i, j) = (axis - (rank - a.count), axis - (rank - b.count))
            if i < 0 { return b[j] }
            if j < 0 || a[i] == b[j] || b[j].literal == 1 { return a[i] }
            if a[i].literal == 1 { return b[j] }
            throw PluginError.shape(
                "input \(index) has shape \(host.text(b)), which does not fit \(host.text(a)) of the input before: "
                    + "sizes \(host.text(b[j])) and \(host.text(a[i])) of axis \(axis - rank) have to be equal or 1",
                input: index)
        }
    }
}

/// The strides of `tensor` for the axes of `shape`'s tensor, by position in that one's memory: 0 where it is repeated.
func broadcastStrides(_ tensor: Tensor, over order: PhysicalOrder) -> [Int] {
    let strides = PhysicalOrder(tensor).strides
    let missing = order.axes.count - tensor.rank
    return order.axes.map { $0 < missing ? 0 : strides[$0 - missing] }
}

/// The loops over `result` and the tensors that are repeated to its shape: lane 0 is `result`, then `tensors`.
func broadcastLoops(_ result: Tensor, _ tensors: [Tensor]) -> LoopNest {
    let order = PhysicalOrder(result)
    return LoopNest(sizes: order.sizes, strides: broadcastStrides([result] + tensors, over: order))
}

/// Per position the strides of up to four tensors.
func broadcastStrides(_ tensors: [Tensor], over order: PhysicalOrder) -> [SIMD4<Int>] {
    let columns = tensors.map { broadcastStrides($0, over: order) }
    return order.axes.indices.map { position in
        var strides = SIMD4<Int>(repeating: 0)
        for (lane, column) in columns.enumerated() { strides[lane] = column[position] }
        return strides
    }
}

/// Sums a gradient of the result's shape over the axes along which `operand` was repeated.
func broadcastReduction(to operand: Tensor, from result: Tensor, _ others: [Tensor]) -> AxisReduction {
    let order = PhysicalOrder(result)
    return AxisReduction(
        sizes: order.sizes, strides: broadcastStrides([operand, result] + others, over: order),
        outputCount: operand.count)
}
