import Foundation
import LaminaFormats

/// A golden file of JSON beside the tests.
func goldenJSON(_ name: String) throws -> JSON {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    return try JSON.parse(try String(contentsOf: folder.appendingPathComponent("Golden/\(name).json"), encoding: .utf8))
}
