/// NumPy's array files: a header in the form of a Python dictionary, then the elements, row-major and little-endian.
///
/// ```
/// 93 "NUMPY", 1, 0
/// 2 bytes                           n, little-endian
/// n bytes                           {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }, blanks, a line end
/// to the end                        the elements, which begin at a multiple of 64
/// ```
/// Source: NumPy reference, numpy.lib.format.
public enum NPY {
    /// What stands before the elements of an array of float32.
    static func header(_ shape: [Int]) -> [UInt8] {
        let sizes = shape.map { "\($0)," }.joined(separator: " ")
        // A tuple of one has a comma, longer ones need none at their end.
        let tuple = shape.count > 1 ? String(sizes.dropLast()) : sizes
        var text = Array("{'descr': '<f4', 'fortran_order': False, 'shape': (\(tuple)), }".utf8)
        let start = 10
        text += Array(repeating: UInt8(ascii: " "), count: (64 - (start + text.count + 1) % 64) % 64)
        text.append(UInt8(ascii: "\n"))
        return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(text.count & 255), UInt8(text.count >> 8)] + text
    }

    /// Writes an array of float32 to `path`, which is replaced only when the file is complete. Throws `FileError`.
    public static func write(_ values: [Float], shape: [Int], path: String) throws {
        precondition(shape.reduce(1, *) == values.count, "\(values.count) values for the shape \(shape)")
        let file = try AtomicFile(replacing: path)
        defer { file.discard() }
        let header = header(shape)
        try header.withUnsafeBytes { try file.write($0) }
        try values.withUnsafeBytes { try file.write($0) }
        try file.commit()
    }
}
