import CLamina
import Glibc
import LaminaSDK
import Synchronization

/// A host with nothing but `parallel_for`: the main thread and workers that spin, so that waking costs nothing.
final class BenchmarkHost: @unchecked Sendable {
    private let raw: UnsafeMutablePointer<lamina_host>
    private let generation = Atomic<Int>(0)
    private let next = Atomic<Int>(0)
    private let busy = Atomic<Int>(0)
    private var count = 0
    private var grain = 1
    private var body: (@convention(c) (UnsafeMutableRawPointer?, Int64, Int64) -> Void)?
    private var context: UnsafeMutableRawPointer?
    private let workers: Int

    init(threads: Int) {
        workers = threads - 1
        raw = .allocate(capacity: 1)
        raw.initialize(to: lamina_host())
        raw.pointee.struct_size = UInt32(MemoryLayout<lamina_host>.size)
        raw.pointee.context = Unmanaged.passRetained(self).toOpaque()
        raw.pointee.parallel_for = { host, count, grain, body, context in
            let me = Unmanaged<BenchmarkHost>.fromOpaque(host!.pointee.context).takeUnretainedValue()
            me.run(Int(count), Int(grain), body, context)
        }
        for _ in 0..<workers {
            var thread = pthread_t()
            pthread_create(
                &thread, nil,
                { argument in
                    Unmanaged<BenchmarkHost>.fromOpaque(argument!).takeUnretainedValue().work()
                    return nil
                }, raw.pointee.context)
        }
    }

    var host: Host { Host(raw) }

    private func run(
        _ count: Int, _ grain: Int, _ body: (@convention(c) (UnsafeMutableRawPointer?, Int64, Int64) -> Void)?,
        _ context: UnsafeMutableRawPointer?
    ) {
        (self.count, self.grain, self.body, self.context) = (count, grain, body, context)
        next.store(0, ordering: .relaxed)
        busy.store(workers, ordering: .relaxed)
        generation.add(1, ordering: .releasing)
        takeChunks()
        while busy.load(ordering: .acquiring) > 0 {}
    }

    private func work() {
        var seen = 0
        while true {
            let now = generation.load(ordering: .acquiring)
            if now == seen { continue }
            seen = now
            takeChunks()
            busy.subtract(1, ordering: .releasing)
        }
    }

    private func takeChunks() {
        while true {
            let begin = next.add(grain, ordering: .relaxed).oldValue
            if begin >= count { return }
            body?(context, Int64(begin), Int64(min(begin + grain, count)))
        }
    }
}
