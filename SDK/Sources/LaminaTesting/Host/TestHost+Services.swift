import CAllocationCounter
import CLamina
import CLaminaMath
import Glibc

extension TestHost {
    /// The C functions; they find the object in `context`.
    nonisolated(unsafe) static let services: lamina_host = {
        var table = lamina_host()
        table.struct_size = UInt32(MemoryLayout<lamina_host>.size)
        table.abi_minor = UInt32(LAMINA_ABI_MINOR)
        table.set_error = { host, status, text, argument in
            let error = CallError(call: "", status: status, text: String(copying: text), argument: argument)
            TestHost.of(host).state.withLock { $0.errors[currentThread()] = error }
        }
        table.log = { host, level, text in
            let entry = LogEntry(level: level, text: String(copying: text))
            TestHost.of(host).state.withLock { $0.log.append(entry) }
        }
        table.parallel_for = { host, count, grain, body, context in
            lamina_allocation_pause()
            defer { lamina_allocation_resume() }
            TestHost.of(host).runChunks(Int(count), Int(grain)) {
                lamina_allocation_resume()
                body!(context, Int64($0), Int64($1))
                lamina_allocation_pause()
            }
        }
        table.gemm = { host, arguments in
            lamina_allocation_pause()
            defer { lamina_allocation_resume() }
            if let fault = multiply(arguments!.pointee) {
                TestHost.of(host).state.withLock {
                    $0.errors[currentThread()] = CallError(
                        call: "", status: LAMINA_ERROR_INTERNAL, text: fault, argument: -1)
                }
                return LAMINA_ERROR_INTERNAL
            }
            return LAMINA_OK
        }
        table.random_bits = { _, random, first, out, count in
            let random = random!.pointee
            lamina_random_bits(random.seed, random.stream, random.offset &+ first, out, count)
        }
        table.random_uniform = { _, random, first, out, count in
            let random = random!.pointee
            lamina_random_uniform(random.seed, random.stream, random.offset &+ first, out, count)
        }
        table.random_normal = { _, random, first, out, count in
            let random = random!.pointee
            lamina_random_normal(random.seed, random.stream, random.offset &+ first, out, count)
        }
        table.scratch = { host, bytes in
            lamina_allocation_pause()
            defer { lamina_allocation_resume() }
            return TestHost.of(host).state.withLock { $0.scratch.allocate(Int(bytes), thread: currentThread()) }
        }
        table.is_cancelled = { TestHost.of($0).isCancelled ? 1 : 0 }
        table.cpu_features = { TestHost.of($0).cpuFeatures }
        table.dimension = { host, operation, left, right in
            TestHost.of(host).state.withLock { $0.symbols.compute(operation, left, right) }
        }
        table.dimension_text = { host, dimension in
            UnsafePointer(TestHost.of(host).state.withLock { $0.symbols.permanentText(dimension) })
        }
        table.get_extension = { _, _ in nil }
        return table
    }()
}

extension String {
    init(copying view: lamina_string) {
        self = String(
            decoding: UnsafeRawBufferPointer(start: view.data, count: view.data == nil ? 0 : Int(view.size)),
            as: UTF8.self)
    }
}

/// What the processor offers, as the kernel sees it (it hides what it does not save).
enum ProcessorFeatures {
    static let detected: UInt64 = {
        guard let file = fopen("/proc/cpuinfo", "r") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 16384)
        while fgets(&line, Int32(line.count), file) != nil {
            let text = line.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
            guard text.hasPrefix("flags") else { continue }
            let flags = Set(text.split(whereSeparator: { " \t\n".contains($0) }))
            var features: UInt64 = 0
            if flags.isSuperset(of: ["avx2", "fma", "bmi1", "bmi2"]) { features |= UInt64(LAMINA_CPU_AVX2) }
            if flags.isSuperset(of: ["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"]) {
                features |= UInt64(LAMINA_CPU_AVX512)
            }
            return features
        }
        return 0
    }()
}
