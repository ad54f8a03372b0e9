import CLaminaMath
import Glibc
import Synchronization

extension TestHost {
    /// `parallel_for` as the ABI defines it: chunks of `grain`, on `threads` threads, nested calls serial and in order.
    ///
    /// The first chunks are dealt out, one to each thread, so that even the shortest loop runs on all of them.
    func runChunks(_ count: Int, _ grain: Int, _ body: (Int, Int) -> Void) {
        let grain = max(grain, 1)
        let chunks = (max(count, 0) + grain - 1) / grain
        guard chunks > 0 else { return }
        if InsideBody.isSet || (threads == 1 && !shufflesChunks) {
            for chunk in 0..<chunks { body(chunk * grain, min(count, (chunk + 1) * grain)) }
            return
        }
        let order = shufflesChunks ? shuffled(chunks) : Array(0..<chunks)
        let next = Atomic<Int>(threads)
        withoutActuallyEscaping(body) { body in
            runOnThreads(threads) { thread in
                InsideBody.isSet = true
                defer { InsideBody.isSet = false }
                var position = thread
                while position < chunks {
                    let begin = order[position] * grain
                    body(begin, min(count, begin + grain))
                    position = next.wrappingAdd(1, ordering: .relaxed).oldValue
                }
            }
        }
    }

    private func shuffled(_ count: Int) -> [Int] {
        let seed = state.withLock { state in
            state.shuffleSeed += 1
            return state.shuffleSeed
        }
        var words = [UInt32](repeating: 0, count: count)
        lamina_random_bits(seed, 0, 0, &words, Int64(count))
        var order = Array(0..<count)
        for i in stride(from: count - 1, to: 0, by: -1) { order.swapAt(i, Int(words[i]) % (i + 1)) }
        return order
    }
}

/// Marks threads that run a body of `parallel_for`.
private enum InsideBody {
    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        pthread_key_create(&key, nil)
        return key
    }()

    static var isSet: Bool {
        get { pthread_getspecific(key) != nil }
        set { pthread_setspecific(key, newValue ? UnsafeRawPointer(bitPattern: 1) : nil) }
    }
}

/// Runs `work` with 0 to `count` - 1, each on a thread of its own and 0 on the calling one, and waits for all.
private func runOnThreads(_ count: Int, _ work: @escaping (_ thread: Int) -> Void) {
    final class Task {
        let work: () -> Void
        init(_ work: @escaping () -> Void) { self.work = work }
    }
    var threads: [pthread_t] = []
    /// What the system gave no thread for.
    var left: [Int] = []
    for index in stride(from: 1, to: count, by: 1) {
        var thread = pthread_t()
        let task = Unmanaged.passRetained(Task { work(index) })
        let status = pthread_create(
            &thread, nil,
            { argument in
                Unmanaged<Task>.fromOpaque(argument!).takeRetainedValue().work()
                return nil
            }, task.toOpaque())
        if status == 0 {
            threads.append(thread)
        } else {
            task.release()
            left.append(index)
        }
    }
    for index in [0] + left { work(index) }
    for thread in threads { pthread_join(thread, nil) }
}
