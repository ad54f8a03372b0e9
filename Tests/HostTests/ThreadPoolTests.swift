import Glibc
import LaminaHost
import Synchronization
import Testing

struct ThreadPoolTests {
    /// Which chunks a job was cut into, by their begin.
    private func chunks(_ pool: ThreadPool, count: Int64, grain: Int64) -> [Int64: Int64] {
        final class Seen: Sendable { let chunks = Mutex<[Int64: Int64]>([:]) }
        let seen = Seen()
        pool.parallelFor(count: count, grain: grain, context: Unmanaged.passUnretained(seen).toOpaque()) {
            context, begin, end in
            Unmanaged<Seen>.fromOpaque(context!).takeUnretainedValue().chunks.withLock { chunks in
                precondition(chunks[begin] == nil, "a chunk ran twice")
                chunks[begin] = end
            }
        }
        return seen.chunks.withLock { $0 }
    }

    @Test(arguments: [1, 2, 3, 8]) func everyChunkRunsOnceWhateverTheThreads(threads: Int) {
        let pool = ThreadPool(threadCount: threads)
        for (count, grain) in [(0, 1), (1, 1), (7, 3), (100, 1), (1000, 64), (64, 64), (65, 64)] as [(Int64, Int64)] {
            var wanted: [Int64: Int64] = [:]
            for begin in stride(from: 0, to: count, by: Int(grain)) { wanted[begin] = min(begin + grain, count) }
            #expect(chunks(pool, count: count, grain: grain) == wanted)
        }
    }

    @Test func manySmallJobsInARow() {
        let pool = ThreadPool(threadCount: 3)
        for _ in 0..<20_000 { #expect(chunks(pool, count: 4, grain: 1).count == 4) }
    }

    @Test func aNestedJobRunsSeriallyOnItsCaller() {
        let pool = ThreadPool(threadCount: 2)
        final class Box: @unchecked Sendable {
            let pool: ThreadPool
            let total = Atomic<Int>(0)
            init(_ pool: ThreadPool) { self.pool = pool }
        }
        let box = Box(pool)
        pool.parallelFor(count: 8, grain: 1, context: Unmanaged.passUnretained(box).toOpaque()) { context, _, _ in
            let box = Unmanaged<Box>.fromOpaque(context!).takeUnretainedValue()
            box.pool.parallelFor(count: 10, grain: 3, context: context) { context, begin, end in
                let box = Unmanaged<Box>.fromOpaque(context!).takeUnretainedValue()
                box.total.wrappingAdd(Int(end - begin), ordering: .relaxed)
            }
        }
        #expect(box.total.load(ordering: .relaxed) == 80)
    }

    /// A body that runs on its caller alone is a body all the same.
    @Test func aJobInsideASingleChunkRunsOnItsCaller() {
        let pool = ThreadPool(threadCount: 4)
        final class Box: @unchecked Sendable {
            let pool: ThreadPool
            let caller = pthread_self()
            let strangers = Atomic<Int>(0)
            init(_ pool: ThreadPool) { self.pool = pool }
        }
        let box = Box(pool)
        let context = Unmanaged.passUnretained(box).toOpaque()
        for _ in 0..<50 {
            pool.parallelFor(count: 1, grain: 1, context: context) { context, _, _ in
                let box = Unmanaged<Box>.fromOpaque(context!).takeUnretainedValue()
                box.pool.parallelFor(count: 64, grain: 1, context: context) { context, _, _ in
                    let box = Unmanaged<Box>.fromOpaque(context!).takeUnretainedValue()
                    usleep(20)
                    if pthread_equal(pthread_self(), box.caller) == 0 {
                        box.strangers.wrappingAdd(1, ordering: .relaxed)
                    }
                }
            }
        }
        #expect(box.strangers.load(ordering: .relaxed) == 0)
        // Afterwards the pool works as before.
        #expect(chunks(pool, count: 100, grain: 1).count == 100)
    }

    @Test func absurdNumbersOfThreadsAreCut() {
        #expect(ThreadPool(threadCount: -3).threadCount == 1)
        #expect(ThreadPool(threadCount: 1 << 20).threadCount == ThreadPool.maximumThreads)
    }

    @Test func jobsFromSeveralThreadsAllFinish() async {
        let pool = ThreadPool(threadCount: 2)
        await withTaskGroup(of: Int.self) { group in
            for _ in 0..<4 {
                group.addTask { (0..<200).reduce(0) { sum, _ in sum + self.chunks(pool, count: 50, grain: 7).count } }
            }
            for await sum in group { #expect(sum == 200 * 8) }
        }
    }
}
