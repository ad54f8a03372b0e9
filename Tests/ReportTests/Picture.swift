import Foundation
import Testing

@testable import LaminaReport

#if canImport(FoundationXML)
    import FoundationXML
#endif

/// An SVG file as a parser sees it. Fails the test when the text is no well-formed XML.
final class Picture: NSObject, XMLParserDelegate {
    struct Element {
        let name: String
        let attributes: [String: String]
        var content = ""

        func number(_ attribute: String) -> Double { attributes[attribute].flatMap(Double.init) ?? 0 }
    }

    private(set) var elements: [Element] = []
    private var open: [Int] = []

    init(_ svg: String, sourceLocation: SourceLocation = #_sourceLocation) {
        super.init()
        let parser = XMLParser(data: Data(svg.utf8))
        parser.delegate = self
        let isRead = parser.parse()
        #expect(isRead, "\(String(describing: parser.parserError))", sourceLocation: sourceLocation)
    }

    subscript(name: String) -> [Element] { elements.filter { $0.name == name } }

    var texts: [String] { self["text"].map(\.content) }
    var width: Double { self["svg"][0].number("width") }
    var height: Double { self["svg"][0].number("height") }

    /// The level texts that reach beyond the picture.
    var cut: [String] {
        self["text"].filter { $0.attributes["transform"] == nil }.filter { text in
            let isBold = text.attributes["font-weight"] != nil
            let extent = TextWidth.of(text.content, size: text.number("font-size"), isBold: isBold)
            let share = (["middle": 0.5, "end": 1] as [String: Double])[text.attributes["text-anchor"] ?? ""] ?? 0
            let left = text.number("x") - share * extent
            return left < 0 || left + extent > width || text.number("y") > height || text.number("y") < 10
        }.map(\.content)
    }

    func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
        attributes: [String: String]
    ) {
        open.append(elements.count)
        elements.append(Element(name: name, attributes: attributes))
    }

    func parser(_ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?) {
        open.removeLast()
    }

    func parser(_ parser: XMLParser, foundCharacters string: String) {
        if let last = open.last { elements[last].content += string }
    }
}

/// A row with the fields that most tests do not look at filled in.
func row(
    _ epoch: Int, _ trainLoss: Double, _ values: [(name: String, value: Double)] = [], factor: Double = 1,
    seconds: Double = 2
) -> HistoryRow {
    HistoryRow(
        epoch: epoch, step: UInt64(clamping: epoch) &* 100, trainLoss: trainLoss, values: values,
        learningRateFactor: factor,
        seconds: seconds, samplesPerSecond: 500)
}

/// A folder that goes away with the test.
final class Folder {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "report-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    var names: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted() }

    func text(_ name: String) throws -> String { try String(contentsOfFile: "\(path)/\(name)", encoding: .utf8) }
    func bytes(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)")))
    }

    func write(_ content: [UInt8], to name: String) throws {
        try Data(content).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
    }

    func inode(_ name: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: "\(path)/\(name)")
        return try #require(attributes[.systemFileNumber] as? Int)
    }
}
