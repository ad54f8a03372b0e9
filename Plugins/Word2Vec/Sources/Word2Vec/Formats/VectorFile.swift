import Glibc
import LaminaFormats
import LaminaSDK

/// How word vectors are written in files.
enum VectorFormat: String, CaseIterable {
    /// word2vec's binary form: "words dimension\n", then a word, a space, its 32-bit floats and a line feed, each.
    case binary
    /// word2vec's text form: "words dimension\n", then a line per word.
    case text
    /// GloVe's: a line per word, no header.
    case glove
}

/// Reads and writes files of word vectors.
enum VectorFile {
    /// Throws `.file` with what the system said; the file is there only when it is complete.
    static func write(_ vectors: WordVectors, to path: String, _ format: VectorFormat) throws {
        try refuseArchive(path)
        do {
            let file = try AtomicFile(replacing: path)
            var bytes: [UInt8] = []
            bytes.reserveCapacity(flushed * 2)
            if format != .glove { bytes.append(contentsOf: "\(vectors.count) \(vectors.dimension)\n".utf8) }
            for index in 0..<vectors.count {
                append(vectors, index, format, to: &bytes)
                if bytes.count >= flushed { try flush(&bytes, file) }
            }
            try flush(&bytes, file)
            try file.commit()
        } catch {
            throw PluginError.file("\(error)")
        }
    }

    /// Writes a whole file. Throws `.file`.
    static func write(_ bytes: [UInt8], to path: String) throws {
        try refuseArchive(path)
        do {
            let file = try AtomicFile(replacing: path)
            var bytes = bytes
            try flush(&bytes, file)
            try file.commit()
        } catch {
            throw PluginError.file("\(error)")
        }
    }

    /// The name of a model is easily given twice.
    private static func refuseArchive(_ path: String) throws {
        guard let file = fopen(path, "r") else { return }
        defer { fclose(file) }
        var start = [UInt8](repeating: 0, count: 4)
        guard fread(&start, 1, 4, file) == 4, start == [0x50, 0x4B, 3, 4] else { return }
        throw PluginError.attribute("\(path) is an archive, perhaps the model itself: name another file to write")
    }

    private static let flushed = 1 << 20

    private static func flush(_ bytes: inout [UInt8], _ file: AtomicFile) throws {
        try bytes.withUnsafeBytes { try file.write($0) }
        bytes.removeAll(keepingCapacity: true)
    }

    private static func append(_ vectors: WordVectors, _ index: Int, _ format: VectorFormat, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: vectors.words.word(index))
        if format == .binary { bytes.append(UInt8(ascii: " ")) }
        for value in vectors.vector(index) {
            if format == .binary {
                withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
            } else {
                bytes.append(UInt8(ascii: " "))
                bytes.append(contentsOf: value.description.utf8)
            }
        }
        bytes.append(UInt8(ascii: "\n"))
    }

    /// Throws `.file` or `.data` with the path and the line or byte.
    static func read(_ path: String, _ format: VectorFormat) throws -> WordVectors {
        let mapping: FileMapping
        do {
            mapping = try FileMapping(path: path)
        } catch {
            throw PluginError.file("\(error)")
        }
        defer { withExtendedLifetime(mapping) {} }
        var reader = VectorReader(path: path, bytes: mapping.bytes)
        switch format {
        case .binary: return try reader.readBinary()
        case .text: return try reader.readText(hasHeader: true)
        case .glove: return try reader.readText(hasHeader: false)
        }
    }
}
