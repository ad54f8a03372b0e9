import CLamina
import LaminaSDK

/// Text files in one folder per class; each file is a sample.
///
/// Fields: text field "text", "label" int64 []; the classes are the folders' names, sorted. Files are read when they are
/// needed. The fingerprint covers names and sizes of the files. Errors: `.file`, and `.data` that names file and line.
final class TextFolderSource: Source {
    static let name = "text_folder"
    static let documentation = "Text files, UTF-8, in one folder per class; each is a sample."
    static let attributes: [AttributeSchema] = [
        .path("path", "The folder; each folder in it is a class."),
        .init(
            "suffixes", types: LAMINA_ATTRIBUTE_STRINGS, defaultJSON: "[\"txt\"]", count: 1...64,
            "Endings of the files to read, lower case; others are passed over."),
    ]

    let description: SourceDescription
    private let folder: ClassFolder

    init(_ attributes: Attributes, host: Host) throws {
        let path = attributes.string("path")
        folder = try ClassFolder(path: path, suffixes: attributes.strings("suffixes"), content: "texts")
        var fingerprint = Fingerprint()
        for entry in folder.entries {
            fingerprint.add(String(entry.path.dropFirst(path.count)))
            fingerprint.add(entry.byteCount)
        }
        description = SourceDescription(
            count: folder.entries.count, fields: [.init("label", .int64, [])], textFields: ["text"],
            classes: folder.classes, fingerprint: fingerprint.finish())
    }

    func read(_ indices: UnsafeBufferPointer<Int64>, into outputs: Tensors) throws {
        try checkIndices(indices, count: folder.entries.count)
        for (position, index) in indices.enumerated() {
            outputs[0].int64s[position] = Int64(folder.entries[Int(index)].label)
        }
    }

    func readText(
        _ field: Int, _ indices: UnsafeBufferPointer<Int64>, _ body: (UnsafeBufferPointer<UInt8>) throws -> Void
    ) throws {
        try checkIndices(indices, count: folder.entries.count)
        for index in indices {
            let path = folder.entries[Int(index)].path
            let file = try InputFile.read(path)
            let text = UnsafeBufferPointer(start: file.bytes.assumingMemoryBound(to: UInt8.self), count: file.count)
            // The memory goes with its owner.
            defer { withExtendedLifetime(file) {} }
            try text.checkText(path)
            try body(text.starts(with: [0xEF, 0xBB, 0xBF]) ? UnsafeBufferPointer(rebasing: text[3...]) : text)
        }
    }
}
