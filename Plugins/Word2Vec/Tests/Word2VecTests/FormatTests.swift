import Foundation
import Testing

@testable import Word2Vec

@Suite struct FormatTests {
    private func sample() -> WordVectors {
        let words = WordTable()
        for word in ["the", "zoë", "日本", "a-b"] { Array(word.utf8).withUnsafeBufferPointer { _ = words.insert($0) } }
        let values = floats(12)
        let numbers: [Float] = [
            1, -2.5, 0.1, 1e-30, 3.4e38, -0.0, 1 / 3, 1e7, 123456.79, -.leastNonzeroMagnitude, 0, 2,
        ]
        for (i, number) in numbers.enumerated() { values[i] = number }
        return WordVectors(words, dimension: 3, adopting: values)
    }

    @Test(arguments: VectorFormat.allCases) func roundTrip(_ format: VectorFormat) throws {
        let folder = try Folder()
        let path = folder.path + "/vectors"
        let written = sample()
        try VectorFile.write(written, to: path, format)
        let read = try VectorFile.read(path, format)
        #expect(read.count == 4 && read.dimension == 3)
        for i in 0..<4 {
            #expect(read.words[i] == written.words[i])
            #expect(read.vector(i).map(\.bitPattern) == written.vector(i).map(\.bitPattern))
        }
        withExtendedLifetime((read, written)) {}
    }

    @Test func bytesAreThoseOfTheFormats() throws {
        let folder = try Folder()
        let path = folder.path + "/vectors"
        try VectorFile.write(sample(), to: path, .text)
        let text = try String(contentsOfFile: path, encoding: .utf8)
        #expect(text.hasPrefix("4 3\nthe 1.0 -2.5 0.1\nzoë 1e-30 3.4e+38 -0.0\n"))
        try VectorFile.write(sample(), to: path, .binary)
        let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        #expect(
            Array(bytes.prefix(20)) == Array("4 3\nthe ".utf8) + [
                0, 0, 0x80, 0x3f, 0, 0, 0x20, 0xc0, 0xcd, 0xcc, 0xcc, 0x3d,
            ])
    }

    @Test func readsWhatOthersWrite() throws {
        let folder = try Folder()
        // Without line feeds behind the vectors, as gensim writes binary files; spaces at line ends and returns.
        let one = withUnsafeBytes(of: Float(1).bitPattern.littleEndian) { Array($0) }
        let binary = try folder.file("binary", Array("2 1\na ".utf8) + one + Array("b ".utf8) + one)
        #expect(try second(binary, .binary) == [1])
        let text = try folder.file("text", "2 2\r\na 1 2 \r\nb 3e0 +4\r\n\n")
        #expect(try second(text, .text) == [3, 4])
        let marked = try folder.file("marked", "\u{FEFF}2 1\na 1\nb 2\n")
        #expect(try second(marked, .text) == [2])
        let glove = try folder.file("glove", "\u{FEFF}a 1 2\nb 3 4")
        #expect(try VectorFile.read(glove, .glove).words.index(of: "a") == 0)
        #expect(try second(glove, .glove) == [3, 4])
    }

    private func second(_ path: String, _ format: VectorFormat) throws -> [Float] {
        let vectors = try VectorFile.read(path, format)
        return withExtendedLifetime(vectors) { Array(vectors.vector(1)) }
    }

    @Test(arguments: [
        ("", VectorFormat.text, "line 1 is no header"), ("", .glove, "the file is empty"),
        ("", .binary, "line 1 is no header"), ("2\na 1\nb 2\n", .text, "line 1 is no header"),
        ("0 3\n", .text, "wanted 1 or more of each"), ("1 -1\n", .text, "wanted 1 or more of each"),
        ("9999999 9999\na 1\n", .text, "are too few for 9999999 words"),
        ("2147483647 1000000\na    ", .binary, "are too few for"),
        ("2 2\na 1 2   \n", .text, "the file ends after 1 of 2 words"),
        ("2 2\na 1 2\nb 3\n\n", .text, "line 3: number 2 of 2 of 'b' is no finite number"),
        ("2 2\na 1 2\nb 3 x\n", .text, "line 3: number 2 of 2 of 'b' is no finite number"),
        ("2 2\na 1 2\nb 3 nan\n", .text, "line 3: number 2"), ("1 1\na 1e400\n", .text, "line 2: number 1"),
        ("99999999999999999999 1\na 1\n", .text, "line 1 is no header"),
        ("2 2\na 1 2\nb 3 0x\n", .text, "line 3: number 2"),
        ("2 2\na 1 2 3\nb 3 4\n", .text, "line 2: more than the 2 numbers that the header says"),
        ("2 2\na 1 2\nb 3 4\nc 5 6\n", .text, "line 4: more than the 2 words"),
        ("2 2\na 1 2\na 3 4\n", .text, "line 3: the word 'a' is there twice"),
        ("a 1 2\nb 3 4 5\n", .glove, "line 2: more than the 2 numbers that the first line has"),
        ("a\nb 3\n", .glove, "no numbers behind its word"),
        ("2 1\nlong 1234b 12", .binary, "the file ends within word 2 of 2"),
        ("2 1\n 1234b 12345", .binary, "byte 4: a word is missing"),
    ]) func malformedFiles(_ text: String, _ format: VectorFormat, _ message: String) throws {
        let folder = try Folder()
        let path = try folder.file("vectors", text)
        let told = failure { _ = try VectorFile.read(path, format) }
        #expect(told.contains(message))
        #expect(told.contains("'\(path)': "))
    }

    @Test func bytesThatAreNoTextOrNoNumber() throws {
        let folder = try Folder()
        let invalid = try folder.file("vectors", Array("1 1\n".utf8) + [0xff] + Array(" 1\n".utf8))
        #expect(failure { _ = try VectorFile.read(invalid, .text) }.contains("is not UTF-8"))
        let infinite = try folder.file("infinite", Array("1 1\na ".utf8) + [0, 0, 0x80, 0x7f])
        #expect(failure { _ = try VectorFile.read(infinite, .binary) }.contains("byte 6: number 1 of 'a' is inf"))
        #expect(failure { _ = try VectorFile.read("/nowhere", .text) }.contains("cannot open '/nowhere'"))
        #expect(
            failure { try VectorFile.write(sample(), to: "/nowhere/vectors", .text) }.contains("'/nowhere/vectors'"))
    }

    /// What a header promises takes no memory before it is there.
    @Test func aHeaderThatLies() throws {
        func peak() -> Int {
            var usage = rusage()
            getrusage(.init(RUSAGE_SELF.rawValue), &usage)
            return usage.ru_maxrss
        }
        let folder = try Folder()
        let path = try folder.file("vectors", "30000000 1\n ")
        truncate(path, 200_000_000)
        let before = peak()
        #expect(failure { _ = try VectorFile.read(path, .binary) }.contains("a word is missing"))
        #expect(peak() - before < 100_000)
    }

    /// Every prefix of a good file is refused or read, and never a crash.
    @Test(arguments: VectorFormat.allCases) func truncatedFiles(_ format: VectorFormat) throws {
        let folder = try Folder()
        try VectorFile.write(sample(), to: folder.path + "/vectors", format)
        let bytes = try Data(contentsOf: URL(fileURLWithPath: folder.path + "/vectors"))
        for count in 0..<bytes.count {
            let path = try folder.file("cut", bytes.prefix(count))
            let told = failure { _ = try VectorFile.read(path, format) }
            if format == .binary { #expect(told.isEmpty == (count == bytes.count - 1)) }
        }
    }
}
