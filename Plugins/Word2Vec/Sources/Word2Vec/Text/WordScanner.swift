/// A word in a text: where it stands, and its hash.
struct Word {
    let start: UnsafePointer<UInt8>
    let length: Int
    let hash: UInt64
}

/// Cuts bytes into words.
struct WordScanner {
    private let bytes: UnsafePointer<UInt8>
    private let end: Int
    private(set) var position = 0

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes.baseAddress!.assumingMemoryBound(to: UInt8.self)
        end = bytes.count
    }

    /// The next word, if it starts before `limit`.
    @inline(__always)
    mutating func next(startingBefore limit: Int) -> Word? {
        var position = position
        while position < limit, bytes[position] <= 0x20 { position &+= 1 }
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
        return Word(start: bytes + start, length: position &- start, hash: hash)
    }
}
