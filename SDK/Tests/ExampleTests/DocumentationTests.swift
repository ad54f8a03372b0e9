import Foundation
import Testing

/// The tutorial shows the examples as they are.
@Suite struct DocumentationTests {
    static let sdk = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../..")
        .standardizedFileURL

    /// A code block behind a comment with a path stands in that file of Examples/MinimalSwift.
    @Test func codeIsThatOfTheExamples() throws {
        let text = try String(
            contentsOf: Self.sdk.appendingPathComponent("Documentation/WritingAPlugin.md"), encoding: .utf8)
        let blocks = text.matches(of: /<!-- (\S+) -->\n```\w+\n((?:.|\n)*?)```\n/)
        #expect(blocks.count >= 10)
        for block in blocks {
            let file = Self.sdk.appendingPathComponent("Examples/MinimalSwift/\(block.1)").standardizedFileURL
            let code = try String(contentsOf: file, encoding: .utf8)
            #expect(code.contains(block.2), "\(file.lastPathComponent) does not have:\n\(block.2)")
        }
    }

    /// Links to files lead somewhere.
    @Test func linksLeadSomewhere() throws {
        let folder = Self.sdk.appendingPathComponent("Documentation")
        var links = 0
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) where name.hasSuffix(".md") {
            let text = try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
            for link in text.matches(of: /\]\(([^)#:]+)\)/) {
                links += 1
                let target = folder.appendingPathComponent(String(link.1)).standardizedFileURL
                #expect(FileManager.default.fileExists(atPath: target.path), "\(name) links to \(link.1)")
            }
        }
        #expect(links >= 5)
    }
}
