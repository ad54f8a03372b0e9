import Glibc
import LaminaFormats

/// The TensorBoard event file of a run: one event per epoch, at the epoch's optimizer step.
///
/// Its bytes are a function of the history and of the times at which the epochs ended. So going on after an
/// interruption needs no bookkeeping: what is there and still holds stays, the rest is appended, and a file that no
/// longer fits the history is replaced.
struct EventLog {
    private let folder: String
    private var path: String { folder + "/events.out.tfevents.lamina" }
    /// What the file holds.
    private var content: [UInt8] = []
    /// Of the epochs in the file, in order.
    private var moments: [(wallTime: Double, step: UInt64)] = []
    /// Whether `moments` may hold epochs behind the checkpoint from which the run goes on; they are run again.
    private var hasOldMoments = false

    /// - Parameter goesOn: whether to keep the events that are there.
    init(folder: String, goesOn: Bool) {
        self.folder = folder
        guard goesOn, let content = Self.read(path) else { return }
        self.content = content
        moments = RecordFile.records(content).dropFirst().map { Event.moment($0) ?? (0, 0) }
        hasOldMoments = true
    }

    mutating func write(_ table: HistoryTable, now: Double = Self.now) throws(FileError) {
        if hasOldMoments { moments = Array(moments.prefix(max(0, table.rows.count - 1))) }
        hasOldMoments = false
        moments = Self.moments(table.rows, known: moments, now: now)
        let bytes = Self.bytes(table, moments)
        if mkdir(folder, 0o777) != 0, errno != EEXIST { throw FileError("create", folder) }
        if try !append(bytes) { try AtomicFile.replace(path, with: bytes) }
        content = bytes
    }

    /// The whole file: the version, then an event per row.
    static func bytes(_ table: HistoryTable, _ moments: [(wallTime: Double, step: UInt64)]) -> [UInt8] {
        let begin = moments.isEmpty ? 0 : moments[0].wallTime - duration(table.rows[0])
        var bytes = RecordFile.frame(Event(wallTime: begin, fileVersion: Event.version).bytes)
        for (index, row) in table.rows.enumerated() {
            var scalars = table.hasLoss ? [Event.Scalar(tag: "loss/train", value: Float(row.trainLoss))] : []
            for column in table.columns {
                guard let value = column.values[index] else { continue }
                let name = MeasureName(column.name)
                // TensorBoard puts what stands before the slash under one heading.
                let tag = name.data.isEmpty ? name.measure : "\(name.measure)/\(name.data)"
                scalars.append(.init(tag: tag, value: Float(value)))
            }
            scalars.append(.init(tag: "epoch", value: Float(row.epoch)))
            scalars.append(.init(tag: "learning_rate_factor", value: Float(row.learningRateFactor)))
            scalars.append(.init(tag: "samples_per_second", value: Float(row.samplesPerSecond)))
            bytes += RecordFile.frame(Event(wallTime: moments[index].wallTime, step: row.step, scalars: scalars).bytes)
        }
        return bytes
    }

    private static func duration(_ row: HistoryRow) -> Double { row.seconds.isFinite ? max(row.seconds, 0) : 0 }

    /// When each row's epoch ended: as known, the last one now, and between them by their durations.
    static func moments(
        _ rows: [HistoryRow], known: [(wallTime: Double, step: UInt64)], now: Double
    ) -> [(wallTime: Double, step: UInt64)] {
        let shared = zip(rows, known).prefix { $0.step == $1.step }.count
        var moments = Array(known.prefix(shared))
        var time = now
        var later: [(wallTime: Double, step: UInt64)] = []
        for row in rows[shared...].reversed() {
            later.append((time, row.step))
            time -= duration(row)
        }
        moments += later.reversed()
        return moments
    }

    /// Appends what `bytes` has more than the file; false, and nothing done, when the file is not their beginning.
    private func append(_ bytes: [UInt8]) throws(FileError) -> Bool {
        guard !content.isEmpty, bytes.count >= content.count, bytes.starts(with: content) else { return false }
        let descriptor = open(path, O_WRONLY | O_APPEND | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, Int(status.st_size) == content.count
        else { return false }
        try bytes[content.count...].withUnsafeBufferPointer { rest throws(FileError) in
            try FileBytes.write(UnsafeRawBufferPointer(rest), to: descriptor, path: path)
        }
        guard fsync(descriptor) == 0 else { throw FileError("flush", path) }
        return true
    }

    /// The content of a regular file; nil when there is none or it is too large for a file of ours.
    private static func read(_ path: String) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size <= 256 << 20 else {
            return nil
        }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        var count = 0
        while count < bytes.count {
            let piece = bytes.withUnsafeMutableBytes {
                Glibc.read(descriptor, $0.baseAddress! + count, $0.count - count)
            }
            if piece < 0, errno == EINTR { continue }
            guard piece > 0 else { return nil }
            count += piece
        }
        return bytes
    }

    static var now: Double {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
