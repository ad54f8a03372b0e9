import LaminaFormats
import Testing

@Suite struct PlainTextTests {
    @Test(arguments: ["", "T-shirt", "é日本", "a b", "👍", "\u{A0}"])
    func printable(text: String) {
        #expect(PlainText.fault(in: text) == nil)
    }

    @Test(arguments: [
        ("a\tb", "U+9"), ("\u{0}", "U+0"), ("\u{1B}[2J", "U+1B"), ("\u{7F}", "U+7F"), ("\u{9F}", "U+9F"),
        ("a\u{202E}b", "U+202E"), ("\u{2066}", "U+2066"), ("\u{2028}", "U+2028"),
    ])
    func notPrintable(text: String, character: String) {
        #expect(PlainText.fault(in: text) == character)
    }
}
