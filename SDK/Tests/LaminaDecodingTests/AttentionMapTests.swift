import Foundation
import FoundationXML
import LaminaDecoding
import LaminaSDK
import Testing

@Suite struct AttentionMapTests {
    @Test func weightsThatAreNoNumbers() {
        let map = AttentionMap(
            rows: ["a", "b"], columns: ["<", "\u{7}"], panels: [[.init("", [[.nan, 1], [.infinity]])]])
        #expect(map.svg.contains("a ← &lt;: 0.0 %"))
        #expect(map.svg.contains("a ← ·: 100.0 %"))
        #expect(map.svg.contains("b ← &lt;: 100.0 %") && map.svg.contains("b ← ·: 0.0 %"))
    }

    /// Every map has its title and stands in a place of its own.
    @Test func severalMaps() throws {
        let panel = AttentionMap.Panel("", [[0.25, 0.75]])
        var panels = [[panel, panel, panel], [panel]]
        for (row, column, name) in [(0, 0, "head 0"), (0, 1, "head 1"), (0, 2, "a & b"), (1, 0, "last")] {
            panels[row][column].title = name
        }
        let map = AttentionMap("<title>", rows: [" x"], columns: ["y", "z"], panels: panels)
        #expect(map.svg.contains(">&lt;title&gt;</text>"))
        for name in ["head 0", "head 1", "a &amp; b", "last"] { #expect(map.svg.contains(">\(name)</text>")) }
        #expect(map.svg.components(separatedBy: "␣x ← z: 75.0 %").count == 5)
        let frames = map.svg.components(separatedBy: "\n").filter { $0.contains("fill=\"none\"") }
        #expect(frames.count == 4 && Set(frames).count == 4)
        // It is a document that an XML reader takes.
        #expect(XMLParser(data: Data(map.svg.utf8)).parse())
    }

    @Test func drawingsThatNobodyCouldShow() {
        let names = Array(repeating: "x", count: 1001)
        #expect {
            try AttentionMap(rows: names, columns: names, panels: [[.init("", [])]]).write(to: "/nowhere/map.svg")
        } throws: { "\($0)".contains("1 maps of 1001 × 1001 tokens are more than the 1000000 cells") }
        #expect(throws: Never.self) { try AttentionMap.check(maps: 1, rows: 1000, columns: 1000) }
        #expect(throws: PluginError.self) { try AttentionMap.check(maps: .max, rows: .max, columns: .max) }
        #expect {
            try AttentionMap(rows: ["a"], columns: ["b"], panels: [[.init("", [])]]).write(to: "/nowhere/map.svg")
        } throws: { "\($0)".contains("/nowhere/map.svg") }
    }
}
