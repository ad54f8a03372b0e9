import Foundation
import LaminaFormats
import Testing

@Suite struct LinesTests {
    private func lines(_ bytes: [UInt8]) throws -> [String] {
        let path = NSTemporaryDirectory() + "lamina-lines-\(UUID().uuidString)"
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        var lines: [String] = []
        try FileMapping(path: path).forEachLine { number, text in
            lines.append(text)
            #expect(number == lines.count)
        }
        return lines
    }

    @Test(arguments: [
        ("", []), ("\n", [""]), ("a", ["a"]), ("a\n", ["a"]), ("a\n\nb\r\n c \r\n", ["a", "", "b", " c "]),
        ("\u{FEFF}é\r", ["é"]), ("a\u{2028}b", ["a\u{2028}b"]),
    ])
    func areCut(text: String, wanted: [String]) throws { #expect(try lines(Array(text.utf8)) == wanted) }

    @Test func otherEncodingsAreRefused() {
        let error = #expect(throws: FileError.self) { try lines([0x61, 0x0A, 0xC3, 0x28]) }
        #expect(error?.reason == "line 2 is not UTF-8; save the file as UTF-8")
    }
}
