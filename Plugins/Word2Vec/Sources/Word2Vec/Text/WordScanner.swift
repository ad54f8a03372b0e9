import CLamina
import LaminaSDK

/// A word in a text: where it stands, its hash, and whether a sentence starts with it.
struct Word {
    let start: UnsafePointer<UInt8>
    let length: Int
    let hash: UInt64
    let startsSentence: Bool
}

/// Cuts a corpus into words.
struct WordScanner {
    private let bytes: UnsafePointer<UInt8>
    private let end: Int
    private var position: Int
    private var startsSentence = true

    init(_ corpus: Corpus) {
        bytes = corpus.bytes.baseAddress!.assumingMemoryBound(to: UInt8.self)
        position = corpus.textStart
        end = corpus.bytes.count
    }

    /// The next word, if it starts before `limit`.
    @inline(__always)
    mutating func next(startingBefore limit: Int) -> Word? {
        var position = position
        while position < limit, bytes[position] <= 0x20 {
            if bytes[position] == UInt8(ascii: "\n") { startsSentence = true }
            position &+= 1
        }
        guard position < limit else {
            self.position = position
            return nil
        }
        let start = position
        var hash = WordTable.hashStart
        repeat {
            hash = WordTable.hash(hash, bytes[position])
            position &+= 1
        } while position < end && bytes[position] > 0x20
        self.position = position
        defer { startsSentence = false }
        return Word(start: bytes + start, length: position &- start, hash: hash, startsSentence: startsSentence)
    }
}

extension Corpus {
    /// Calls `body` with every word, and `progress` with the share that is done.
    ///
    /// Pages are given back every 4 MiB. Throws when the user has asked to stop.
    @inline(__always)
    func forEachWord(host: Host, progress: (Double) -> Void, _ body: (Word) throws -> Void) throws {
        var scanner = WordScanner(self)
        var begin = 0
        while begin < bytes.count {
            let end = min(begin + 1 << 22, bytes.count)
            // A word that starts in the block ends behind it at most.
            while let word = scanner.next(startingBefore: end) { try body(word) }
            if host.isCancelled { throw PluginError(LAMINA_ERROR_CANCELLED, "cancelled while counting words") }
            release(begin..<end)
            begin = end
            progress(Double(end) / Double(bytes.count))
        }
    }
}
