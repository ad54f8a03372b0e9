import CLamina
import LaminaFormats
import LaminaHost
import LaminaSDK
import LaminaSchema

/// Type and logical shape of a tensor; negative dimensions are symbols of `Runtime.dimensions`.
package struct TensorSpec: Sendable, Hashable {
    var dtype: DataType
    var shape: [Int64]

    package init(dtype: DataType, shape: [Int64]) {
        self.dtype = dtype
        self.shape = shape
    }

    /// Above it a tensor is refused; below it products of its dimensions cannot overflow.
    package static let maximumCount: Int64 = 1 << 40

    /// Number of elements; nil when there are too many. Only for concrete shapes.
    ///
    /// The limit holds without dimensions of 0 too, because others multiply a part of the dimensions.
    package var count: Int? {
        var product: Int64 = 1
        for size in shape where size != 0 {
            let (value, overflow) = product.multipliedReportingOverflow(by: size)
            if overflow || size < 0 || value > Self.maximumCount { return nil }
            product = value
        }
        return shape.contains(0) ? 0 : Int(product)
    }
}

/// What a layer's shape rule answers for given input shapes.
struct InferredNode {
    struct Parameter {
        var name: String
        var shape: [Int]
        var initializer: GraphDefinition.Initializer
        var hasDecay: Bool
    }
    struct Buffer {
        var name: String
        var dtype: DataType
        var shape: [Int]
        var initial: Double
    }

    var outputs: [TensorSpec] = []
    var parameters: [Parameter] = []
    var buffers: [Buffer] = []
    var acceptedLayouts = LAMINA_LAYOUT_PLAIN
    var preferredLayout: UInt32 = 0
}

/// A layer made from its attributes: the handle behind a node, destroyed with this object.
final class LayerInstance: @unchecked Sendable {
    let component: LoadedComponent
    let table: UnsafePointer<lamina_layer>
    let handle: UnsafeMutableRawPointer
    private let runtime: Runtime
    static let maximumRank = 8

    init(_ component: LoadedComponent, _ attributes: AttributeSet, runtime: Runtime) throws(HostError) {
        self.component = component
        self.runtime = runtime
        table = component.table()
        var handle: UnsafeMutableRawPointer?
        let status = table.pointee.create(component.raw, runtime.services, attributes.raw, &handle)
        try runtime.check(status, component.description.id)
        guard let handle else {
            throw .failed(status: LAMINA_ERROR_INTERNAL, "\(component.description.id): the plugin created no layer")
        }
        self.handle = handle
    }

    deinit { table.pointee.destroy(handle) }

    /// Whether gradients pass through the layer at all.
    var isDifferentiable: Bool { table.pointee.backward != nil }

    /// Whether the table has `forward_range`, which plugins for ABI 1.0 lack.
    var computesRanges: Bool {
        Int(table.pointee.struct_size) >= MemoryLayout<lamina_layer>.size && table.pointee.forward_range != nil
    }

    /// Runs the shape rule; nil inputs are optional ones that are not connected.
    func infer(_ inputs: [TensorSpec?]) throws(HostError) -> InferredNode {
        let sink = Sink()
        let tensors = DescriptorArray(count: inputs.count)
        for (index, input) in inputs.enumerated() { tensors.describe(index, input) }
        var inference = lamina_inference(
            struct_size: UInt32(MemoryLayout<lamina_inference>.size), input_count: Int32(inputs.count),
            inputs: tensors.base, sink: Unmanaged.passUnretained(sink).toOpaque(),
            add_output: { Sink.at($0).addOutput($1, $2, $3) }, add_parameter: { Sink.at($0).addParameter($1) },
            add_buffer: { Sink.at($0).addBuffer($1) },
            set_layouts: { Sink.at($0).setLayouts($1, $2) })
        let status = withExtendedLifetime((sink, tensors)) { table.pointee.infer(handle, &inference) }
        if let fault = sink.fault {
            throw .failed(status: LAMINA_ERROR_INTERNAL, "\(component.description.id): \(fault) (a bug of the plugin)")
        }
        if let excess = sink.excess {
            throw .failed(status: LAMINA_ERROR_MEMORY, "\(component.description.id): \(excess)")
        }
        try runtime.check(status, component.description.id)
        guard !sink.node.outputs.isEmpty else {
            throw .failed(
                status: LAMINA_ERROR_INTERNAL, "\(component.description.id): declares no output (a bug of the plugin)")
        }
        return sink.node
    }

    /// Collects what the plugin declares; what makes no sense is refused, whatever the plugin then returns.
    private final class Sink {
        var node = InferredNode()
        var fault: String?
        /// A tensor larger than any machine's memory: the fault of an attribute or a shape, not of the plugin.
        var excess: String?

        static func at(_ pointer: UnsafeMutableRawPointer?) -> Sink {
            Unmanaged<Sink>.fromOpaque(pointer!).takeUnretainedValue()
        }

        private func refuse(_ text: String) -> lamina_status {
            fault = text
            return LAMINA_ERROR_INTERNAL
        }

        func addOutput(_ dtype: lamina_dtype, _ rank: Int32, _ shape: UnsafePointer<Int64>?) -> lamina_status {
            guard let type = DataType(dtype), (0...Int32(maximumRank)).contains(rank), rank == 0 || shape != nil
            else { return refuse("declares an output of rank \(rank) or an unknown type") }
            node.outputs.append(TensorSpec(dtype: type, shape: (0..<Int(rank)).map { shape![$0] }))
            return LAMINA_OK
        }

        func addParameter(_ raw: UnsafePointer<lamina_parameter>?) -> lamina_status {
            guard let p = raw?.pointee, let name = p.name, let initializer = p.initializer,
                let shape = literal(p.rank, p.shape, String(cString: name))
            else { return refuse("declares a parameter without name, initializer or fixed shape") }
            do throws(AttributeError) {
                node.parameters.append(
                    .init(
                        name: String(cString: name), shape: shape,
                        initializer: .init(String(cString: initializer), try JSONObject(p.initializer_attributes)),
                        hasDecay: p.flags & LAMINA_PARAMETER_NO_DECAY == 0))
            } catch {
                return refuse("parameter '\(String(cString: name))': \(error.text)")
            }
            return LAMINA_OK
        }

        func addBuffer(_ raw: UnsafePointer<lamina_buffer>?) -> lamina_status {
            guard let b = raw?.pointee, let name = b.name, let type = DataType(b.dtype),
                let shape = literal(b.rank, b.shape, String(cString: name))
            else { return refuse("declares a buffer without name, known type or fixed shape") }
            guard Self.holds(type, b.initial_value) else {
                return refuse("buffer '\(String(cString: name))': a \(type.name) cannot be \(b.initial_value)")
            }
            node.buffers.append(.init(name: String(cString: name), dtype: type, shape: shape, initial: b.initial_value))
            return LAMINA_OK
        }

        private static func holds(_ type: DataType, _ value: Double) -> Bool {
            switch type {
            case .float32, .float64: true
            case .int64: Int64(exactly: value) != nil
            case .int32: Int32(exactly: value) != nil
            case .uint8: UInt8(exactly: value) != nil
            case .bool: value == 0 || value == 1
            }
        }

        func setLayouts(_ accepted: UInt32, _ preferred: UInt32) {
            let known = LAMINA_LAYOUT_PLAIN | LAMINA_LAYOUT_CHANNELS_LAST
            // Known and accepted bits only, and no two preferences.
            guard accepted != 0, accepted & ~known == 0, preferred & ~accepted == 0, preferred.nonzeroBitCount <= 1
            else {
                _ = refuse("accepts layouts \(accepted) and prefers \(preferred)")
                return
            }
            node.acceptedLayouts = accepted
            node.preferredLayout = preferred
        }

        private func literal(_ rank: Int32, _ shape: UnsafePointer<Int64>?, _ name: String) -> [Int]? {
            guard (0...Int32(maximumRank)).contains(rank), rank == 0 || shape != nil else { return nil }
            let sizes = (0..<Int(rank)).map { Int(shape![$0]) }
            guard sizes.allSatisfy({ $0 >= 0 }) else { return nil }
            if TensorSpec(dtype: .float32, shape: sizes.map(Int64.init)).count == nil {
                excess = "'\(name)' would have shape \(sizes): no tensor may have more than 2^40 elements"
            }
            return sizes
        }
    }
}
