import CLamina
import LaminaFormats
import LaminaTesting
import Testing

@testable import Data

@Suite struct ImageFolderTests {
    let folder = Folder()

    private func gray(_ value: UInt8, width: Int = 2, height: Int = 2) -> [UInt8] {
        let row = [UInt8](repeating: value, count: width)
        return FileContent.png(width: width, height: height, color: 0, rows: Array(repeating: row, count: height))
    }

    /// cat: 10, 20; dog: 30
    private func pets() {
        folder.folder("dog")
        folder.folder("cat")
        folder.write("cat/2.png", gray(20))
        folder.write("cat/1.PNG", gray(10))
        folder.write("dog/a.jpeg.png", gray(30))
        folder.write("dog/notes.txt", "ignored")
        folder.write("dog/.hidden.png", "ignored")
        folder.write("readme.md", "ignored")
    }

    @Test func foldersAreClasses() throws {
        pets()
        let source = try DataTests.open("image_folder", ["path": .string(folder.path)])
        #expect(source.description.count == 3)
        #expect(source.description.classes == ["cat", "dog"])
        #expect(source.description.fields.map(\.name) == ["image", "label"])
        #expect(source.description.fields[0].shape == [1, 2, 2])
        let batch = try source.read([2, 0, 1])
        #expect(batch[0].elements(as: UInt8.self) == [30, 30, 30, 30, 10, 10, 10, 10, 20, 20, 20, 20])
        #expect(batch[1].elements(as: Int64.self) == [1, 0, 0])
        let before = source.description.fingerprint
        folder.write("dog/b.png", gray(1))
        #expect(try DataTests.open("image_folder", ["path": .string(folder.path)]).description.fingerprint != before)
    }

    @Test func sizesAndChannels() throws {
        pets()
        folder.write("cat/3.jpg", golden("rgb.jpg"))
        let path = JSON.string(folder.path)
        let source = try DataTests.open("image_folder", ["path": path, "size": [5, 4], "channels": 3])
        #expect(source.description.fields[0].shape == [3, 5, 4])
        #expect(try source.read([0])[0].elements(as: UInt8.self) == [UInt8](repeating: 10, count: 60))
        #expect(
            try DataTests.open("image_folder", ["path": path, "size": 6]).description.fields[0].shape == [1, 6, 6])

        let strict = try DataTests.open("image_folder", ["path": path])
        let failure = #expect(throws: CallError.self) { try strict.read([0, 2, 1]) }
        #expect(failure?.status == LAMINA_ERROR_DATA)
        #expect(
            failure?.text
                == "'\(folder.path)/cat/3.jpg' is 11 × 14 (height × width), the first image is 2 × 2; set size: [2, 2]")
    }

    /// Whatever thread meets it: the first in the batch is reported.
    @Test func damagedImagesAreNamed() throws {
        pets()
        for i in 0..<40 { folder.write("dog/x\(i + 10).png", Array(gray(9).prefix(40 + i % 3))) }
        let source = try DataTests.open("image_folder", ["path": .string(folder.path)])
        #expect(source.description.count == 43)
        for _ in 0..<20 {
            let failure = #expect(throws: CallError.self) { try source.read(Array(0..<43).reversed()) }
            #expect(failure?.status == LAMINA_ERROR_DATA)
            #expect(failure?.text.hasPrefix("cannot decode '\(folder.path)/dog/x49.png': ") == true)
        }
        folder.write("cat/1.PNG", "no image")
        let first = failure("image_folder", ["path": .string(folder.path)])
        #expect(first?.text == "cannot decode '\(folder.path)/cat/1.PNG': it is neither a PNG nor a JPEG file")
    }

    @Test func vanishedImage() throws {
        pets()
        let source = try DataTests.open("image_folder", ["path": .string(folder.path)])
        folder.remove("cat/2.png")
        let failure = #expect(throws: CallError.self) { try source.read([0, 1, 2]) }
        #expect(failure?.status == LAMINA_ERROR_FILE)
    }

    @Test func refusals() {
        let path = JSON.string(folder.path)
        #expect(failure("image_folder", ["path": path])?.text.contains("holds no folders") == true)
        folder.folder("empty")
        #expect(failure("image_folder", ["path": path])?.text.contains("holds no .png, .jpg or .jpeg file") == true)
        #expect(failure("image_folder", ["path": .string(folder["none"])])?.status == LAMINA_ERROR_FILE)
        let file = folder.write("file", "x")
        #expect(failure("image_folder", ["path": .string(file)])?.text == "cannot list '\(file)': Not a directory")
        folder.folder("empty/x.png")
        #expect(failure("image_folder", ["path": path])?.status == LAMINA_ERROR_DATA)
    }
}
