import CLamina
import LaminaFormats
import LaminaTesting
import Testing

@testable import Data

@Suite struct TextSourceTests {
    let folder = Folder()

    private func error(_ source: String, _ text: [UInt8], _ attributes: JSONObject = [:], file: String = "t.tsv")
        -> String
    {
        var attributes = attributes
        attributes["path"] = .string(folder.write(file, text))
        return failure(source, attributes)?.text.replacing("'\(folder[file])'", with: "F") ?? "opened"
    }

    private func table(_ text: String, _ attributes: JSONObject = [:], file: String = "t.tsv") throws -> SourceHarness {
        var attributes = attributes
        attributes["path"] = .string(folder.write(file, Array(text.utf8)))
        return try open("table", attributes)
    }

    @Test func lines() throws {
        let path = folder.write("t.txt", Array("\u{FEFF}one\r\n\n \t\nzwei ö\nthree".utf8))
        let source = try open("text_file", ["path": .string(path)])
        #expect(source.description.count == 3)
        #expect(source.description.textFields == ["text"])
        #expect(source.description.fields.isEmpty)
        #expect(try source.readText("text", [2, 0, 0, 1]) == ["three", "one", "one", "zwei ö"])
        let whole = try open("text_file", ["path": .string(path), "unit": "file"])
        #expect(try whole.readText("text", [0]) == ["one\r\n\n \t\nzwei ö\nthree"])
        #expect(whole.description.fingerprint != source.description.fingerprint)
    }

    @Test func faultsOfFiles() {
        #expect(error("text_file", [], file: "t.txt") == "F is empty")
        #expect(error("text_file", Array(" \n\n".utf8), file: "t.txt") == "F holds no text: all lines are blank")
        #expect(
            error("text_file", Array("a\nb\n".utf8) + [0xC3, 0x28], file: "t.txt")
                == "F, line 3: this is not UTF-8; save the file as UTF-8")
        #expect(error("text_file", [0x61, 0x0A, 0], file: "t.txt") == "F, line 2: a NUL byte; this is no text")
        #expect(error("text_file", [0xFF, 0xFE, 0x61, 0], file: "t.txt") == "F is UTF-16; save it as UTF-8")
        #expect(failure("text_file", ["path": "/nowhere/x.txt"])?.status == LAMINA_ERROR_FILE)
    }

    @Test func tables() throws {
        let source = try table("review\tmood\nnice, \"quoted\"\tgood\n bad one \tpoor\n", ["label": "mood"])
        #expect(source.description.textFields == ["review"])
        #expect(source.description.classes == ["good", "poor"])
        #expect(try source.readText("review", [1, 0]) == ["bad one", "nice, \"quoted\""])
        #expect(try source.read([1, 0])[0].elements(as: Int64.self) == [1, 0])
        let pairs = try table("a,b\n\"x, \"\"y\"\"\",\"two\nlines\"\nz,w\n", file: "t.csv")
        #expect(pairs.description.textFields == ["a", "b"])
        #expect(pairs.description.fields.isEmpty)
        #expect(try pairs.readText("a", [0, 1]) == ["x, \"y\"", "z"])
        #expect(try pairs.readText("b", [0, 1, 0]) == ["two\nlines", "w", "two\nlines"])
        let numbers = try table("q\t1.5\nr\t-2\n", ["names": ["t", "score"], "target": "score"])
        #expect(try numbers.readText("t", [0]) == ["q"])
        #expect(try numbers.read([1, 0])[0].elements(as: Float.self) == [-2, 1.5])
        let cut = try table("a\tb\r\nx\ty\r\nz\ty\r", ["label": "b"])
        #expect(cut.description.classes == ["y"])
        let chosen = try table("a;b;c\n1;2;3\n", ["separator": ";", "text": ["c", "a"]])
        #expect(chosen.description.textFields == ["c", "a"])
        #expect(try chosen.readText("c", [0]) == ["3"])
    }

    /// A resumed run notices that it would learn something else from the same bytes.
    @Test func fingerprintsTellWhatIsRead() throws {
        let text = "a\tb,c\td\nx\ty,x\t1\nz\tx,y\t2\n"
        let readings: [JSONObject] = [
            [:], ["label": "a"], ["label": "d"], ["target": "d"], ["label": "d", "classes": ["2", "1"]],
            ["text": ["a"]], ["names": ["a", "b,c", "d"]], ["separator": ","], ["quotes": true],
        ]
        let fingerprints = try readings.map { try table(text, $0).description.fingerprint }
        #expect(Set(fingerprints).count == readings.count)
        #expect(try table(text).description.fingerprint == fingerprints[0])
    }

    @Test func faultsOfTables() {
        func fault(_ text: String, _ attributes: JSONObject = [:]) -> String {
            error("table", Array(text.utf8), attributes)
        }
        #expect(fault("a\tb\n") == "F has no rows")
        #expect(fault("a\tb\nx\n") == "F, line 2: it has 1 cells, wanted 2 as on the first line")
        #expect(fault("a\tb\nx\ty\n\tz\n") == "F, line 3, column 'a': there is no text")
        #expect(fault("a\tb\nx\ty\n", ["label": "c"]) == "F has no column 'c'; it has 'a', 'b'")
        #expect(fault("a\tb\nx\t\n", ["label": "b"]) == "F, line 2, column 'b': got no value, wanted a class")
        #expect(fault("a\tb\nx\ty\n", ["target": "b"]) == "F, line 2, column 'b': got 'y', wanted a finite number")
        #expect(fault("a\tb\nx\ty\n", ["label": "b", "classes": ["z"]]).contains("is none of the 1 classes"))
        #expect(fault("a\nx\n", ["label": "a"]) == "F has no column beside the one to predict")
        #expect(fault("a\tb\nx\ty\n", ["label": "b", "text": ["b"]]).contains("leave it out of text"))
        #expect(fault("a\tb\nx\ty\n", ["label": "b", "target": "a"]).contains("give one of them"))
        #expect(
            error("table", Array("a\tb\nx\t".utf8) + [0xFF], [:])
                == "F, line 2, column 'b': this is not UTF-8; save the file as UTF-8")
    }

    @Test func folders() throws {
        for name in ["c", "c/neg", "c/pos"] { folder.folder(name) }
        for (name, text) in [
            ("neg/1.txt", "bad"), ("neg/2.txt", "worse"), ("pos/1.txt", "good\nand more"), ("pos/x.md", "no"),
        ] {
            folder.write("c/" + name, Array(text.utf8))
        }
        let source = try open("text_folder", ["path": .string(folder["c"])])
        #expect(source.description.classes == ["neg", "pos"])
        #expect(try source.readText("text", [2, 0]) == ["good\nand more", "bad"])
        #expect(try source.read([2, 0])[0].elements(as: Int64.self) == [1, 0])
        folder.write("c/neg/2.txt", [0x61, 0x0A, 0xFF])
        let failure = #expect(throws: CallError.self) { try source.readText("text", [1]) }
        #expect(failure?.text == "'\(folder["c/neg/2.txt"])', line 2: this is not UTF-8; save the file as UTF-8")
    }
}
