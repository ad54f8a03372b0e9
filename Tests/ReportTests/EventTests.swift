import Testing

@testable import LaminaReport

@Suite("Report: TensorBoard records")
struct EventTests {
    @Test("an event file begins with its version, byte by byte")
    func version() {
        let event = Event(wallTime: 1, fileVersion: Event.version)
        let bytes: [UInt8] = [0x09, 0, 0, 0, 0, 0, 0, 0xF0, 0x3F, 0x1A, 13] + Array("brain.Event:2".utf8)
        #expect(event.bytes == bytes)
        #expect(RecordFile.frame(bytes).prefix(12) == [24, 0, 0, 0, 0, 0, 0, 0, 0xA3, 0x7F, 0x4B, 0x22])
        #expect(RecordFile.frame(bytes).count == 24 + 16)
    }

    @Test("a scalar, byte by byte")
    func scalar() {
        let event = Event(wallTime: 2, step: 300, scalars: [.init(tag: "loss", value: 0.5)])
        #expect(
            event.bytes == [
                0x09, 0, 0, 0, 0, 0, 0, 0, 0x40,  // wall_time
                0x10, 0xAC, 0x02,  // step
                0x2A, 13,  // summary
                0x0A, 11,  // value
                0x0A, 4, 0x6C, 0x6F, 0x73, 0x73,  // tag
                0x15, 0, 0, 0, 0x3F,  // simple_value
            ])
        let moment = Event.moment(event.bytes[...])
        #expect(moment?.wallTime == 2 && moment?.step == 300)
    }

    @Test("moments of odd records")
    func moments() {
        #expect(Event.moment([]) == nil && Event.moment([0x0A, 0, 0, 0, 0, 0, 0, 0, 0]) == nil)
        #expect(Event.moment(Event(wallTime: 5).bytes[...])?.step == 0)
        let large = Event(wallTime: 5, step: .max).bytes
        #expect(large.count == 20 && Event.moment(large[...])?.step == .max)
        // A varint that never ends.
        _ = Event.moment([0x09, 0, 0, 0, 0, 0, 0, 0, 0, 0x10] + [UInt8](repeating: 0xFF, count: 40)[...])
    }

    @Test("records come back as they were framed")
    func roundTrip() {
        var random = Random(1)
        let records = [0, 1, 7, 300, 70_000].map { count in
            (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
        }
        #expect(RecordFile.records(records.flatMap(RecordFile.frame)).map(Array.init) == records)
        #expect(RecordFile.records([]).isEmpty)
    }

    @Test("reading ends at the first record that is cut or damaged, wherever that is")
    func damage() {
        let records: [[UInt8]] = [[1, 2, 3], [4, 5], [6]]
        let bytes = records.flatMap(RecordFile.frame)
        let ends = [19, 37, 54]
        for index in bytes.indices {
            var changed = bytes
            changed[index] ^= 0x40
            let good = ends.filter { $0 <= index }.count
            #expect(RecordFile.records(changed).map(Array.init) == Array(records.prefix(good)), "byte \(index)")
            #expect(RecordFile.records(Array(bytes.prefix(index))).map(Array.init) == Array(records.prefix(good)))
        }
        // A length beyond all files, with the right checksum.
        let length = [UInt8](repeating: 0xFF, count: 8)
        let frame = length + RecordFile.littleEndian(CRC32C.masked(length)) + [0, 0, 0, 0]
        #expect(RecordFile.records(frame).isEmpty)
    }
}
