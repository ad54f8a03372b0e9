import LaminaSDK

/// The weights in the forms in which the kernels of a convolution want them.
final class PackedWeights {
    /// Memory for all packed copies.
    let bytes: Int
    /// Per form: how the copy is made and its place; nil where the host's order serves.
    private let copies: [(copy: any WeightCopy, offset: Int)?]

    init(_ shape: ConvolutionShape, _ layouts: [MemoryDescriptor]) throws {
        let plain = try MemoryDescriptor.weights(shape)
        var memory = WorkspaceLayout()
        copies = try layouts.map { layout in
            if layout.isSame(as: plain) { return nil }
            return (try WeightReorder(shape, from: plain, to: layout), memory.reserve(layout.bytes))
        }
        bytes = memory.bytes
    }

    /// In the only form that all pieces of a pass want.
    init(_ transform: some FormedWeights) {
        copies = [(transform, 0)]
        bytes = transform.bytes
    }

    /// Fills `memory`, of size `bytes`, from the host's weights.
    func pack(_ host: Host, _ weights: UnsafeMutableRawPointer, into memory: UnsafeMutableRawPointer?) throws {
        for case (let copy, let offset)? in copies { try copy.run(host, from: weights, to: memory! + offset) }
    }

    /// Where the weights of form `index` are after `pack`.
    func address(_ index: Int, _ weights: UnsafeMutableRawPointer, _ memory: UnsafeMutableRawPointer?)
        -> UnsafeMutableRawPointer
    {
        copies[index].map { memory! + $0.offset } ?? weights
    }
}
