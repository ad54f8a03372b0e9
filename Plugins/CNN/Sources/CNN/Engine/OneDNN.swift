import CDNNL
import LaminaSDK

/// The library that computes the convolutions.
///
/// Debian builds it on OpenMP, whose threads are not the host's. Every primitive is therefore made and run under
/// `onThisThread`: oneDNN records the number of threads when a primitive is made and asks again when it runs. The
/// host's threads run several such single-threaded primitives at a time.
enum OneDNN {
    /// The processor; nil when oneDNN cannot run on it.
    nonisolated(unsafe) private static let processor: dnnl_engine_t? = {
        var engine: dnnl_engine_t?
        return dnnl_engine_create(&engine, dnnl_cpu, 0) == dnnl_success ? engine : nil
    }()

    static func engine() throws -> dnnl_engine_t {
        guard let processor else { throw PluginError.unsupported("oneDNN cannot use this processor") }
        return processor
    }

    /// Runs `body` with OpenMP limited to the calling thread, and restores the thread's setting.
    @inline(__always)
    static func onThisThread<Result>(_ body: () throws -> Result) rethrows -> Result {
        let threads = omp_get_max_threads()
        if threads != 1 { omp_set_num_threads(1) }
        defer { if threads != 1 { omp_set_num_threads(threads) } }
        return try body()
    }

    static func check(_ status: dnnl_status_t, _ what: @autoclosure () -> String) throws {
        switch status {
        case dnnl_success: return
        case dnnl_out_of_memory: throw PluginError.memory("no memory for \(what())")
        case dnnl_unimplemented: throw PluginError.unsupported("oneDNN does not offer \(what())")
        default: throw PluginError.internal("oneDNN refused \(what()) (status \(status.rawValue))")
        }
    }
}

/// Where a primitive's tensor lies in memory.
typealias MemoryDescriptor = dnnl_memory_desc_t

extension MemoryDescriptor {
    /// An activation (N, C, spatial…), row-major in that order or with the channels last.
    static func activation(_ batch: Int, _ channels: Int, _ spatial: [Int], channelsLast: Bool) throws
        -> MemoryDescriptor
    {
        let plain = [dnnl_ncw, dnnl_nchw, dnnl_ncdhw]
        let last = [dnnl_nwc, dnnl_nhwc, dnnl_ndhwc]
        return try .init([batch, channels] + spatial, (channelsLast ? last : plain)[spatial.count - 1])
    }

    /// Weights (O, I / groups, k…) as the host keeps them: row-major. oneDNN wants the groups apart: (G, O / G, I / G,
    /// k…).
    static func weights(_ shape: ConvolutionShape) throws -> MemoryDescriptor {
        let plain = shape.groups == 1 ? [dnnl_oiw, dnnl_oihw, dnnl_oidhw] : [dnnl_goiw, dnnl_goihw, dnnl_goidhw]
        return try .init(weightDimensions(shape), plain[shape.kernel.count - 1])
    }

    /// The same weights with the channels last: (k…, I, O). In two dimensions, without groups.
    static func channelsLastWeights(_ shape: ConvolutionShape) throws -> MemoryDescriptor {
        try .init(weightDimensions(shape), dnnl_hwio)
    }

    /// The same weights in whichever order suits the primitive best.
    static func chosenWeights(_ shape: ConvolutionShape) throws -> MemoryDescriptor {
        try .init(weightDimensions(shape), dnnl_format_tag_any)
    }

    static func vector(_ count: Int) throws -> MemoryDescriptor { try .init([count], dnnl_a) }

    /// The beginning of the tensor along each axis.
    func beginning(_ dimensions: [Int]) throws -> MemoryDescriptor {
        try part(dimensions, from: Array(repeating: 0, count: dimensions.count))
    }

    /// A range of the first axis.
    func slice(_ range: Range<Int>) throws -> MemoryDescriptor {
        let rank = Int(ndims)
        var whole = self
        var dimensions = withUnsafeBytes(of: &whole.dims) {
            Array($0.bindMemory(to: Int64.self).prefix(rank)).map(Int.init)
        }
        if range == 0..<dimensions[0] { return self }
        dimensions[0] = range.count
        return try part(dimensions, from: [range.lowerBound] + Array(repeating: 0, count: rank - 1))
    }

    private func part(_ dimensions: [Int], from origin: [Int]) throws -> MemoryDescriptor {
        var (part, whole) = (MemoryDescriptor(), self)
        let status = dnnl_memory_desc_init_submemory(
            &part, &whole, dimensions.map(Int64.init), origin.map(Int64.init))
        try OneDNN.check(status, "a part of shape \(dimensions)")
        return part
    }

    private static func weightDimensions(_ shape: ConvolutionShape) -> [Int] {
        let (output, input) = (shape.outputChannels / shape.groups, shape.inputChannels / shape.groups)
        return (shape.groups == 1 ? [] : [shape.groups]) + [output, input] + shape.kernel
    }

    private init(_ dimensions: [Int], _ tag: dnnl_format_tag_t) throws {
        self.init()
        let status = dnnl_memory_desc_init_by_tag(
            &self, Int32(dimensions.count), dimensions.map(Int64.init), dnnl_f32, tag)
        try OneDNN.check(status, "a tensor of shape \(dimensions)")
    }

    var bytes: Int { withUnsafePointer(to: self) { dnnl_memory_desc_get_size($0) } }

    func isSame(as other: MemoryDescriptor) -> Bool {
        withUnsafePointer(to: self) { this in withUnsafePointer(to: other) { dnnl_memory_desc_equal(this, $0) != 0 } }
    }
}
