import Glibc
import LaminaSDK

/// Reads word vectors from the bytes of a file.
struct VectorReader {
    private let path: String
    private let bytes: UnsafeRawBufferPointer
    private var position = 0
    private var line = 1

    init(path: String, bytes: UnsafeRawBufferPointer) {
        self.path = path
        self.bytes = bytes
        if bytes.starts(with: Corpus.byteOrderMark) { position = Corpus.byteOrderMark.count }
    }

    mutating func readBinary() throws -> WordVectors {
        let (count, dimension) = try header()
        // Room for a letter, a space and the numbers of each word.
        guard count <= (bytes.count - position) / (dimension * 4 + 2) else {
            throw fault("\(bytes.count) bytes are too few for \(count) words of \(dimension) numbers")
        }
        return try Self.collect(count, dimension, path) { vector, words in
            while position < bytes.count, bytes[position] == UInt8(ascii: "\n") { position += 1 }
            let begin = position
            while position < bytes.count, bytes[position] != UInt8(ascii: " ") { position += 1 }
            guard position + 1 + dimension * 4 <= bytes.count else {
                throw fault("the file ends within word \(words.count + 1) of \(count), at byte \(bytes.count)")
            }
            try insert(begin..<position, words, at: "byte \(begin)")
            position += 1
            for i in 0..<dimension {
                let bits = UInt32(
                    littleEndian: bytes.loadUnaligned(fromByteOffset: position + 4 * i, as: UInt32.self))
                vector[i] = Float(bitPattern: bits)
                guard vector[i].isFinite else {
                    let place = "byte \(position + 4 * i): number \(i + 1) of '\(words[words.count - 1])'"
                    throw fault("\(place) is \(vector[i])")
                }
            }
            position += dimension * 4
        }
    }

    mutating func readText(hasHeader: Bool) throws -> WordVectors {
        let (count, dimension) = hasHeader ? try header() : try shape()
        guard count <= (bytes.count - position) / (dimension * 2) else {
            throw fault("\(bytes.count) bytes are too few for \(count) words of \(dimension) numbers")
        }
        let vectors = try Self.collect(count, dimension, path) { vector, words in
            guard position < bytes.count else {
                throw fault("the file ends after \(words.count) of \(count) words")
            }
            let word = field()
            try insert(word, words, at: "line \(line)")
            for i in 0..<dimension {
                guard let value = number(field()), value.isFinite else {
                    let place = "line \(line): number \(i + 1) of \(dimension) of '\(words[words.count - 1])'"
                    throw fault("\(place) is no finite number")
                }
                vector[i] = value
            }
            while position < bytes.count, Self.isBlank(bytes[position]) { position += 1 }
            guard position == bytes.count || bytes[position] == UInt8(ascii: "\n") else {
                let source = hasHeader ? "the header says" : "the first line has"
                throw fault("line \(line): more than the \(dimension) numbers that \(source)")
            }
            position += 1
            line += 1
        }
        while position < bytes.count {
            guard bytes[position] <= 0x20 else {
                throw fault("line \(line): more than the \(count) words of the header")
            }
            position += 1
        }
        return vectors
    }

    /// "words dimension" in the first line.
    private mutating func header() throws -> (count: Int, dimension: Int) {
        let fields = (integer(field()), integer(field()))
        while position < bytes.count, Self.isBlank(bytes[position]) { position += 1 }
        guard let count = fields.0, let dimension = fields.1, position < bytes.count,
            bytes[position] == UInt8(ascii: "\n")
        else {
            throw fault("line 1 is no header: wanted the number of words and of numbers per word, as in '400000 100'")
        }
        guard count >= 1, (1...1_000_000).contains(dimension), count <= Int(Int32.max) else {
            throw fault("the header says \(count) words of \(dimension) numbers: wanted 1 or more of each")
        }
        position += 1
        line += 1
        return (count, dimension)
    }

    /// The number of lines, and of numbers in the first one.
    private mutating func shape() throws -> (count: Int, dimension: Int) {
        let start = position
        var fields = 0
        while !field().isEmpty { fields += 1 }
        position = start
        guard fields >= 2 else {
            throw fault(start == bytes.count ? "the file is empty" : "the first line has no numbers behind its word")
        }
        var count = 0
        var isEmpty = true
        for byte in bytes {
            if byte == UInt8(ascii: "\n") {
                count += isEmpty ? 0 : 1
                isEmpty = true
            } else if byte > 0x20 {
                isEmpty = false
            }
        }
        return (count + (isEmpty ? 0 : 1), fields - 1)
    }

    /// Asks for the vectors' memory, which the system provides as it is filled: `count` may promise too much.
    private static func collect(
        _ count: Int, _ dimension: Int, _ path: String, _ next: (UnsafeMutablePointer<Float>, WordTable) throws -> Void
    ) throws -> WordVectors {
        guard let memory = malloc(count * dimension * MemoryLayout<Float>.stride) else {
            throw PluginError.memory("no memory for the \(count) vectors of '\(path)' with \(dimension) numbers each")
        }
        let words = WordTable()
        let values = memory.bindMemory(to: Float.self, capacity: count * dimension)
        let vectors = WordVectors(words, dimension: dimension, adopting: values)
        for i in 0..<count { try next(values + i * dimension, words) }
        return vectors
    }

    private func insert(_ range: Range<Int>, _ words: WordTable, at place: String) throws {
        let word = UnsafeBufferPointer(rebasing: bytes.bindMemory(to: UInt8.self)[range])
        guard !word.isEmpty, word.count <= 1 << 16 else {
            throw fault("\(place): \(word.isEmpty ? "a word is missing" : "a word of \(word.count) bytes")")
        }
        guard String(validating: word, as: UTF8.self) != nil else {
            throw fault("\(place): the word '\(String(decoding: word, as: UTF8.self))' is not UTF-8")
        }
        guard !word.contains(where: { $0 <= 0x20 }) else {
            throw fault("\(place): there is white space within a word")
        }
        guard words.insert(word).isNew else {
            throw fault("\(place): the word '\(String(decoding: word, as: UTF8.self))' is there twice")
        }
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte <= 0x20 && byte != UInt8(ascii: "\n") }

    /// The next field of the line; empty at its end.
    private mutating func field() -> Range<Int> {
        while position < bytes.count, Self.isBlank(bytes[position]) { position += 1 }
        let begin = position
        while position < bytes.count, bytes[position] > 0x20 { position += 1 }
        return begin..<position
    }

    private func integer(_ range: Range<Int>) -> Int? { Int(String(decoding: bytes[range], as: UTF8.self)) }

    private func number(_ range: Range<Int>) -> Float? {
        // strtof wants a zero behind the number.
        guard !range.isEmpty, range.count < 64 else { return nil }
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { text in
            for (i, byte) in bytes[range].enumerated() { text[i] = CChar(bitPattern: byte) }
            text[range.count] = 0
            var end: UnsafeMutablePointer<CChar>?
            let value = strtof(text.baseAddress!, &end)
            return end == text.baseAddress! + range.count ? value : nil
        }
    }

    private func fault(_ text: String) -> PluginError { .data("'\(path)': \(text)") }
}
