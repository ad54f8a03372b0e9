import CLamina
import Glibc
import LaminaSDK
import LaminaTesting
import Testing

@testable import Data

@Suite struct IDXTests {
    let folder = Folder()

    /// 3 images of 2 × 2: 0…11.
    let images = FileContent.idx([3, 2, 2], Array(0..<12))
    let labels = FileContent.idx([3], [2, 0, 1])

    private func open(_ images: [UInt8], _ labels: [UInt8]? = nil) throws -> SourceHarness {
        let path = folder.write("images", images)
        guard let labels else { return try DataTests.open("idx", ["images": .string(path)]) }
        return try DataTests.open(
            "idx", ["images": .string(path), "labels": .string(folder.write("labels", labels))])
    }

    @Test func readsImagesAndLabels() throws {
        let source = try open(images, labels)
        #expect(source.description.count == 3)
        #expect(source.description.fields.map(\.name) == ["image", "label"])
        #expect(source.description.fields[0].shape == [1, 2, 2])
        #expect(source.description.fields[0].dtype == .uint8)
        #expect(source.description.fields[1].shape == [])
        let batch = try source.read([2, 0, 2])
        #expect(batch[0].elements(as: UInt8.self) == [8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11])
        #expect(batch[1].elements(as: Int64.self) == [1, 2, 1])
    }

    @Test func gzippedIsTheSameData() throws {
        let plain = try open(images, labels)
        let zipped = try open(FileContent.deflate(images), FileContent.deflate(labels))
        #expect(zipped.description.fingerprint == plain.description.fingerprint)
        #expect(plain.description.fingerprint?.count == 32)
        #expect(try zipped.read([0, 1, 2])[0].elements(as: UInt8.self) == Array(0..<12))
        #expect(
            try open(FileContent.idx([3, 2, 2], Array(1..<13)), labels).description.fingerprint
                != plain.description.fingerprint)
    }

    @Test func severalGzipMembersAreOneFile() throws {
        let two = FileContent.deflate(Array(images.prefix(7))) + FileContent.deflate(Array(images.dropFirst(7)))
        #expect(try open(two).read([1])[0].elements(as: UInt8.self) == [4, 5, 6, 7])
    }

    @Test func everyElementType() throws {
        func first<Value: BitwiseCopyable>(_ type: UInt8, _ bytes: [UInt8], _: Value.Type) throws -> [Value] {
            try open(FileContent.idx(type: type, [1, 2], bytes)).read([0])[0].elements(as: Value.self)
        }
        #expect(try first(0x08, [1, 255], UInt8.self) == [1, 255])
        #expect(try first(0x09, [1, 255], Int32.self) == [1, -1])
        #expect(try first(0x0B, [1, 2, 255, 254], Int32.self) == [258, -2])
        #expect(try first(0x0C, [0, 0, 1, 2, 255, 255, 255, 254], Int32.self) == [258, -2])
        let floats = [Float(1.5), -2].flatMap { FileContent.bigEndian($0.bitPattern) }
        #expect(try first(0x0D, floats, Float.self) == [1.5, -2])
        let doubles = [1.5, -2].flatMap { FileContent.bigEndian($0.bitPattern) }
        #expect(try first(0x0E, doubles, Float.self) == [1.5, -2])
    }

    @Test func otherRanksStayAsTheyAre() throws {
        #expect(try open(FileContent.idx([2], [1, 2])).description.fields[0].shape == [])
        #expect(try open(FileContent.idx([2, 3], [1, 2, 3, 4, 5, 6])).description.fields[0].shape == [3])
        #expect(try open(FileContent.idx([1, 3, 1, 2], [1, 2, 3, 4, 5, 6])).description.fields[0].shape == [3, 1, 2])
    }

    @Test func namesOfClasses() throws {
        let (x, y) = (folder.write("x", images), folder.write("y", labels))
        let source = try DataTests.open(
            "idx", ["images": .string(x), "labels": .string(y), "classes": ["shirt", "shoe", "bag"]])
        #expect(source.description.classes == ["shirt", "shoe", "bag"])
        let few = failure("idx", ["images": .string(x), "labels": .string(y), "classes": ["shirt", "shoe"]])
        #expect(few?.status == LAMINA_ERROR_DATA)
        #expect(few?.text == "'\(y)': label 2 of sample 0 is not below the number of classes, 2")
    }

    @Test func truncatedAnywhere() throws {
        for (name, file) in [("plain", images), ("gzip", FileContent.deflate(images))] {
            for length in 0..<file.count {
                let path = folder.write("cut", Array(file.prefix(length)))
                let failure = failure("idx", ["images": .string(path)])
                #expect(failure?.status == LAMINA_ERROR_DATA, "\(name), first \(length) bytes")
                #expect(failure?.text.contains("'\(path)'") == true)
            }
        }
    }

    @Test func everyDamagedByteOfAGzipFile() throws {
        let file = FileContent.deflate(FileContent.idx([2, 8, 8], (0..<128).map { UInt8($0 * 37 % 251) }))
        let reference = try open(file).read([0, 1])[0].elements(as: UInt8.self)
        for position in file.indices {
            var damaged = file
            damaged[position] ^= 0xFF
            let path = folder.write("damaged", damaged)
            // The header's time and system say nothing about the content.
            if let failure = failure("idx", ["images": .string(path)]) {
                #expect(failure.status == LAMINA_ERROR_DATA)
            } else {
                #expect(try open(damaged).read([0, 1])[0].elements(as: UInt8.self) == reference)
                #expect((4...9).contains(position), "damage at byte \(position) went unnoticed")
            }
        }
    }

    @Test func refusals() {
        func text(_ bytes: [UInt8]) -> String {
            let result = failure("idx", ["images": .string(folder.write("f", bytes))])
            #expect(result?.status == LAMINA_ERROR_DATA)
            return result?.text.replacing("'\(folder["f"])'", with: "F") ?? "opened"
        }
        #expect(
            text([0x50, 0x4B, 3, 4])
                == "F is no IDX file: it begins with 50 4B 03 04, wanted 00 00, an element type and a rank")
        #expect(text([0, 0, 7, 1, 0, 0, 0, 1, 0]).contains("element type 07 is no IDX type"))
        #expect(text([0, 0, 8, 0]).contains("it has 0 dimensions"))
        #expect(text([0, 0, 8, 255]).contains("it has 255 dimensions"))
        #expect(text(FileContent.idx([0, 28, 28], [])).contains("hold no sample"))
        #expect(
            text(images + [0])
                == "F: dimensions [3, 2, 2] take 12 bytes, but the file has 13 bytes after its header; get the file "
                + "again")
        let huge = FileContent.idx([.max, .max, .max], [])
        #expect(text(huge).contains("beyond any file"))
        #expect(text(FileContent.deflate(huge)).contains("beyond any file"))
        #expect(text(FileContent.deflate(FileContent.idx([.max, 1 << 20], []))).contains("cannot hold that much"))
        #expect(text([0x1F, 0x8B] + [UInt8](repeating: 0, count: 40)).contains("gzip stream is corrupt"))
        #expect(text(FileContent.deflate(images) + [1, 2, 3]).contains("3 bytes that are no gzip follow"))
    }

    /// The header's dimensions bound what is inflated: 64 MB of zeros behind 12 declared bytes are not read.
    @Test func gzipBombStopsAtTheDeclaredSize() {
        let bomb = FileContent.deflate(FileContent.idx([3, 2, 2], [UInt8](repeating: 0, count: 64 << 20)))
        #expect(bomb.count < 80_000)
        let result = failure("idx", ["images": .string(folder.write("bomb", bomb))])
        #expect(result?.text.contains("holds more than the 28 bytes that its dimensions ask for") == true)
    }

    @Test func filesThatAreNone() {
        let missing = failure("idx", ["images": .string(folder["missing"])])
        #expect(missing?.status == LAMINA_ERROR_FILE)
        #expect(missing?.text == "cannot open '\(folder["missing"])': No such file or directory")
        let directory = failure("idx", ["images": .string(folder.folder("d"))])
        #expect(directory?.status == LAMINA_ERROR_FILE)
        #expect(directory?.text.contains("it is a folder") == true)
        mkfifo(folder["fifo"], 0o600)
        #expect(failure("idx", ["images": .string(folder["fifo"])])?.status == LAMINA_ERROR_FILE)
    }

    @Test func imagesAndLabelsMustBelongTogether() {
        let (x, y) = (folder.write("x", images), folder.write("y", FileContent.idx([2], [0, 1])))
        let count = failure("idx", ["images": .string(x), "labels": .string(y)])
        #expect(count?.text == "'\(y)' has 2 targets, '\(x)' has 3 samples; give data that belongs together")
        let swapped = failure("idx", ["images": .string(y), "labels": .string(x)])
        #expect(swapped?.text.contains("is it the file of the images?") == true)
    }

    @Test func indicesOutOfRange() throws {
        let source = try open(images)
        #expect(throws: CallError.self) { try source.read([3]) }
        #expect(throws: CallError.self) { try source.read([-1]) }
        #expect(try source.read([])[0].bytes.isEmpty)
    }

    static let fashion = "/usr/share/datasets/fashion-mnist/"

    @Test(.enabled(if: access(fashion + "train-images-idx3-ubyte.gz", R_OK) == 0))
    func fashionMNIST() throws {
        let train = try DataTests.open(
            "idx",
            [
                "images": .string(Self.fashion + "train-images-idx3-ubyte.gz"),
                "labels": .string(Self.fashion + "train-labels-idx1-ubyte.gz"),
            ])
        #expect(train.description.count == 60000)
        #expect(train.description.fields[0].shape == [1, 28, 28])
        #expect(try train.read([0, 1, 2])[1].elements(as: Int64.self) == [9, 0, 0])
        let pixels = try train.read(Array(0..<60000))[0].elements(as: UInt8.self)
        var sum = 0
        for pixel in pixels { sum += Int(pixel) }
        let mean = Double(sum) / Double(pixels.count) / 255
        #expect(abs(mean - 0.2860) < 1e-4, "the mean that everybody normalises with")
        let test = try DataTests.open(
            "idx",
            [
                "images": .string(Self.fashion + "t10k-images-idx3-ubyte.gz"),
                "labels": .string(Self.fashion + "t10k-labels-idx1-ubyte.gz"),
            ])
        #expect(test.description.count == 10000)
        #expect(try test.read([0])[1].elements(as: Int64.self) == [9])
        #expect(test.description.fingerprint != train.description.fingerprint)
    }
}
