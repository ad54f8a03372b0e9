import LaminaSDK

extension Inference {
    /// The shape of a float32 input [N, C, spatial…], with its number of channels, on which parameters depend.
    func image(_ axes: (some SpatialAxes).Type) throws -> (batch: Dimension, channels: Dimension, spatial: [Dimension])
    {
        try require(0, .float32)
        let shape = shape(0)
        guard shape.count == axes.count + 2 else {
            throw PluginError.shape(
                "input has shape \(host.text(shape)), wanted \(axes.count + 2) dimensions \(axes.inputText)", input: 0)
        }
        return (shape[0], shape[1], Array(shape[2...]))
    }

    /// How many places a window has along an axis: ⌊(size + padding − reach) / stride⌋ + 1.
    func places(
        _ size: Dimension, before: Int, after: Int, reach: Int, stride: Int, axis: Int
    ) throws -> Dimension {
        if let size = size.literal {
            try requireExtent(size, axis)
            guard size + before + after >= reach else {
                throw PluginError.shape(
                    "spatial axis \(axis) has size \(size), with padding \(size + before + after), "
                        + "but the kernel reaches over \(reach): use a smaller kernel or dilation, or more padding",
                    input: 0)
            }
            return Dimension((size + before + after - reach) / stride + 1)
        }
        let margin = before + after - reach
        let room =
            try margin < 0
            ? host.subtract(size, Dimension(-margin)) : margin > 0 ? host.add(size, Dimension(margin)) : size
        let steps = stride == 1 ? room : try host.floorDivide(room, Dimension(stride))
        return try host.add(steps, Dimension(1))
    }
}

/// A size of 0 along a spatial axis has no meaning (a batch of 0 has); beyond 2⁴⁰ sums could overflow.
func requireExtent(_ size: Int, _ axis: Int) throws {
    guard size > 0 else { throw PluginError.shape("spatial axis \(axis) has size 0, wanted at least 1", input: 0) }
    guard size <= 1 << 40 else {
        throw PluginError.shape("spatial axis \(axis) has size \(size), wanted at most 2^40", input: 0)
    }
}

extension Planning {
    /// Checks what the shape rule could not: that sizes which were symbols then are not 0 now.
    func requireExtents() throws {
        for axis in 2..<input(0).rank { try requireExtent(input(0).size(axis), axis - 2) }
    }
}
