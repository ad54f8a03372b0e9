import Glibc

/// Memory with a guard zone on both sides, all filled with a pattern that is NaN as float and as double.
///
/// Reading outside, or what was never written, so ends in NaN; writing outside changes the zone.
final class GuardedMemory {
    static let zone = 256
    /// NaN as float; twice in a row NaN as double; not what arithmetic makes.
    static let pattern: [UInt8] = [0xA5, 0xA5, 0xF7, 0x7F]

    let name: String
    let count: Int
    private let block: UnsafeMutableRawPointer
    /// 64-byte aligned.
    let bytes: UnsafeMutableRawPointer

    init(bytes count: Int, name: String) {
        self.name = name
        self.count = count
        block = .allocate(byteCount: count + 2 * Self.zone, alignment: 64)
        bytes = block + Self.zone
        Self.fill(block, count + 2 * Self.zone)
    }

    deinit { block.deallocate() }

    func poison() { Self.fill(bytes, count) }

    private static func fill(_ memory: UnsafeMutableRawPointer, _ count: Int) {
        let word = pattern.withUnsafeBytes { $0.load(as: UInt32.self) }
        for i in 0..<(count / 4) { memory.storeBytes(of: word, toByteOffset: i * 4, as: UInt32.self) }
        for i in (count / 4 * 4)..<max(count / 4 * 4, count) {
            memory.storeBytes(of: pattern[i % 4], toByteOffset: i, as: UInt8.self)
        }
    }

    /// What was written outside, or nil.
    var damage: String? {
        for offset in 0..<Self.zone {
            let before = Self.zone - 1 - offset
            if block.load(fromByteOffset: before, as: UInt8.self) != Self.pattern[before % 4] {
                return "writes outside of \(name): \(offset + 1) bytes before its start"
            }
            let after = Self.zone + count + offset
            if block.load(fromByteOffset: after, as: UInt8.self) != Self.pattern[after % 4] {
                return "writes outside of \(name): \(offset + 1) bytes past its end (it has \(count))"
            }
        }
        return nil
    }

    /// The first element that still holds the pattern; elements of one byte cannot be told.
    func firstPoisoned(elementSize: Int) -> Int? {
        guard elementSize >= 4 else { return nil }
        let word = Self.pattern.withUnsafeBytes { $0.load(as: UInt32.self) }
        return (0..<(count / elementSize)).first { element in
            stride(from: 0, to: elementSize, by: 4).allSatisfy {
                bytes.load(fromByteOffset: element * elementSize + $0, as: UInt32.self) == word
            }
        }
    }

    /// Whether nothing was written since `poison`.
    var isPoison: Bool {
        (0..<count).allSatisfy { bytes.load(fromByteOffset: $0, as: UInt8.self) == Self.pattern[$0 % 4] }
    }

    var contents: [UInt8] { Array(UnsafeRawBufferPointer(start: bytes, count: count)) }

    func holds(_ contents: [UInt8]) -> Bool {
        contents.count == count && contents.withUnsafeBytes { count == 0 || memcmp($0.baseAddress!, bytes, count) == 0 }
    }
}
