import CDNNL
import LaminaSDK

/// An operation of oneDNN, compiled for its shapes; any number of threads may run it at the same time.
final class Primitive {
    private let descriptor: dnnl_primitive_desc_t
    fileprivate let handle: dnnl_primitive_t
    fileprivate let what: String

    /// Compiles the operation that `descriptor` describes, which it takes over.
    private init(_ descriptor: dnnl_primitive_desc_t?, _ what: String) throws {
        self.descriptor = descriptor!
        self.what = what
        var handle: dnnl_primitive_t?
        let status = dnnl_primitive_create(&handle, descriptor)
        if status != dnnl_success { dnnl_primitive_desc_destroy(descriptor) }
        try OneDNN.check(status, what)
        self.handle = handle!
    }

    deinit {
        dnnl_primitive_destroy(handle)
        dnnl_primitive_desc_destroy(descriptor)
    }

    /// A convolution of any direction.
    static func convolution(_ operation: inout dnnl_convolution_desc_t, _ what: String) throws -> Primitive {
        try make(what) { descriptor, attributes, engine in
            dnnl_primitive_desc_create(&descriptor, &operation, attributes, engine, nil)
        }
    }

    /// A copy from one order in memory to another.
    static func reorder(from source: MemoryDescriptor, to destination: MemoryDescriptor) throws -> Primitive {
        var (source, destination) = (source, destination)
        return try make("a change of memory layout") { descriptor, attributes, engine in
            dnnl_reorder_primitive_desc_create(&descriptor, &source, engine, &destination, engine, attributes)
        }
    }

    private static func make(
        _ what: String,
        _ describe: (inout dnnl_primitive_desc_t?, dnnl_primitive_attr_t?, dnnl_engine_t) -> dnnl_status_t
    ) throws -> Primitive {
        let engine = try OneDNN.engine()
        var attributes: dnnl_primitive_attr_t?
        try OneDNN.check(dnnl_primitive_attr_create(&attributes), what)
        defer { dnnl_primitive_attr_destroy(attributes) }
        // Scratch memory comes from the host's plan; and float32 means float32, whatever the environment says.
        try OneDNN.check(dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user), what)
        try OneDNN.check(dnnl_primitive_attr_set_fpmath_mode(attributes, dnnl_fpmath_mode_strict), what)
        return try OneDNN.onThisThread {
            var descriptor: dnnl_primitive_desc_t?
            try OneDNN.check(describe(&descriptor, attributes, engine), what)
            return try Primitive(descriptor, what)
        }
    }

    /// The memory layout that the primitive works with.
    func layout(of tensor: dnnl_query_t) -> MemoryDescriptor {
        dnnl_primitive_desc_query_md(descriptor, tensor, 0)!.pointee
    }

    var scratchBytes: Int { layout(of: dnnl_query_scratchpad_md).bytes }

    /// "brgconv:avx512_core", "ref:any", …
    var implementation: String {
        var name: UnsafePointer<CChar>?
        dnnl_primitive_desc_query(descriptor, dnnl_query_impl_info_str, 0, &name)
        return name.map { String(cString: $0) } ?? "unknown"
    }
}

/// One use of a primitive, with its tensors. Different calls may run at the same time, each on one thread.
final class PrimitiveCall {
    let primitive: Primitive
    private let arguments: UnsafeMutablePointer<dnnl_exec_arg_t>
    private let addresses: UnsafeMutablePointer<UnsafeMutableRawPointer?>
    private let stream: dnnl_stream_t
    private let count: Int
    private var status = dnnl_success

    /// `tensors`: DNNL_ARG_… and layout; `bind` takes them by their place in this list. Scratch comes last, if needed.
    init(_ primitive: Primitive, _ tensors: [(Int32, MemoryDescriptor)]) throws {
        let engine = try OneDNN.engine()
        self.primitive = primitive
        let scratch = primitive.layout(of: dnnl_query_scratchpad_md)
        let tensors = tensors + (scratch.bytes > 0 ? [(DNNL_ARG_SCRATCHPAD, scratch)] : [])
        var stream: dnnl_stream_t?
        try OneDNN.check(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags.rawValue), "a stream")
        self.stream = stream!
        count = tensors.count
        arguments = .allocate(capacity: count)
        addresses = .allocate(capacity: count)
        addresses.initialize(repeating: nil, count: count)
        arguments.initialize(repeating: dnnl_exec_arg_t(), count: count)
        for (index, (argument, layout)) in tensors.enumerated() {
            var (memory, layout) = (dnnl_memory_t(bitPattern: 0), layout)
            try OneDNN.check(dnnl_memory_create(&memory, &layout, engine, nil), "a tensor")
            arguments[index] = dnnl_exec_arg_t(arg: argument, memory: memory)
        }
    }

    deinit {
        for index in 0..<count where arguments[index].memory != nil { dnnl_memory_destroy(arguments[index].memory) }
        dnnl_stream_destroy(stream)
        arguments.deallocate()
        addresses.deallocate()
    }

    /// Gives tensor `index` its memory. The plan's memory rarely moves, and oneDNN's own setter allocates.
    @inline(__always)
    func bind(_ index: Int, _ address: UnsafeMutableRawPointer) {
        if addresses[index] == address { return }
        addresses[index] = address
        dnnl_memory_set_data_handle(arguments[index].memory, address)
    }

    /// Scratch of `primitive.scratchBytes`; does nothing when the primitive needs none.
    @inline(__always)
    func bindScratch(_ address: UnsafeMutableRawPointer) {
        if arguments[count - 1].arg == DNNL_ARG_SCRATCHPAD { bind(count - 1, address) }
    }

    /// Runs the primitive; call it under `OneDNN.onThisThread`. It may be on another thread than the caller's caller,
    /// so whether it went well is asked for afterwards, with `check`.
    @inline(__always)
    func run() { status = dnnl_primitive_execute(primitive.handle, stream, Int32(count), arguments) }

    func check() throws {
        if status != dnnl_success { try OneDNN.check(status, "to run \(primitive.what)") }
    }
}
