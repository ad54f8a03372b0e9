import CCPU
import Glibc
import Synchronization

/// The host's threads: one pool, on which every plugin's `parallel_for` runs.
///
/// A job is a range cut into chunks of `grain`, independent of the number of threads; threads take the next chunk from a
/// counter. The caller takes part. A call from inside a job, or while another thread's job runs, is done serially
/// by its caller, chunk by chunk. Workers spin for a moment before they sleep, because the next job of a training
/// step follows within microseconds.
public final class ThreadPool: @unchecked Sendable {
    public typealias Body = @convention(c) (UnsafeMutableRawPointer?, Int64, Int64) -> Void

    /// Threads that take part in a job, the caller among them.
    public let threadCount: Int

    // The job. Written only while `state` is closed and no worker is active.
    private var body: Body?
    private var context: UnsafeMutableRawPointer?
    private var count: Int64 = 0
    private var grain: Int64 = 1
    private let nextChunk = Atomic<Int64>(0)

    /// Epoch · 2¹⁶ | open bit 15 | number of workers inside the job.
    private let state = Atomic<UInt64>(0)
    private let isBusy = Atomic<Bool>(false)
    private let sleepers = Atomic<Int>(0)
    private let stopping = Atomic<Bool>(false)
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let wakeUp = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private let insideKey: pthread_key_t
    private var threads: [pthread_t] = []

    /// More than any machine has processors; the workers inside a job are counted in 15 bits.
    public static let maximumThreads = 1024
    private static let openBit: UInt64 = 1 << 15
    private static let spins = 4000

    /// Starts `threadCount - 1` workers; at least one thread takes part and at most `maximumThreads`.
    public init(threadCount: Int) {
        let threadCount = min(max(threadCount, 1), Self.maximumThreads)
        self.threadCount = threadCount
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(wakeUp, nil)
        var key = pthread_key_t()
        precondition(pthread_key_create(&key, nil) == 0, "no thread-local storage left")
        insideKey = key
        for _ in 1..<threadCount {
            var thread = pthread_t()
            let started = pthread_create(
                &thread, nil,
                { argument in
                    Unmanaged<ThreadPool>.fromOpaque(argument!).takeUnretainedValue().work()
                    return nil
                }, Unmanaged.passUnretained(self).toOpaque())
            // Fewer threads are slower, not wrong.
            if started == 0 { threads.append(thread) }
        }
    }

    deinit {
        stopping.store(true, ordering: .sequentiallyConsistent)
        pthread_mutex_lock(mutex)
        pthread_cond_broadcast(wakeUp)
        pthread_mutex_unlock(mutex)
        threads.forEach { pthread_join($0, nil) }
        pthread_key_delete(insideKey)
        pthread_mutex_destroy(mutex)
        pthread_cond_destroy(wakeUp)
        mutex.deallocate()
        wakeUp.deallocate()
    }

    private var isInside: Bool {
        get { pthread_getspecific(insideKey) != nil }
        set { pthread_setspecific(insideKey, newValue ? UnsafeRawPointer(mutex) : nil) }
    }

    /// See `lamina_host.parallel_for`.
    public func parallelFor(count: Int64, grain: Int64, context: UnsafeMutableRawPointer?, body: Body) {
        guard count > 0 else { return }
        let grain = max(grain, 1)
        let wasInside = isInside
        let claimed =
            count > grain && !threads.isEmpty && !wasInside
            && isBusy.compareExchange(expected: false, desired: true, ordering: .acquiring).exchanged
        guard claimed else {
            // A call from inside a body is serial here too.
            if !wasInside { isInside = true }
            defer { if !wasInside { isInside = false } }
            var begin: Int64 = 0
            while begin < count {
                let end = min(count - begin, grain) + begin
                body(context, begin, end)
                begin = end
            }
            return
        }
        (self.body, self.context, self.count, self.grain) = (body, context, count, grain)
        nextChunk.store(0, ordering: .relaxed)
        let epoch = (state.load(ordering: .relaxed) >> 16) + 1
        state.store(epoch << 16 | Self.openBit, ordering: .sequentiallyConsistent)
        if sleepers.load(ordering: .sequentiallyConsistent) > 0 {
            pthread_mutex_lock(mutex)
            pthread_cond_broadcast(wakeUp)
            pthread_mutex_unlock(mutex)
        }
        isInside = true
        runChunks()
        isInside = false
        // Close the job to late workers and wait for those inside.
        var current = state.bitwiseAnd(~Self.openBit, ordering: .acquiringAndReleasing).newValue
        while current & (Self.openBit - 1) != 0 {
            lamina_cpu_relax()
            current = state.load(ordering: .acquiring)
        }
        isBusy.store(false, ordering: .releasing)
    }

    private func runChunks() {
        let chunks = (count - 1) / grain + 1
        while true {
            let chunk = nextChunk.wrappingAdd(1, ordering: .relaxed).oldValue
            if chunk >= chunks { return }
            let begin = chunk * grain
            body!(context, begin, begin + min(count - begin, grain))
        }
    }

    private func work() {
        isInside = true
        var lastEpoch: UInt64 = 0
        while let epoch = waitForJob(after: lastEpoch) {
            lastEpoch = epoch
            runChunks()
            state.wrappingSubtract(1, ordering: .acquiringAndReleasing)
        }
    }

    /// Joins the next open job and returns its epoch; nil when the pool ends.
    private func waitForJob(after lastEpoch: UInt64) -> UInt64? {
        var spinsLeft = Self.spins
        while !stopping.load(ordering: .relaxed) {
            let current = state.load(ordering: .acquiring)
            if isOpen(current, after: lastEpoch) {
                let joined = state.compareExchange(
                    expected: current, desired: current + 1, ordering: .acquiringAndReleasing)
                if joined.exchanged { return current >> 16 }
                continue
            }
            if spinsLeft > 0 {
                spinsLeft -= 1
                lamina_cpu_relax()
                continue
            }
            pthread_mutex_lock(mutex)
            sleepers.wrappingAdd(1, ordering: .sequentiallyConsistent)
            while !stopping.load(ordering: .sequentiallyConsistent),
                !isOpen(state.load(ordering: .sequentiallyConsistent), after: lastEpoch)
            {
                pthread_cond_wait(wakeUp, mutex)
            }
            sleepers.wrappingSubtract(1, ordering: .sequentiallyConsistent)
            pthread_mutex_unlock(mutex)
            spinsLeft = Self.spins
        }
        return nil
    }

    private func isOpen(_ state: UInt64, after lastEpoch: UInt64) -> Bool {
        state & Self.openBit != 0 && state >> 16 > lastEpoch
    }
}
