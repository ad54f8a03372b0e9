import CLamina
import CProduct
import Glibc

/// Matrix products on OpenBLAS, loaded at run time after the right kernels have been chosen.
///
/// OpenBLAS reads OPENBLAS_CORETYPE when it is loaded and, left alone, takes its AVX2 kernels on some AVX-512
/// processors, at half the speed. It runs single-threaded; products are cut into tiles here, by their shape alone, so
/// that the bits of the result do not depend on the number of threads.
final class BLAS: @unchecked Sendable {
    private typealias Sgemm =
        @convention(c) (
            Int32, Int32, Int32, Int32, Int32, Int32, Float, UnsafePointer<Float>, Int32, UnsafePointer<Float>, Int32,
            Float,
            UnsafeMutablePointer<Float>, Int32
        ) -> Void

    private let sgemm: Sgemm
    let libraryName: String

    /// Tells the library what to be when it is loaded, whatever the environment says for other programs.
    static let environment: Void = {
        // As plugins follow the processor, too.
        if Processor.levels.first == "x86-64-v4" { setenv("OPENBLAS_CORETYPE", "SkylakeX", 1) }
        setenv("OPENBLAS_NUM_THREADS", "1", 1)
    }()

    /// Loads the library; throws what the dynamic linker said.
    init() throws(HostError) {
        Self.environment
        let names = ["libopenblas.so.0", "libopenblas.so"]
        var reasons: [String] = []
        for name in names {
            // Its tables of kernels are large, and a process uses few of them.
            guard let handle = dlopen(name, RTLD_LAZY | RTLD_LOCAL) else {
                reasons.append(String(cString: dlerror()))
                continue
            }
            guard let symbol = dlsym(handle, "cblas_sgemm") else {
                reasons.append("\(name) has no cblas_sgemm")
                continue
            }
            sgemm = unsafeBitCast(symbol, to: Sgemm.self)
            libraryName = name
            return
        }
        throw .missingLibrary(
            "OpenBLAS could not be loaded (\(reasons.joined(separator: "; "))); install it: apt-get install libopenblas0-pthread"
        )
    }

    /// The least multiply-adds that are worth a tile: every tile packs the operand that is not cut for itself.
    private static let minimumTile: Int64 = 1 << 22
    /// The same for thin products, whose time is that of reading the large operand once.
    private static let minimumThinTile: Int64 = 1 << 17
    private static let thinSide: Int64 = 8
    private static let maximumTiles: Int64 = 16
    /// A tile of fewer rows or columns takes long to pack the other operand, beside what it computes with it.
    private static let shortestTile: Int64 = 256
    /// So many tiles may be shorter than that: threads want something to do.
    private static let leastTiles: Int64 = 4

    /// How many tiles a product is cut into: a power of two, so that two or four threads get equal shares.
    private static func tiles(_ arguments: lamina_gemm, _ work: Int64) -> Int64 {
        let least = min(arguments.m, arguments.n) <= thinSide ? minimumThinTile : minimumTile
        let length = max(arguments.m, arguments.n)
        var tiles: Int64 = 1
        while tiles < maximumTiles, work / (2 * tiles) >= least {
            if least == minimumTile, tiles >= leastTiles, length / (2 * tiles) < shortestTile { break }
            tiles *= 2
        }
        return tiles
    }

    func run(_ arguments: lamina_gemm, on pool: ThreadPool) -> lamina_status {
        guard isValid(arguments) else {
            ThreadContext.current.errorText =
                "the matrix product \(arguments.m) × \(arguments.k) · \(arguments.k) × \(arguments.n) with lda \(arguments.lda), "
                + "ldb \(arguments.ldb), ldc \(arguments.ldc) has a side below 0, above \(Int32.max) or longer than its rows are "
                + "apart, or a matrix is NULL"
            return LAMINA_ERROR_SHAPE
        }
        if arguments.m == 0 || arguments.n == 0 || arguments.batch == 0 { return LAMINA_OK }
        var hasFailed = false
        withUnsafeMutablePointer(to: &hasFailed) { compute(arguments, on: pool, hasFailed: $0) }
        guard hasFailed else { return LAMINA_OK }
        ThreadContext.current.errorText = "oneDNN failed in the middle of a matrix product"
        return LAMINA_ERROR_INTERNAL
    }

    private func compute(
        _ arguments: lamina_gemm, on pool: ThreadPool, hasFailed: UnsafeMutablePointer<Bool>
    ) {
        var job = Job(blas: self, arguments: arguments, hasFailed: hasFailed)
        let work = Self.work(arguments)
        if arguments.batch > 1 {
            job.tiles = 1
            let grain = max(1, min(Self.minimumTile / work, arguments.batch / 2))
            withUnsafeMutablePointer(to: &job) { job in
                pool.parallelFor(count: arguments.batch, grain: grain, context: job) { context, begin, end in
                    let job = context!.assumingMemoryBound(to: Job.self)
                    for item in begin..<end { job.pointee.runTile(0, item: item) }
                }
            }
            return
        }
        job.tiles = Self.tiles(arguments, work)
        let longSum = arguments.transpose_a != 0 ? Self.longSumOfGradient : Self.longSum
        if arguments.k >= longSum * max(arguments.m, arguments.n), min(arguments.m, arguments.n) > Self.thinSide {
            let tiles = job.tiles
            while job.tiles > 2, arguments.k / job.tiles < Self.shortestPart { job.tiles /= 2 }
            if job.tiles > 1 {
                let even = (arguments.k - 1) / job.tiles + 1
                job.step = (even + Job.sumUnit - 1) / Job.sumUnit * Job.sumUnit
                job.tiles = (arguments.k - 1) / job.step + 1
                if let memory = job.reservePartials() {
                    job.compiles = arguments.transpose_a != 0 && Self.isWorthCompiling(arguments, work)
                    return runParts(&job, memory, pool)
                }
            }
            job.tiles = tiles
        }
        job.splitsRows = arguments.m >= arguments.n
        let length = max(arguments.m, arguments.n)
        // Whole multiples of the kernels' register tiles keep their edge code out of the middle.
        var step = max(1, (length / job.tiles + 31) / 32) * 32
        if let strip = Self.strip(arguments, work), job.hasProduct(strip) {
            job.compiles = true
            step = strip
        }
        job.step = step
        job.tiles = (length - 1) / step + 1
        withUnsafeMutablePointer(to: &job) { job in
            pool.parallelFor(count: job.pointee.tiles, grain: 1, context: job) { context, begin, end in
                let job = context!.assumingMemoryBound(to: Job.self)
                for tile in begin..<end { job.pointee.runTile(tile, item: 0) }
            }
        }
    }

    /// The width of strips that oneDNN computes, what is left over being OpenBLAS's; nil: it computes none.
    ///
    /// Compiling a product takes a millisecond, so its shape has to come again. The number of rows of A may be that of a
    /// text's tokens and different each time: strips of it are not. A transposed one is a gradient of training.
    private static func strip(_ a: lamina_gemm, _ work: Int64) -> Int64? {
        guard isWorthCompiling(a, work), a.beta == 0 || a.beta == 1, a.m >= a.n || a.transpose_a != 0,
            max(a.m, a.n) >= 256
        else { return nil }
        return max(a.m, a.n) >= 2048 ? 256 : 128
    }

    private static func isWorthCompiling(_ a: lamina_gemm, _ work: Int64) -> Bool {
        a.alpha == 1 && work >= 1 << 24 && min(a.m, a.n, a.k) >= 64
    }

    /// A product whose sums are so many times longer than its sides is cut along the sums: then each operand is packed once.
    private static let longSum: Int64 = 4
    /// The same where A is transposed, as in a weight's gradient: kernels pack columns of it slowly.
    private static let longSumOfGradient: Int64 = 2
    /// Terms of a part that outweigh writing its product and adding it.
    private static let shortestPart: Int64 = 256

    /// Partial products of ranges of k, added in their order.
    private func runParts(_ job: inout Job, _ memory: UnsafeMutablePointer<Float>, _ pool: ThreadPool) {
        job.partials = memory
        withUnsafeMutablePointer(to: &job) { job in
            pool.parallelFor(count: job.pointee.tiles, grain: 1, context: job) { context, begin, end in
                let job = context!.assumingMemoryBound(to: Job.self)
                for part in begin..<end { job.pointee.runPart(part) }
            }
            pool.parallelFor(count: job.pointee.arguments.m, grain: 16, context: job) { context, begin, end in
                context!.assumingMemoryBound(to: Job.self).pointee.addParts(Int(begin)..<Int(end))
            }
        }
    }

    /// Multiply-adds of one product, at least 1; Int64.max when there are more.
    static func work(_ a: lamina_gemm) -> Int64 {
        // Below 2^62: both are at most Int32.max.
        let (product, overflow) = (a.m * a.n).multipliedReportingOverflow(by: max(a.k, 1))
        return overflow ? .max : max(product, 1)
    }

    /// OpenBLAS prints and goes on when a leading dimension is too small; sizes have to fit its 32-bit integers.
    private func isValid(_ a: lamina_gemm) -> Bool {
        let sizes = [a.m, a.n, a.k, a.lda, a.ldb, a.ldc]
        guard sizes.allSatisfy({ $0 >= 0 && $0 <= Int64(Int32.max) }), a.batch >= 0 else { return false }
        if a.m == 0 || a.n == 0 || a.batch == 0 { return true }
        return a.lda >= max(1, a.transpose_a != 0 ? a.m : a.k) && a.ldb >= max(1, a.transpose_b != 0 ? a.k : a.n)
            && a.ldc >= a.n && a.c != nil && (a.k == 0 || (a.a != nil && a.b != nil))
    }

    private struct Job {
        let blas: BLAS
        let arguments: lamina_gemm
        var splitsRows = true
        var step: Int64 = .max
        var tiles: Int64 = 1
        /// Whether oneDNN computes tiles of `step`, or parts of the sums.
        var compiles = false
        /// Set by a thread that saw oneDNN fail in the middle of a product.
        let hasFailed: UnsafeMutablePointer<Bool>

        init(blas: BLAS, arguments: lamina_gemm, hasFailed: UnsafeMutablePointer<Bool>) {
            self.blas = blas
            self.arguments = arguments
            self.hasFailed = hasFailed
        }

        func runTile(_ tile: Int64, item: Int64) {
            let g = arguments
            var (m, n) = (g.m, g.n)
            var a = g.a.map { $0 + Int(item * g.stride_a) }
            var b = g.b.map { $0 + Int(item * g.stride_b) }
            var c = g.c! + Int(item * g.stride_c)
            if tiles > 1 {
                let begin = tile * step
                if splitsRows {
                    m = min(step, m - begin)
                    a = a.map { $0 + Int(g.transpose_a != 0 ? begin : begin * g.lda) }
                    c += Int(begin * g.ldc)
                } else {
                    n = min(step, n - begin)
                    b = b.map { $0 + Int(g.transpose_b != 0 ? begin * g.ldb : begin) }
                    c += Int(begin)
                }
            }
            let bias = g.bias.map { $0 + Int(tiles > 1 && !splitsRows ? tile * step : 0) }
            guard g.k > 0, let a, let b else { return begin(c, m, n, bias) }
            multiply(
                m, n, g.k, a, b, bias, c, ldc: g.ldc, beta: g.beta, compiles: compiles && (splitsRows ? m : n) == step)
        }

        /// C = alpha · op(A) · op(B) + beta · C + bias on this thread.
        private func multiply(
            _ m: Int64, _ n: Int64, _ k: Int64, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>,
            _ bias: UnsafePointer<Float>?, _ c: UnsafeMutablePointer<Float>, ldc: Int64, beta: Float, compiles: Bool
        ) {
            let g = arguments
            var (a, b, bias, beta, left) = (a, b, bias, beta, k)
            while compiles, left > 0 {
                let terms = compiledTerms(left)
                guard terms > 0, let product = product(m, n, terms, ldc, accumulates: beta == 1, bias != nil) else {
                    break
                }
                let result = lamina_product_run(product, a, b, bias, c)
                if result == Int32(LAMINA_PRODUCT_UNTOUCHED) { break }
                guard result == Int32(LAMINA_PRODUCT_DONE) else { return hasFailed.pointee = true }
                a += Int(g.transpose_a != 0 ? terms * g.lda : terms)
                b += Int(g.transpose_b != 0 ? terms : terms * g.ldb)
                (bias, beta, left) = (nil, 1, left - terms)
            }
            if left == 0 { return }
            // The tile is in the cache when the product is added.
            if let bias { begin(c, m, n, bias) }
            // 101: row-major, 111 and 112: as it is and transposed (the CBLAS constants).
            blas.sgemm(
                101, g.transpose_a != 0 ? 112 : 111, g.transpose_b != 0 ? 112 : 111, Int32(m), Int32(n), Int32(left),
                g.alpha, a, Int32(g.lda), b, Int32(g.ldb), bias == nil ? beta : 1, c, Int32(ldc))
        }

        /// How many terms of the sums the next product takes; 0: oneDNN takes none.
        ///
        /// The sums of a weight's gradient are as long as the texts of a batch are, and different each time: whole units of them
        /// are few shapes.
        private func compiledTerms(_ left: Int64) -> Int64 {
            arguments.transpose_a == 0 ? left : min(left / Self.sumUnit, Self.mostUnits) * Self.sumUnit
        }

        static let sumUnit: Int64 = 32
        private static let mostUnits: Int64 = 128

        private func product(
            _ m: Int64, _ n: Int64, _ k: Int64, _ ldc: Int64, accumulates: Bool, _ hasBias: Bool
        ) -> OpaquePointer? {
            let g = arguments
            var shape = lamina_product_shape(
                m: m, n: n, k: k, lda: g.lda, ldb: g.ldb, ldc: ldc, transpose_a: g.transpose_a != 0 ? 1 : 0,
                transpose_b: g.transpose_b != 0 ? 1 : 0, accumulates: accumulates ? 1 : 0, has_bias: hasBias ? 1 : 0)
            return lamina_product_find(&shape)
        }

        /// Whether oneDNN computes `strip` rows, or columns, of this product.
        func hasProduct(_ strip: Int64) -> Bool {
            let g = arguments
            return product(
                splitsRows ? strip : g.m, splitsRows ? g.n : strip, compiledTerms(g.k), g.ldc, accumulates: g.beta == 1,
                g.bias != nil) != nil
        }

        /// Where the partial products go, one m × n matrix per part.
        var partials: UnsafeMutablePointer<Float>?

        /// Memory for them, the calling thread's; nil when there is none left.
        func reservePartials() -> UnsafeMutablePointer<Float>? {
            ThreadContext.current.productScratch(bytes: UInt64(tiles * arguments.m * arguments.n) * 4)?
                .assumingMemoryBound(to: Float.self)
        }

        /// The product over one range of k.
        func runPart(_ part: Int64) {
            let g = arguments
            let (begin, end) = (part * step, min((part + 1) * step, g.k))
            let a = g.a + Int(g.transpose_a != 0 ? begin * g.lda : begin)
            let b = g.b + Int(g.transpose_b != 0 ? begin : begin * g.ldb)
            let c = partials.unsafelyUnwrapped + Int(part * g.m * g.n)
            multiply(g.m, g.n, end - begin, a, b, nil, c, ldc: g.n, beta: 0, compiles: compiles)
        }

        /// C = beta · C + the parts, for some rows.
        func addParts(_ rows: Range<Int>) {
            let (m, n, beta) = (Int(arguments.m), Int(arguments.n), arguments.beta)
            for row in rows {
                let c = arguments.c! + row * Int(arguments.ldc)
                if let bias = arguments.bias { begin(c, 1, arguments.n, bias) }
                let first = partials.unsafelyUnwrapped + row * n
                for part in 0..<Int(tiles) {
                    let sums = first + part * m * n
                    if part > 0 {
                        for i in 0..<n { c[i] += sums[i] }
                    } else if arguments.bias != nil {
                        for i in 0..<n { c[i] += sums[i] }
                    } else if beta == 0 {
                        for i in 0..<n { c[i] = sums[i] }
                    } else {
                        for i in 0..<n { c[i] = beta * c[i] + sums[i] }
                    }
                }
            }
        }

        /// C = beta · C + bias, to which the product is added.
        private func begin(
            _ c: UnsafeMutablePointer<Float>, _ m: Int64, _ n: Int64, _ bias: UnsafePointer<Float>?
        ) {
            let beta = arguments.beta
            for row in 0..<Int(m) {
                let c = c + row * Int(arguments.ldc)
                if beta == 0, let bias {
                    memcpy(c, bias, Int(n) * 4)
                } else if beta == 0 {
                    memset(c, 0, Int(n) * 4)
                } else {
                    for i in 0..<Int(n) { c[i] = beta * c[i] + (bias?[i] ?? 0) }
                }
            }
        }
    }
}
