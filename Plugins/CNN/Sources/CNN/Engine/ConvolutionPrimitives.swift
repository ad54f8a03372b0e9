import CDNNL
import LaminaSDK

/// The three directions of a convolution.
enum ConvolutionDirection {
    case forward(bias: Bool, training: Bool)
    case inputGradient
    case weightGradient(bias: Bool)

    /// The tensor of the primitive that has the weights' shape.
    var weights: dnnl_query_t {
        if case .weightGradient = self { return dnnl_query_diff_weights_md }
        return dnnl_query_weights_md
    }
}

extension ConvolutionDirection {
    /// Compiles the convolution for one piece's shape, with weights in the given layout.
    func primitive(_ shape: ConvolutionShape, weights: MemoryDescriptor) throws -> Primitive {
        var source = try shape.sourceLayout
        var destination = try shape.destinationLayout
        var weights = weights
        var bias = try MemoryDescriptor.vector(shape.outputChannels)
        let stride = shape.stride.map(Int64.init)
        let dilation = shape.dilation.map { Int64($0 - 1) }
        let before = shape.before.map(Int64.init)
        let after = (0..<shape.axes).map { Int64(shape.after($0)) }

        var operation = dnnl_convolution_desc_t()
        let status = withUnsafePointer(to: &bias) { bias in
            switch self {
            case .forward(let hasBias, let training):
                dnnl_dilated_convolution_forward_desc_init(
                    &operation, training ? dnnl_forward_training : dnnl_forward_inference, dnnl_convolution_direct,
                    &source, &weights, hasBias ? bias : nil, &destination, stride, dilation, before, after)
            case .inputGradient:
                dnnl_dilated_convolution_backward_data_desc_init(
                    &operation, dnnl_convolution_direct, &source, &weights, &destination, stride, dilation, before,
                    after)
            case .weightGradient(let hasBias):
                dnnl_dilated_convolution_backward_weights_desc_init(
                    &operation, dnnl_convolution_direct, &source, &weights, hasBias ? bias : nil, &destination, stride,
                    dilation, before, after)
            }
        }
        try OneDNN.check(status, shape.text)
        return try .convolution(&operation, shape.text)
    }
}

extension ConvolutionShape {
    /// The convolution's input x, or its gradient.
    var sourceLayout: MemoryDescriptor {
        get throws {
            let whole = try MemoryDescriptor.activation(
                batch, inputChannels, storedInput ?? input, channelsLast: channelsLast)
            return try storedInput == nil ? whole : whole.beginning([batch, inputChannels] + input)
        }
    }
    /// The convolution's output y, or its gradient.
    var destinationLayout: MemoryDescriptor {
        get throws { try .activation(batch, outputChannels, output, channelsLast: channelsLast) }
    }
}

/// The primitives of all pieces of a convolution. Equal pieces share one, and all share one layout of the weights
/// where oneDNN has a fast kernel for that.
struct PiecePrimitives {
    /// The layouts of the weights that occur, usually one.
    private(set) var layouts: [MemoryDescriptor] = []
    /// Per piece: its primitive, and which of `layouts` it works with.
    private(set) var ofPiece: [(primitive: Primitive, layout: Int)] = []

    init(_ pieces: [ConvolutionPiece], _ direction: ConvolutionDirection) throws {
        var known: [ConvolutionShape: (primitive: Primitive, layout: Int)] = [:]
        for piece in pieces {
            if known[piece.shape] == nil { known[piece.shape] = try make(piece.shape, direction) }
            ofPiece.append(known[piece.shape]!)
        }
    }

    private mutating func make(_ shape: ConvolutionShape, _ direction: ConvolutionDirection) throws
        -> (primitive: Primitive, layout: Int)
    {
        let own = try direction.primitive(shape, weights: .chosenWeights(shape))
        let chosen = own.layout(of: direction.weights)
        for (index, layout) in layouts.enumerated() {
            if chosen.isSame(as: layout) { return (own, index) }
            if let shared = try? direction.primitive(shape, weights: layout),
                shared.implementation == own.implementation
            {
                return (shared, index)
            }
        }
        layouts.append(chosen)
        return (own, layouts.count - 1)
    }

    /// The largest scratch of a piece.
    var scratchBytes: Int { ofPiece.map(\.primitive.scratchBytes).max() ?? 0 }
}
