import LaminaFormats
import LaminaSDK

/// A NumPy array file: a header in the form of a Python dictionary, then the elements.
///
/// ```
/// 93 "NUMPY", major, minor          versions 1, 2 and 3
/// 2 bytes (version 1) or 4          n, little-endian
/// n bytes                           {'descr': '<f4', 'fortran_order': False, 'shape': (60000, 28, 28), }
/// to the end                        the elements
/// ```
/// Source: NumPy reference, numpy.lib.format.
enum NPYFile {
    private static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)

    /// Opens and checks the file. Throws `.file` or `.data`.
    static func open(_ path: String) throws(PluginError) -> StoredArray {
        let mapping = try InputFile.map(path)
        let file = mapping.bytes
        let label = "'\(path)'"
        guard file.starts(with: magic) else {
            throw .data("\(label) is no NPY file: it does not begin with 93 'NUMPY'; write it with numpy.save")
        }
        let ending = PluginError.data("\(label) has \(file.count) bytes and ends inside its header; get the file again")
        guard file.count >= 10 else { throw ending }
        guard (1...3).contains(file[6]) else {
            throw .data("\(label): NPY version \(file[6]).\(file[7]) is not known; known are 1, 2 and 3")
        }
        let lengthSize = file[6] == 1 ? 2 : 4
        guard file.count >= 8 + lengthSize else { throw ending }
        let length = (0..<lengthSize).reduce(0) { $0 | Int(file[8 + $1]) << (8 * $1) }
        let start = 8 + lengthSize + length
        guard start <= file.count else { throw ending }

        let header = try Header(UnsafeRawBufferPointer(rebasing: file[(8 + lengthSize)..<start]), label: label)
        let byteCount = try StoredArray.byteCount(header.element, header.dimensions, label: label)
        guard file.count - start == byteCount else {
            throw .data(
                "\(label): dimensions \(header.dimensions) take \(byteCount) bytes, but the file has "
                    + "\(file.count - start) after its header; get the file again")
        }
        return StoredArray(
            label: label, element: header.element, dimensions: header.dimensions,
            bytes: UnsafeRawBufferPointer(rebasing: file[start...]), owner: mapping)
    }

    /// The dictionary: exactly the three keys, in any order.
    private struct Header {
        let element: StoredElement
        let dimensions: [Int]

        init(_ text: UnsafeRawBufferPointer, label: String) throws(PluginError) {
            var literal = PythonLiteral(text, label: label)
            var (descr, fortran, shape) = (String?.none, Bool?.none, [Int]?.none)
            try literal.expect("{")
            while !literal.accept("}") {
                let key = try literal.string()
                try literal.expect(":")
                switch key {
                case "descr" where descr == nil: descr = try literal.string()
                case "fortran_order" where fortran == nil: fortran = try literal.bool()
                case "shape" where shape == nil: shape = try literal.tuple()
                default: throw .data("\(label): the header has an unknown or repeated key '\(key)'")
                }
                if !literal.accept(",") {
                    try literal.expect("}")
                    break
                }
            }
            try literal.end()
            guard let descr, let fortran, let shape else {
                throw .data("\(label): the header lacks one of 'descr', 'fortran_order' and 'shape'")
            }
            element = try Self.element(descr, label: label)
            guard !fortran || shape.count < 2 else {
                throw .data(
                    "\(label) is stored column by column (fortran_order); save numpy.ascontiguousarray of it instead")
            }
            guard shape.count <= 8 else {
                throw .data("\(label): it has \(shape.count) dimensions, at most 8 are allowed")
            }
            dimensions = shape
        }

        private static let kinds: [String: StoredElement.Kind] = [
            "b1": .bool, "u1": .uint8, "i1": .int8, "u2": .uint16, "i2": .int16, "u4": .uint32, "i4": .int32,
            "i8": .int64, "f2": .float16, "f4": .float32, "f8": .float64,
        ]

        private static func element(_ descr: String, label: String) throws(PluginError) -> StoredElement {
            guard let order = descr.first, "<>|=".contains(order), let kind = kinds[String(descr.dropFirst())] else {
                throw .data(
                    "\(label): element type '\(descr)' is not read; known are bool, int8 to int64, uint8 to uint32 and "
                        + "float16 to float64; convert with astype")
            }
            return StoredElement(kind: kind, isBigEndian: order == ">")
        }
    }
}

/// The few forms of Python text that an NPY header has.
private struct PythonLiteral {
    private let text: UnsafeRawBufferPointer
    private let label: String
    private var position = 0

    init(_ text: UnsafeRawBufferPointer, label: String) {
        self.text = text
        self.label = label
    }

    private func failure(_ wanted: String) -> PluginError {
        .data("\(label): the header is not as NumPy writes it: wanted \(wanted) at its byte \(position)")
    }

    private mutating func skipSpace() {
        while position < text.count, text[position] == 0x20 || (0x09...0x0D).contains(text[position]) { position += 1 }
    }

    mutating func accept(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard position < text.count, text[position] == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    mutating func expect(_ character: Unicode.Scalar) throws(PluginError) {
        guard accept(character) else { throw failure("'\(character)'") }
    }

    mutating func end() throws(PluginError) {
        skipSpace()
        guard position == text.count else { throw failure("its end") }
    }

    /// A quoted text without escapes.
    mutating func string() throws(PluginError) -> String {
        skipSpace()
        guard position < text.count, text[position] == UInt8(ascii: "'") || text[position] == UInt8(ascii: "\"") else {
            throw failure("a simple text (structured and object arrays are not read)")
        }
        let start = position + 1
        guard let end = text[start...].firstIndex(of: text[position]), end - start <= 64,
            text[start..<end].allSatisfy({ (0x20..<0x7F).contains($0) && $0 != UInt8(ascii: "\\") })
        else { throw failure("a short text") }
        position = end + 1
        return String(decoding: text[start..<end], as: UTF8.self)
    }

    mutating func bool() throws(PluginError) -> Bool {
        skipSpace()
        for (word, value) in [("True", true), ("False", false)] where text[position...].starts(with: word.utf8) {
            position += word.utf8.count
            return value
        }
        throw failure("True or False")
    }

    /// (), (3,), (3, 4)
    mutating func tuple() throws(PluginError) -> [Int] {
        try expect("(")
        var values: [Int] = []
        while !accept(")") {
            skipSpace()
            let digits = text[position...].prefix { (0x30...0x39).contains($0) }
            guard let value = Int(String(decoding: digits, as: UTF8.self)), values.count < 64 else {
                throw failure("a dimension")
            }
            position += digits.count
            values.append(value)
            if !accept(",") {
                try expect(")")
                break
            }
        }
        return values
    }
}
