import CNettle
import LaminaSDK

/// SHA-256 over what a dataset holds, so that a training record can say which data it was.
///
/// Content is hashed as a tree: digests of consecutive pieces of 4 MiB, computed on all threads, are the input of the
/// outer hash, together with their number of bytes.
struct Fingerprint {
    private var outer = sha256_ctx()
    private static let piece = 4 << 20

    init() { nettle_sha256_init(&outer) }

    /// Adds a text; its length keeps neighbours apart.
    mutating func add(_ text: String) {
        var text = text
        add(text.utf8.count)
        text.withUTF8 { nettle_sha256_update(&outer, $0.count, $0.baseAddress) }
    }

    mutating func add(_ number: Int) {
        withUnsafeBytes(of: Int64(number).littleEndian) {
            nettle_sha256_update(&outer, $0.count, $0.bindMemory(to: UInt8.self).baseAddress)
        }
    }

    mutating func add(_ bytes: UnsafeRawBufferPointer, host: Host) {
        add(bytes.count)
        guard let base = bytes.bindMemory(to: UInt8.self).baseAddress else { return }
        let pieces = (bytes.count + Self.piece - 1) / Self.piece
        let digests = UnsafeMutablePointer<UInt8>.allocate(capacity: pieces * 32)
        defer { digests.deallocate() }
        host.parallelFor(pieces, grain: 1) { begin, end in
            for index in begin..<end {
                var inner = sha256_ctx()
                nettle_sha256_init(&inner)
                let start = index * Self.piece
                nettle_sha256_update(&inner, min(Self.piece, bytes.count - start), base + start)
                nettle_sha256_digest(&inner, 32, digests + index * 32)
            }
        }
        nettle_sha256_update(&outer, pieces * 32, digests)
    }

    /// The 32 bytes; nothing can be added afterwards.
    mutating func finish() -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 32)
        nettle_sha256_digest(&outer, 32, &digest)
        return digest
    }
}
