import Glibc
import LaminaHost

/// Reads and transforms batches ahead of their use, on a thread of its own.
///
/// Two batches are in memory: one is being used while the other is read. `next` waits for it and hands it out until it is
/// called again.
final class BatchLoader: @unchecked Sendable {
    private let indices: UnsafeBufferPointer<Int64>
    private let batchSize: Int
    private let isTraining: Bool
    private let seed: UInt64
    private let firstStep: UInt64
    private let slots: [Batch]
    private var failure: TrainingError?
    private let start: Int
    /// Batches read, and batches handed out.
    private var produced = 0
    private var consumed = 0
    private var isStopping = false
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var thread = pthread_t()
    private var isJoined = false
    private let total: Int

    /// - Parameters:
    ///   - indices: the samples in order; has to outlive the loader.
    ///   - start: the first batch to hand out, for resuming within an epoch.
    ///   - slots: two batches for the dataset, which may be used again for later loaders.
    init(
        _ slots: [Batch], indices: UnsafeBufferPointer<Int64>, batchSize: Int, start: Int = 0, isTraining: Bool,
        seed: UInt64,
        firstStep: UInt64
    ) {
        precondition(slots.count == 2)
        self.slots = slots
        self.indices = indices
        self.batchSize = batchSize
        self.isTraining = isTraining
        self.seed = seed
        self.firstStep = firstStep
        self.start = start
        total = max(0, (indices.count + batchSize - 1) / batchSize - start)
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(changed, nil)
        let status = pthread_create(
            &thread, nil,
            { argument in
                Unmanaged<BatchLoader>.fromOpaque(argument!).takeUnretainedValue().work()
                return nil
            }, Unmanaged.passUnretained(self).toOpaque())
        precondition(status == 0, "the system gives no thread for reading data")
    }

    deinit {
        stop()
        pthread_mutex_destroy(mutex)
        pthread_cond_destroy(changed)
        mutex.deallocate()
        changed.deallocate()
    }

    /// Ends the thread; `next` must not be called afterwards.
    func stop() {
        if isJoined { return }
        isJoined = true
        pthread_mutex_lock(mutex)
        isStopping = true
        pthread_cond_broadcast(changed)
        pthread_mutex_unlock(mutex)
        pthread_join(thread, nil)
    }

    private func work() {
        for index in 0..<total {
            pthread_mutex_lock(mutex)
            // Its slot held batch index - 2, which is free once batch index - 1 is in use.
            while !isStopping, index >= 2, consumed < index {
                pthread_cond_wait(changed, mutex)
            }
            let stops = isStopping
            pthread_mutex_unlock(mutex)
            if stops { return }
            let begin = (start + index) * batchSize
            let samples = UnsafeBufferPointer(rebasing: indices[begin..<min(begin + batchSize, indices.count)])
            var fault: TrainingError?
            do throws(TrainingError) {
                try slots[index % 2].fill(
                    samples, isTraining: isTraining, seed: seed, step: firstStep &+ UInt64(index))
            } catch {
                fault = error
            }
            pthread_mutex_lock(mutex)
            produced += 1
            failure = fault
            pthread_cond_broadcast(changed)
            pthread_mutex_unlock(mutex)
            if fault != nil { return }
        }
    }

    /// The next batch, or nil at the end. The one before becomes free.
    func next() throws(TrainingError) -> Batch? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        guard consumed < total else { return nil }
        while produced == consumed, failure == nil { pthread_cond_wait(changed, mutex) }
        // The failed batch is the last one that was produced.
        if let failure, produced == consumed + 1 { throw failure }
        consumed += 1
        pthread_cond_broadcast(changed)
        return slots[(consumed - 1) % 2]
    }
}
