import CLamina

/// `lamina_sdk_parallel_for` of abi.c. A non-escaping closure arrives there as code and context, so that calling it
/// allocates nothing, which a Swift closure turned into a C callback would.
@_silgen_name("lamina_sdk_parallel_for")
func parallelForBridge(
    _ host: UnsafePointer<lamina_host>, _ count: Int, _ grain: Int, _ body: (Int, Int) -> Void)

/// A stream of random numbers for one call; see `lamina_random`. What draws from it is `Host`.
public typealias RandomStream = lamina_random

/// The services of the host: threads, BLAS, random numbers, log and dimension arithmetic.
public struct Host: @unchecked Sendable {
    public let raw: UnsafePointer<lamina_host>

    public init(_ raw: UnsafePointer<lamina_host>) { self.raw = raw }

    /// Calls `body(begin, end)` for consecutive chunks of `0 ..< count`, `grain` each, on the host's threads.
    ///
    /// Chunks depend on `count` and `grain` alone, so partial results per chunk (`begin / grain`), combined in order,
    /// are the same on any number of threads. Nothing is allocated. Nested calls run serially.
    @inline(__always)
    public func parallelFor(_ count: Int, grain: Int, _ body: (_ begin: Int, _ end: Int) -> Void) {
        if count <= grain {
            if count > 0 { body(0, count) }
        } else {
            parallelForBridge(raw, count, grain, body)
        }
    }

    /// C = alpha · op(A) · op(B) + beta · C + bias, row-major; op(A) is m × k, op(B) is k × n, bias n numbers that are added
    /// to every row. See `lamina_gemm`.
    public func gemm(
        transposeA: Bool = false, transposeB: Bool = false, m: Int, n: Int, k: Int, alpha: Float = 1,
        a: UnsafePointer<Float>, lda: Int, b: UnsafePointer<Float>, ldb: Int, beta: Float = 0,
        c: UnsafeMutablePointer<Float>, ldc: Int, batch: Int = 1, strideA: Int = 0, strideB: Int = 0, strideC: Int = 0,
        bias: UnsafePointer<Float>? = nil
    ) throws {
        var arguments = lamina_gemm()
        arguments.struct_size = UInt32(MemoryLayout<lamina_gemm>.size)
        arguments.transpose_a = transposeA ? 1 : 0
        arguments.transpose_b = transposeB ? 1 : 0
        arguments.alpha = alpha
        arguments.beta = beta
        (arguments.m, arguments.n, arguments.k) = (Int64(m), Int64(n), Int64(k))
        (arguments.a, arguments.lda) = (a, Int64(lda))
        (arguments.b, arguments.ldb) = (b, Int64(ldb))
        (arguments.c, arguments.ldc) = (c, Int64(ldc))
        arguments.batch = Int64(batch)
        (arguments.stride_a, arguments.stride_b, arguments.stride_c) = (Int64(strideA), Int64(strideB), Int64(strideC))
        arguments.bias = bias
        try check(raw.pointee.gemm(raw, &arguments), "the host's matrix product failed")
        // A host of ABI 1.0 knows no bias.
        if let bias, raw.pointee.abi_minor < 1 {
            for row in 0..<batch * m {
                let row = c + (row / m * strideC + row % m * ldc)
                for column in 0..<n { row[column] += bias[column] }
            }
        }
    }

    /// Uniform numbers in [0, 1), elements `first ..< first + count` of the stream.
    public func uniform(_ random: lamina_random, first: Int = 0, into out: UnsafeMutablePointer<Float>, count: Int) {
        withUnsafePointer(to: random) { raw.pointee.random_uniform(raw, $0, UInt64(first), out, Int64(count)) }
    }

    /// Standard normal numbers, elements `first ..< first + count` of the stream.
    public func normal(_ random: lamina_random, first: Int = 0, into out: UnsafeMutablePointer<Float>, count: Int) {
        withUnsafePointer(to: random) { raw.pointee.random_normal(raw, $0, UInt64(first), out, Int64(count)) }
    }

    /// Random 32-bit words, elements `first ..< first + count` of the stream.
    public func bits(_ random: lamina_random, first: Int = 0, into out: UnsafeMutablePointer<UInt32>, count: Int) {
        withUnsafePointer(to: random) { raw.pointee.random_bits(raw, $0, UInt64(first), out, Int64(count)) }
    }

    /// Memory of the calling thread until the next `scratch` or the end of the call; see `lamina_host.scratch`.
    public func scratch(bytes: Int) throws -> UnsafeMutableRawPointer {
        guard let memory = raw.pointee.scratch(raw, UInt64(bytes)) else {
            throw PluginError.memory("no memory for \(bytes) bytes of scratch")
        }
        return memory
    }

    public var isCancelled: Bool { raw.pointee.is_cancelled(raw) != 0 }

    /// LAMINA_CPU_AVX2 and LAMINA_CPU_AVX512 of this processor.
    public var cpuFeatures: UInt64 { raw.pointee.cpu_features(raw) }

    public func log(_ level: Int32, _ text: String) {
        var text = text
        text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) {
                raw.pointee.log(raw, level, lamina_string(data: $0.baseAddress, size: UInt64($0.count)))
            }
        }
    }
}
