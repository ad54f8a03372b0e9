import LaminaFormats
import LaminaSDK

/// Files that samples are written to.
enum SampleFile {
    static let usage = "FILE"

    /// The only argument, a path that ends in one of these.
    static func path(_ arguments: [String], _ endings: [String]) throws -> String {
        guard arguments.count == 1, endings.contains(where: { arguments[0].lowercased().hasSuffix($0) }) else {
            throw PluginError.attribute(
                "name one file to write, with the ending \(endings.joined(separator: " or ")); got "
                    + (arguments.isEmpty ? "none" : arguments.joined(separator: ", ")))
        }
        return arguments[0]
    }

    static func write(_ bytes: [UInt8], to path: String, _ answer: TaskAnswer) throws {
        do {
            try replace(path, with: bytes)
        } catch {
            throw PluginError.file("\(error)")
        }
        answer.wrote(file: path)
    }

    private static func replace(_ path: String, with bytes: [UInt8]) throws(FileError) {
        let file = try AtomicFile(replacing: path)
        defer { file.discard() }
        try bytes.withUnsafeBufferPointer { bytes throws(FileError) in try file.write(UnsafeRawBufferPointer(bytes)) }
        try file.commit()
    }

    /// Samples as a picture of images, a picture of points, or an array.
    static func write(
        _ values: [Float], count: Int, _ generator: TrainedGenerator, columns: Int, to path: String,
        _ answer: TaskAnswer
    ) throws {
        if path.lowercased().hasSuffix(".npy") {
            return try write(NPY.bytes(values, [count] + generator.shape), to: path, answer)
        }
        if generator.shape == [2] {
            var plot = PlanePlot(extent: Double(values.reduce(0) { max($0, abs($1)) }) * 1.1 + 1e-6, surface: [])
            for index in 0..<count {
                plot.add(x: Double(values[2 * index]), y: Double(values[2 * index + 1]), [0, 130, 0])
            }
            return try write(plot.png(), to: path, answer)
        }
        guard SampleGrid.isImage(generator.shape) else {
            throw PluginError.attribute(
                "samples of shape \(generator.shape) are no images: write them to a file that ends in .npy")
        }
        let picture = values.withUnsafeBufferPointer {
            SampleGrid.picture(
                $0.baseAddress!, count: count, shape: generator.shape, columns: columns, generator.asset.range)
        }
        try write(picture.png(), to: path, answer)
    }
}

/// NumPy's array files, version 1.0: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
enum NPY {
    static func bytes(_ values: [Float], _ shape: [Int]) -> [UInt8] {
        let sizes = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
        var header = "{'descr': '<f4', 'fortran_order': False, 'shape': (\(sizes)), }"
        // Magic, version and length have 10 bytes; data begin at a multiple of 64, behind a line feed.
        header += String(repeating: " ", count: 63 - (10 + header.utf8.count) % 64) + "\n"
        let length = UInt16(header.utf8.count)
        return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(length & 255), UInt8(length >> 8)] + Array(header.utf8)
            + values.withUnsafeBytes { Array($0) }
    }
}
