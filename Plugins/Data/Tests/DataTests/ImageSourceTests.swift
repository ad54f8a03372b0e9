import CLamina
import LaminaFormats
import LaminaTesting
import Testing

@testable import Data

@Suite struct ImageSourceTests {
    let folder = Folder()

    private func open(_ bytes: [UInt8], _ attributes: JSONObject = [:]) throws -> SourceHarness {
        var attributes = attributes
        attributes["path"] = .string(folder.write("image", bytes))
        return try DataTests.open("image", attributes)
    }

    private func pixels(_ bytes: [UInt8], _ attributes: JSONObject = [:]) throws -> [UInt8] {
        try open(bytes, attributes).read([0])[0].elements(as: UInt8.self)
    }

    /// Pillow's decoding of the same files; JPEG decoders may differ by a rounding of the colour conversion.
    @Test(arguments: ["rgb.png", "gray.png", "palette.png", "rgb.jpg", "gray.jpg", "progressive.jpg", "cmyk.jpg"])
    func decodesAsPillowDoes(_ name: String) throws {
        let file = golden(name)
        let expected = try Expected("images.safetensors")
        let tolerance = name.hasSuffix("png") ? 0 : name == "cmyk.jpg" ? 2 : 1
        for (channels, kind) in [(3, "rgb"), (1, "gray")] {
            let source = try open(file, ["channels": .integer(Int64(channels))])
            #expect(source.description.count == 1)
            #expect(source.description.fields[0].shape == [channels, 11, 14])
            let got = try source.read([0])[0].elements(as: UInt8.self)
            let wanted: [UInt8] = expected.array("\(name)/\(kind)")
            let distance = zip(got, wanted).map { abs(Int($0) - Int($1)) }.max()
            #expect(got.count == wanted.count)
            #expect(distance! <= tolerance, "\(name) as \(kind)")
        }
        let own = try open(file)
        #expect(own.description.fields[0].shape[0] == (name.hasPrefix("gray") ? 1 : 3))
    }

    @Test func bitDepths() throws {
        // 1 bit: 0 and 1 become 0 and 255; 4 bits: times 17; 16 bits: the upper part, rounded.
        #expect(try pixels(FileContent.png(width: 2, height: 1, bits: 1, color: 0, rows: [[0b0100_0000]])) == [0, 255])
        #expect(try pixels(FileContent.png(width: 2, height: 1, bits: 4, color: 0, rows: [[0x3F]])) == [51, 255])
        let deep = FileContent.png(width: 3, height: 1, bits: 16, color: 0, rows: [[0, 0, 0x12, 0x34, 0xFF, 0xFF]])
        #expect(try pixels(deep) == [0, 18, 255])
    }

    @Test func transparencyIsBlendedOnWhite() throws {
        let alpha = FileContent.png(
            width: 3, height: 1, color: 6, rows: [[10, 20, 30, 255, 10, 20, 30, 0, 0, 100, 200, 128]])
        #expect(try pixels(alpha) == [10, 255, 127, 20, 255, 177, 30, 255, 227])
        let gray = FileContent.png(width: 2, height: 1, color: 4, rows: [[7, 255, 7, 0]])
        #expect(try pixels(gray) == [7, 255])
        let key = FileContent.png(width: 2, height: 1, color: 0, rows: [[7, 8]], chunks: [("tRNS", [0, 8])])
        #expect(try pixels(key) == [7, 255])
    }

    @Test func lumaIsBT601() throws {
        let primaries = FileContent.png(width: 3, height: 1, color: 2, rows: [[255, 0, 0, 0, 255, 0, 0, 0, 255]])
        #expect(try pixels(primaries, ["channels": 1]) == [76, 150, 29])
        let gray = FileContent.png(width: 1, height: 1, color: 0, rows: [[9]])
        #expect(try pixels(gray, ["channels": 3]) == [9, 9, 9])
    }

    @Test func resizes() throws {
        let source = try open(golden("rgb.png"), ["height": 4, "width": 6])
        #expect(source.description.fields[0].shape == [3, 4, 6])
        let flat = FileContent.png(width: 2, height: 2, color: 0, rows: [[40, 40], [40, 40]])
        #expect(try pixels(flat, ["height": 3, "width": 5]) == [UInt8](repeating: 40, count: 15))
        let path = folder.write("image", flat)
        #expect(failure("image", ["path": .string(path), "height": 3])?.status == LAMINA_ERROR_ATTRIBUTE)
        #expect(failure("image", ["path": .string(path), "channels": 2])?.status == LAMINA_ERROR_ATTRIBUTE)
    }

    @Test func suffixes() {
        let component = DataCatalogue.sources.first { $0.name == "image" }!
        #expect(String(cString: component.raw.pointee.suffixes) == "png|jpg|jpeg")
    }

    @Test(arguments: ["rgb.png", "palette.png", "rgb.jpg", "progressive.jpg", "cmyk.jpg"])
    func truncatedAnywhere(_ name: String) {
        let file = golden(name)
        for length in 0..<file.count {
            let path = folder.write("cut", Array(file.prefix(length)))
            let failure = failure("image", ["path": .string(path)])
            #expect(failure?.status == LAMINA_ERROR_DATA, "\(name), first \(length) of \(file.count) bytes")
            #expect(failure?.text.hasPrefix("cannot decode '\(path)': ") == true)
        }
    }

    /// No damage crashes; a PNG's checksums find all of it.
    @Test(arguments: ["rgb.png", "palette.png", "gray.jpg", "progressive.jpg", "cmyk.jpg"])
    func everyDamagedByte(_ name: String) {
        let file = golden(name)
        for position in file.indices {
            for mask in [0xFF, 0x01, 0x80] as [UInt8] {
                var damaged = file
                damaged[position] ^= mask
                let failure = failure("image", ["path": .string(folder.write("damaged", damaged))])
                if name.hasSuffix("png") {
                    #expect(failure?.status == LAMINA_ERROR_DATA, "\(name), byte \(position) ^ \(mask)")
                } else if let failure {
                    #expect(failure.status == LAMINA_ERROR_DATA)
                }
            }
        }
    }

    @Test func refusals() {
        func text(_ bytes: [UInt8]) -> String {
            failure("image", ["path": .string(folder.write("f", bytes))])?.text.replacing("'\(folder["f"])'", with: "F")
                ?? "opened"
        }
        #expect(text([]) == "cannot decode F: it is empty")
        #expect(text(Array("GIF89a".utf8)) == "cannot decode F: it is neither a PNG nor a JPEG file")
        #expect(text(FileContent.png(width: 0, height: 1, color: 0, rows: [])).hasPrefix("cannot decode F: "))
        let large = FileContent.png(width: 60000, height: 60000, color: 2, rows: [[1]])
        #expect(text(large) == "cannot decode F: it is 60000 x 60000 pixels, between 1 and 67108864 in all are allowed")
        let empty = FileContent.png(width: 8000, height: 8000, color: 2, rows: [[1]])
        #expect(text(empty) == "cannot decode F: it is too short for its dimensions")
        var jpeg = golden("gray.jpg")
        let frame = jpeg.indices.first { jpeg[$0] == 0xFF && jpeg[$0 + 1] == 0xC0 }!
        jpeg.replaceSubrange((frame + 5)..<(frame + 9), with: [0x1F, 0xFF, 0x1F, 0xFF])
        #expect(text(jpeg) == "cannot decode F: it is too short for its dimensions")
        #expect(failure("image", ["path": .string(folder["missing"])])?.status == LAMINA_ERROR_FILE)
        #expect(failure("image", ["path": .string(folder.folder("d"))])?.status == LAMINA_ERROR_FILE)
    }
}
