import Foundation
import LaminaFormats

/// A temporary folder, removed with all that is in it when the object goes.
final class Folder {
    let path: String

    init() {
        var template = Array("/tmp/lamina-data-XXXXXX".utf8CString)
        precondition(mkdtemp(&template) != nil, "no temporary folder")
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    subscript(name: String) -> String { path + "/" + name }

    /// Writes the file and returns its path.
    @discardableResult
    func write(_ name: String, _ bytes: [UInt8]) -> String {
        let file = fopen(self[name], "wb")!
        precondition(bytes.isEmpty || fwrite(bytes, 1, bytes.count, file) == bytes.count)
        fclose(file)
        return self[name]
    }

    @discardableResult
    func write(_ name: String, _ text: String) -> String { write(name, Array(text.utf8)) }

    func remove(_ name: String) { unlink(self[name]) }

    /// Makes a folder in the folder.
    @discardableResult
    func folder(_ name: String) -> String {
        precondition(mkdir(self[name], 0o777) == 0)
        return self[name]
    }
}

/// The bytes of a file of the test's own goldens.
func golden(_ name: String) -> [UInt8] {
    let mapping = try! FileMapping(path: goldenPath(name))
    return withExtendedLifetime(mapping) { Array(mapping.bytes) }
}

func goldenPath(_ name: String) -> String {
    let folder = #filePath.split(separator: "/").dropLast(2).joined(separator: "/")
    return "/\(folder)/Golden/\(name)"
}
