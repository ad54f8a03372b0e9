import CLamina
import Glibc

/// What the host keeps per thread: the last error text, scratch memory, and the text of a dimension.
final class ThreadContext {
    var errorText: String?
    var errorArgument: Int32 = -1
    private var scratch: UnsafeMutableRawPointer?
    private var scratchSize: UInt64 = 0
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
        free(scratch)
        free(dimensionText)
    }

    /// Above it a request is a bug of the plugin.
    private static let maximumScratch: UInt64 = 1 << 46

    /// Grows and never shrinks, so that a steady state allocates nothing. Nil when memory is short.
    func scratch(bytes: UInt64) -> UnsafeMutableRawPointer? {
        if bytes > scratchSize || scratch == nil {
            guard bytes <= Self.maximumScratch else { return nil }
            var size = max(bytes + bytes / 4, 4096)
            var memory: UnsafeMutableRawPointer?
            if posix_memalign(&memory, 64, Int(size)) != 0 {
                size = max(bytes, 64)
                guard posix_memalign(&memory, 64, Int(size)) == 0 else { return nil }
            }
            free(scratch)
            (scratch, scratchSize) = (memory, size)
        }
        return scratch
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
