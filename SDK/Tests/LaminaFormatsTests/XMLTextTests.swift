import LaminaFormats
import Testing

@Suite struct XMLTextTests {
    @Test func whatHasAMeaningIsEscaped() {
        #expect(XMLText.escaped("<a & 'b' \"c\">") == "&lt;a &amp; &#39;b&#39; &quot;c&quot;&gt;")
        #expect(XMLText.escaped("é€👩‍🚀 ␣") == "é€👩‍🚀 ␣")
    }

    @Test func whatXMLForbidsIsReplaced() {
        #expect(XMLText.escaped("a\tb\r\nc") == "a b  c")
        #expect(XMLText.escaped("\u{0}\u{1B}\u{7F}\u{9F}\u{FFFE}\u{FFFF}") == String(repeating: "\u{FFFD}", count: 6))
        #expect(XMLText.escaped("\u{A0}\u{FFFD}") == "\u{A0}\u{FFFD}")
    }
}
