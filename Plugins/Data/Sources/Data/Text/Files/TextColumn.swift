import LaminaSDK

/// The texts of one field: places in a file's bytes, or copies where a file does not hold them as they are.
struct TextColumn {
    let name: String
    private var ranges: [Range<Int>] = []
    private var copies: [UInt8] = []

    init(_ name: String) { self.name = name }

    var count: Int { ranges.count }

    /// Adds a text that stands in the file.
    mutating func append(_ range: Range<Int>) { ranges.append(range) }

    /// Adds a text of its own.
    mutating func append(copy text: some Sequence<UInt8>) {
        let start = copies.count
        copies.append(contentsOf: text)
        // Places in `copies` count backwards from -1.
        ranges.append((~copies.count)..<(~start))
    }

    /// Calls `body` with the texts of `indices`, which exist.
    func read(
        _ indices: UnsafeBufferPointer<Int64>, in file: UnsafeBufferPointer<UInt8>,
        _ body: (UnsafeBufferPointer<UInt8>) throws -> Void
    ) throws {
        try copies.withUnsafeBufferPointer { copies in
            for index in indices {
                let range = ranges[Int(index)]
                if range.lowerBound < 0 {
                    try body(UnsafeBufferPointer(rebasing: copies[(~range.upperBound)..<(~range.lowerBound)]))
                } else {
                    try body(UnsafeBufferPointer(rebasing: file[range]))
                }
            }
        }
    }
}
