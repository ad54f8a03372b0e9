import Foundation

/// Small gray images of four classes that a small network learns: which quadrant is bright, under noise.
struct Patterns {
    static let side = 8
    static let classes = ["top left", "top right", "bottom left", "bottom right"]

    let images: [[UInt8]]
    let labels: [UInt8]

    init(count: Int, seed: Int) {
        let side = Self.side
        let grain = noise(count * side * side, seed: seed)
        labels = (0..<count).map { UInt8(($0 * 7 + $0 / 4) % 4) }
        images = (0..<count).map { [labels] image in
            let label = Int(labels[image])
            return (0..<side * side).map { pixel in
                let (row, column) = (pixel / side, pixel % side)
                let isBright = row / (side / 2) == label / 2 && column / (side / 2) == label % 2
                return UInt8(
                    min(max(110 + (isBright ? 55 : 0) + Double(grain[image * side * side + pixel]) * 90, 0), 255))
            }
        }
    }

    /// Writes IDX files `<name>-images` and `<name>-labels`.
    func write(_ name: String, in folder: Folder) throws {
        let side = Self.side
        try folder.write(idx([images.count, side, side], images.flatMap { $0 }), name + "-images")
        try folder.write(idx([labels.count], labels), name + "-labels")
    }

    /// A data section of recipes for files that `write` made as "train" and "test".
    static let recipe = """
        data:
          train: { reader: data.idx, images: train-images, labels: train-labels }
          test: { reader: data.idx, images: test-images, labels: test-labels }
          transforms: [ data.normalize: { mean: 0.5, std: 0.25 } ]
          classes: [\(classes.joined(separator: ", "))]

        """

    /// A folder with `train` and `test` files.
    static func folder(train: Int = 240, test: Int = 80) throws -> Folder {
        let folder = try Folder()
        try Patterns(count: train, seed: 1).write("train", in: folder)
        try Patterns(count: test, seed: 2).write("test", in: folder)
        return folder
    }
}

/// An IDX file of bytes.
func idx(_ dimensions: [Int], _ content: [UInt8]) -> [UInt8] {
    [0, 0, 0x08, UInt8(dimensions.count)] + dimensions.flatMap { bigEndian(UInt32($0)) } + content
}

/// A table of two measurements and a species that they separate, with a header.
func speciesTable(count: Int, seed: Int) -> String {
    let grain = noise(2 * count, seed: seed)
    let rows = (0..<count).map { row -> String in
        let kind = row % 3
        return
            "\(Double(kind) + 0.4 * Double(grain[2 * row])),\(Double(2 - kind) + 0.4 * Double(grain[2 * row + 1])),\("xyz".map { $0 }[kind])"
    }
    return (["length,width,species"] + rows).joined(separator: "\n") + "\n"
}

/// A gray PNG of 8 bits, in the simplest form: one zlib stream of stored blocks.
func png(_ pixels: [UInt8], width: Int) -> [UInt8] {
    let rows = stride(from: 0, to: pixels.count, by: width).flatMap { [0] + pixels[$0..<$0 + width] }
    precondition(rows.count < 65536, "one stored block")
    let length = UInt16(rows.count)
    let stored = [0x01] + [length, ~length].flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] } + rows
    func chunk(_ type: String, _ content: [UInt8]) -> [UInt8] {
        bigEndian(UInt32(content.count)) + Array(type.utf8) + content + bigEndian(crc32(Array(type.utf8) + content))
    }
    let header = bigEndian(UInt32(width)) + bigEndian(UInt32(pixels.count / width)) + [8, 0, 0, 0, 0]
    return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + chunk("IHDR", header)
        + chunk("IDAT", [0x78, 0x01] + stored + bigEndian(adler32(rows))) + chunk("IEND", [])
}

/// What a gzip file of stored blocks looks like.
func gzip(_ content: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255]
    let starts = stride(from: 0, to: max(content.count, 1), by: 65535)
    for start in starts {
        let part = content[start..<min(start + 65535, content.count)]
        let length = UInt16(part.count)
        bytes.append(start + 65535 >= content.count ? 1 : 0)
        bytes += [length, ~length].flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] } + part
    }
    return bytes + bigEndian(crc32(content)).reversed() + bigEndian(UInt32(content.count)).reversed()
}

private func adler32(_ bytes: [UInt8]) -> UInt32 {
    var (a, b): (UInt32, UInt32) = (1, 0)
    for byte in bytes {
        a = (a + UInt32(byte)) % 65521
        b = (b + a) % 65521
    }
    return b << 16 | a
}

func bigEndian(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }
