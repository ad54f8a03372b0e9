import CLamina
import CLaminaMath
import CProduct
import Glibc
import Synchronization

/// The host side of the ABI in this process: the services that every plugin gets.
public final class Runtime: @unchecked Sendable {
    /// Plugins keep pointers to the services, so there is one runtime and it is never freed.
    public static let shared = Runtime()

    public let dimensions = DimensionTable()
    /// Where plugins' log lines go: level (LAMINA_LOG_…) and text. Standard error until replaced.
    public var logHandler: @Sendable (Int32, String) -> Void {
        get { handler.withLock { $0 } }
        set { handler.withLock { $0 = newValue } }
    }
    public let services: UnsafeMutablePointer<lamina_host>

    private let handler = Mutex<@Sendable (Int32, String) -> Void> { level, text in
        guard level >= LAMINA_LOG_WARNING else { return }
        let line = Array("\(level > LAMINA_LOG_WARNING ? "error" : "warning"): \(text)\n".utf8)
        _ = write(STDERR_FILENO, line, line.count)
    }
    private let expectedScratch = Atomic<UInt64>(0)
    private let cancelFlag = Atomic<Bool>(false)
    /// How many calls of `uninterrupted` run.
    private let shields = Atomic<Int>(0)
    /// Every pool that was ever used, by its number of threads: a job may still be running on one that was replaced.
    private let pools: Mutex<[Int: ThreadPool]>
    private let currentPool: Atomic<UInt>
    /// Loaded when the first plugin is: most verbs that run no model need no matrix products.
    private var blas: Result<BLAS, HostError> { Self.loadedBLAS }
    private static let loadedBLAS: Result<BLAS, HostError> = {
        do throws(HostError) { return .success(try BLAS()) } catch { return .failure(error) }
    }()

    private init() {
        services = .allocate(capacity: 1)
        let pool = ThreadPool(threadCount: Processor.coreCount)
        pools = Mutex([pool.threadCount: pool])
        currentPool = Atomic(UInt(bitPattern: Unmanaged.passUnretained(pool).toOpaque()))
        services.initialize(to: Runtime.table(Unmanaged.passUnretained(self).toOpaque()))
    }

    /// Threads that take part in a job; jobs that run keep theirs.
    public var threadCount: Int {
        get { pool.threadCount }
        set {
            let count = min(max(1, newValue), ThreadPool.maximumThreads)
            pools.withLock { pools in
                let pool = pools[count] ?? ThreadPool(threadCount: count)
                pools[count] = pool
                currentPool.store(
                    UInt(bitPattern: Unmanaged.passUnretained(pool).toOpaque()), ordering: .releasing)
            }
        }
    }

    private var pool: ThreadPool {
        let pointer = UnsafeRawPointer(bitPattern: currentPool.load(ordering: .acquiring)).unsafelyUnwrapped
        return Unmanaged<ThreadPool>.fromOpaque(pointer).takeUnretainedValue()
    }

    /// Asks running plugin calls to stop; safe in a signal handler.
    public var isCancelled: Bool {
        get { cancelFlag.load(ordering: .relaxed) }
        set { cancelFlag.store(newValue, ordering: .relaxed) }
    }

    /// Runs `body` while components hear nothing of `isCancelled`: all who take part in a checkpoint do it to the end.
    public func uninterrupted<Value>(_ body: () throws -> Value) rethrows -> Value {
        shields.add(1, ordering: .relaxed)
        defer { shields.subtract(1, ordering: .relaxed) }
        return try body()
    }

    /// What components are told.
    private var stopsComponents: Bool { isCancelled && shields.load(ordering: .relaxed) == 0 }

    /// Loads the libraries that the services need, now rather than in the middle of a run; what is missing is said by the
    /// service that needs it.
    func loadLibraries() { _ = blas }

    /// Loads what only large matrix products need, as most training has them; before the first step, so that this does not
    /// wait and what it adds to the process's memory is what was planned.
    public func loadLargeProducts() { lamina_product_load() }

    /// Begins with `loadLibraries` on another thread, for a caller that has other work to do before it loads a plugin.
    ///
    /// The dynamic linker looks up some fourteen thousand symbols for OpenBLAS.
    public func beginLoadingLibraries() {
        // Here, because other threads may read the environment while that one runs.
        BLAS.environment
        var thread = pthread_t()
        // Without a thread the libraries are loaded when they are needed.
        if pthread_create(
            &thread, nil,
            { _ in
                _ = Runtime.loadedBLAS
                return nil
            }, nil) == 0
        {
            pthread_detach(thread)
        }
    }

    /// Runs `body` on the pool; chunks as in `lamina_host.parallel_for`.
    public func parallelFor(
        count: Int, grain: Int, context: UnsafeMutableRawPointer?, _ body: ThreadPool.Body
    ) {
        pool.parallelFor(count: Int64(count), grain: Int64(grain), context: context, body: body)
    }

    /// Tells how much scratch memory a plan's nodes will ask for per thread, so that a thread gets it once.
    public func expectScratch(bytes: Int) { expectedScratch.max(UInt64(bytes), ordering: .relaxed) }

    /// Turns a status into an error with the text that the plugin left; `place` says where.
    public func check(_ status: lamina_status, _ place: @autoclosure () -> String) throws(HostError) {
        guard status != LAMINA_OK else { return }
        throw .failed(status: status, "\(place()): \(ThreadContext.current.takeError(status))")
    }

    private static func of(_ host: UnsafePointer<lamina_host>?) -> Runtime {
        Unmanaged<Runtime>.fromOpaque(host!.pointee.context).takeUnretainedValue()
    }

    /// A plugin's text as it is, without trust in its size: at most 64 KiB, and none when there is no memory behind it.
    private static func text(_ text: lamina_string) -> String {
        guard let data = text.data else { return "(no text)" }
        let bytes = UnsafeRawBufferPointer(start: data, count: Int(min(text.size, 1 << 16)))
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func table(_ context: UnsafeMutableRawPointer) -> lamina_host {
        lamina_host(
            struct_size: UInt32(MemoryLayout<lamina_host>.size), abi_minor: UInt32(LAMINA_ABI_MINOR), context: context,
            set_error: { _, _, text, argument in
                let thread = ThreadContext.current
                thread.errorText = Runtime.text(text)
                thread.errorArgument = argument
            },
            log: { host, level, text in
                Runtime.of(host).logHandler(level, Runtime.text(text))
            },
            parallel_for: { host, count, grain, body, context in
                guard let body else { return }
                Runtime.of(host).pool.parallelFor(count: count, grain: grain, context: context, body: body)
            },
            gemm: { host, arguments in
                guard let arguments = lamina_gemm(arguments) else {
                    ThreadContext.current.errorText = "gemm: the arguments are NULL, or their struct_size is too small"
                    return LAMINA_ERROR_INTERNAL
                }
                let runtime = Runtime.of(host)
                switch runtime.blas {
                case .success(let blas):
                    return blas.run(arguments, on: runtime.pool)
                case .failure(let error):
                    ThreadContext.current.errorText = error.description
                    return LAMINA_ERROR_UNSUPPORTED
                }
            },
            random_bits: { _, random, first, out, count in
                guard let r = random?.pointee, out != nil, count > 0 else { return }
                lamina_random_bits(r.seed, r.stream, r.offset &+ first, out, count)
            },
            random_uniform: { _, random, first, out, count in
                guard let r = random?.pointee, out != nil, count > 0 else { return }
                lamina_random_uniform(r.seed, r.stream, r.offset &+ first, out, count)
            },
            random_normal: { _, random, first, out, count in
                guard let r = random?.pointee, out != nil, count > 0 else { return }
                lamina_random_normal(r.seed, r.stream, r.offset &+ first, out, count)
            },
            scratch: { host, bytes in
                let expected = Runtime.of(host).expectedScratch.load(ordering: .relaxed)
                return ThreadContext.current.scratch(bytes: bytes, expected: expected)
            },
            is_cancelled: { Runtime.of($0).stopsComponents ? 1 : 0 },
            cpu_features: { _ in Processor.features },
            dimension: { Runtime.of($0).dimensions.compute($1, $2, $3) },
            dimension_text: { host, dimension in
                ThreadContext.current.keep(dimensionText: Runtime.of(host).dimensions.text(dimension))
            },
            get_extension: { _, _ in nil })
    }
}
