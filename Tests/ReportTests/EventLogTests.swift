import Testing

@testable import LaminaReport

@Suite("Report: TensorBoard event file")
struct EventLogTests {
    static let name = "t/events.out.tfevents.lamina"

    private func table(_ epochs: Int) -> HistoryTable {
        HistoryTable((1...epochs).map { row($0, 1 / Double($0), [("test_accuracy", 0.5), ("perplexity", 3)]) })
    }

    private func moments(_ folder: Folder) throws -> [(wallTime: Double, step: UInt64)] {
        RecordFile.records(try folder.bytes(Self.name)).map { Event.moment($0)! }
    }

    @Test("what stands in the file")
    func content() throws {
        let folder = try Folder()
        var log = EventLog(folder: folder.path + "/t", goesOn: false)
        try log.write(table(1), now: 1000)
        let scalars = [
            ("loss/train", 1), ("accuracy/test", 0.5), ("perplexity", 3), ("epoch", 1), ("learning_rate_factor", 1),
            ("samples_per_second", 500),
        ].map { Event.Scalar(tag: $0.0, value: Float($0.1)) }
        let events = [
            Event(wallTime: 998, fileVersion: "brain.Event:2"), Event(wallTime: 1000, step: 100, scalars: scalars),
        ]
        #expect(try folder.bytes(Self.name) == events.flatMap { RecordFile.frame($0.bytes) })
    }

    @Test("each epoch is appended to the same file, and a resumed run goes on with it")
    func appending() throws {
        let folder = try Folder()
        var log = EventLog(folder: folder.path + "/t", goesOn: false)
        try log.write(table(1), now: 1000)
        let inode = try folder.inode(Self.name)
        try log.write(table(2), now: 1010)
        var resumed = EventLog(folder: folder.path + "/t", goesOn: true)
        try resumed.write(table(3), now: 5000)
        #expect(try folder.inode(Self.name) == inode)
        #expect(try moments(folder).map(\.wallTime) == [998, 1000, 1010, 5000])
        #expect(try moments(folder).map(\.step) == [0, 100, 200, 300])
    }

    @Test("a run that goes on from an earlier checkpoint drops the epochs that it runs again")
    func earlierCheckpoint() throws {
        let folder = try Folder()
        var log = EventLog(folder: folder.path + "/t", goesOn: false)
        for epochs in 1...4 { try log.write(table(epochs), now: Double(epochs) * 10) }
        var resumed = EventLog(folder: folder.path + "/t", goesOn: true)
        try resumed.write(table(3), now: 99)
        #expect(try moments(folder).map(\.wallTime) == [8, 10, 20, 99])
    }

    @Test("a file cut by a crash, damaged or changed is made anew")
    func damaged() throws {
        for damage in 0..<3 {
            let folder = try Folder()
            var log = EventLog(folder: folder.path + "/t", goesOn: false)
            for epochs in 1...3 { try log.write(table(epochs), now: Double(epochs) * 10) }
            var bytes = try folder.bytes(Self.name)
            switch damage {
            case 0: bytes.removeLast(5)
            case 1: bytes[bytes.count - 30] ^= 1
            default: bytes = []
            }
            try folder.write(bytes, to: Self.name)
            var resumed = EventLog(folder: folder.path + "/t", goesOn: true)
            try resumed.write(table(4), now: 100)
            // What was lost is dated back by the epochs' two seconds.
            let expected: [Double] = damage == 2 ? [92, 94, 96, 98, 100] : [8, 10, 20, 98, 100]
            #expect(try moments(folder).map(\.wallTime) == expected, "damage \(damage)")
        }
    }

    @Test("a file that someone else touched between two epochs is replaced")
    func touched() throws {
        let folder = try Folder()
        var log = EventLog(folder: folder.path + "/t", goesOn: false)
        try log.write(table(1), now: 10)
        try folder.write([1, 2, 3], to: Self.name)
        try log.write(table(2), now: 20)
        #expect(try moments(folder).map(\.wallTime) == [8, 10, 20])
    }
}
