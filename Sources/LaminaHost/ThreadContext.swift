import CLamina
import Glibc

/// What the host keeps per thread: the last error text, scratch memory, and the text of a dimension.
final class ThreadContext {
    var errorText: String?
    var errorArgument: Int32 = -1
    /// What plugins ask for, and the host's own for partial products, so that neither takes the other's away.
    private var scratch = Scratch()
    private var productScratch = Scratch()
    private var dimensionText: UnsafeMutablePointer<CChar>?

    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        let status = pthread_key_create(&key) { Unmanaged<ThreadContext>.fromOpaque($0!).release() }
        precondition(status == 0, "no thread-local storage left")
        return key
    }()

    static var current: ThreadContext {
        if let pointer = pthread_getspecific(key) {
            return Unmanaged<ThreadContext>.fromOpaque(pointer).takeUnretainedValue()
        }
        let context = ThreadContext()
        pthread_setspecific(key, Unmanaged.passRetained(context).toOpaque())
        return context
    }

    deinit {
        free(scratch.memory)
        free(productScratch.memory)
        free(dimensionText)
    }

    /// `expected`: what later calls are known to want.
    func scratch(bytes: UInt64, expected: UInt64) -> UnsafeMutableRawPointer? { scratch.grow(bytes, expected) }
    func productScratch(bytes: UInt64) -> UnsafeMutableRawPointer? { productScratch.grow(bytes) }

    private struct Scratch {
        private(set) var memory: UnsafeMutableRawPointer?
        private var size: UInt64 = 0
        /// Above it a request is a bug of the plugin.
        private static let maximum: UInt64 = 1 << 46

        /// Grows and never shrinks, so that a steady state allocates nothing. Nil when memory is short.
        mutating func grow(_ bytes: UInt64, _ expected: UInt64 = 0) -> UnsafeMutableRawPointer? {
            if bytes > size || memory == nil {
                guard bytes <= Self.maximum else { return nil }
                var wanted = expected >= bytes ? expected : max(bytes + bytes / 4, 4096)
                var new: UnsafeMutableRawPointer?
                if posix_memalign(&new, 64, Int(wanted)) != 0 {
                    wanted = max(bytes, 64)
                    guard posix_memalign(&new, 64, Int(wanted)) == 0 else { return nil }
                }
                free(memory)
                (memory, size) = (new, wanted)
            }
            return memory
        }
    }

    func keep(dimensionText text: String) -> UnsafePointer<CChar>? {
        free(dimensionText)
        dimensionText = strdup(text)
        return dimensionText.map { UnsafePointer($0) }
    }

    /// The text that the failed call left, or a general one; forgets it.
    func takeError(_ status: lamina_status) -> String {
        defer { errorText = nil }
        return errorText ?? "the plugin failed with status \(status) and gave no reason (a bug of the plugin)"
    }
}
