import Glibc
import LaminaFormats
import LaminaSDK

/// A text file: words between white space, a sentence per line. It is mapped, and read in chunks of whole lines.
///
/// White space is every byte up to U+0020, so control characters never get into words. Chunks depend on the file's
/// size alone: whoever works on them in any order, on any threads, works on the same sentences.
final class Corpus {
    let path: String
    let bytes: UnsafeRawBufferPointer
    /// Where the text begins: behind a byte-order mark.
    let textStart: Int
    private let mapping: FileMapping

    static let byteOrderMark: [UInt8] = [0xef, 0xbb, 0xbf]

    /// Chunk i holds the lines that start in i · chunkBytes ..< (i + 1) · chunkBytes.
    let chunkBytes: Int
    let chunkCount: Int

    /// Throws `.file` with a text that names the file, and `.data` when it is empty.
    init(path: String, chunkBytes: Int) throws {
        do {
            mapping = try FileMapping(path: path)
        } catch {
            throw PluginError.file("\(error)")
        }
        bytes = mapping.bytes
        textStart = bytes.starts(with: Self.byteOrderMark) ? Self.byteOrderMark.count : 0
        self.path = path
        self.chunkBytes = chunkBytes
        chunkCount = (bytes.count + chunkBytes - 1) / chunkBytes
        guard !bytes.isEmpty else {
            throw PluginError.data("the corpus '\(path)' is empty: wanted words between spaces, a sentence per line")
        }
        madvise(UnsafeMutableRawPointer(mutating: bytes.baseAddress!), bytes.count, MADV_SEQUENTIAL)
    }

    /// The bytes of chunk i.
    func chunk(_ i: Int) -> Range<Int> { start(i)..<start(i + 1) }

    /// The first line that starts at or behind i · chunkBytes; or, where no line ends within a chunk's length, the first
    /// word: a text without lines is cut, too.
    private func start(_ i: Int) -> Int {
        let from = i * chunkBytes
        if i == 0 { return textStart }
        if from >= bytes.count { return bytes.count }
        let limit = min(bytes.count, from + chunkBytes)
        if let line = firstBreak(from - 1, limit - 1, where: { $0 == UInt8(ascii: "\n") }) { return line + 1 }
        if limit == bytes.count { return limit }
        if let space = firstBreak(from - 1, limit - 1, where: { $0 <= 0x20 }) { return space + 1 }
        return limit
    }

    @inline(__always)
    private func firstBreak(_ begin: Int, _ end: Int, where matches: (UInt8) -> Bool) -> Int? {
        for position in begin..<end where matches(bytes[position]) { return position }
        return nil
    }

    /// Tells the system that these bytes will not be read again for a while, so that a large file needs little memory.
    func release(_ range: Range<Int>) {
        let page = Int(getpagesize())
        // A page that is read brings its neighbours, also those in front of it that have been given back before.
        let (begin, end) = (max(0, range.lowerBound - 2 << 20) / page * page, range.upperBound / page * page)
        guard let base = bytes.baseAddress, begin < end else { return }
        madvise(UnsafeMutableRawPointer(mutating: base + begin), end - begin, MADV_DONTNEED)
    }

    /// Asks the system to read these bytes ahead.
    func prefetch(_ range: Range<Int>) { mapping.prefetch(range.clamped(to: 0..<bytes.count)) }

    /// "corpus.txt:12", for messages.
    func place(_ position: Int) -> String {
        var line = 1
        for byte in bytes[..<position] where byte == UInt8(ascii: "\n") { line += 1 }
        return "\(path):\(line)"
    }
}
