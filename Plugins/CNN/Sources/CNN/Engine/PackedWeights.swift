import CDNNL
import LaminaSDK

/// The weights in the layouts that the primitives of a convolution chose.
final class PackedWeights {
    /// Memory for all packed copies.
    let bytes: Int
    /// Per layout: the copy's reorder and place; nil where the host's order serves.
    private let copies: [(call: PrimitiveCall, offset: Int)?]

    init(_ shape: ConvolutionShape, _ layouts: [MemoryDescriptor]) throws {
        let plain = try MemoryDescriptor.weights(shape)
        var memory = WorkspaceLayout()
        copies = try layouts.map { layout in
            if layout.isSame(as: plain) { return nil }
            let reorder = try Primitive.reorder(from: plain, to: layout)
            let call = try PrimitiveCall(reorder, [(DNNL_ARG_FROM, plain), (DNNL_ARG_TO, layout)])
            guard reorder.scratchBytes == 0 else { throw PluginError.internal("oneDNN wants scratch for a reorder") }
            return (call, memory.reserve(layout.bytes))
        }
        bytes = memory.bytes
    }

    /// Fills `memory`, of size `bytes`, from the host's weights.
    func pack(_ weights: UnsafeMutableRawPointer, into memory: UnsafeMutableRawPointer?) throws {
        try OneDNN.onThisThread {
            for copy in copies {
                guard let (call, offset) = copy else { continue }
                call.bind(0, weights)
                call.bind(1, memory! + offset)
                call.run()
                try call.check()
            }
        }
    }

    /// Where the weights of layout `index` are after `pack`.
    func address(_ index: Int, _ weights: UnsafeMutableRawPointer, _ memory: UnsafeMutableRawPointer?)
        -> UnsafeMutableRawPointer
    {
        copies[index].map { memory! + $0.offset } ?? weights
    }
}
