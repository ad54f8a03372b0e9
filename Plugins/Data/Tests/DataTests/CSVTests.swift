import CLamina
import LaminaFormats
import LaminaTesting
import Testing

@testable import Data

@Suite struct CSVTests {
    let folder = Folder()

    private func open(_ text: String, _ attributes: JSONObject = [:]) throws -> SourceHarness {
        var attributes = attributes
        attributes["path"] = .string(folder.write("t.csv", text))
        return try DataTests.open("csv", attributes)
    }

    private func error(_ bytes: [UInt8], _ attributes: JSONObject = [:], _ status: lamina_status = LAMINA_ERROR_DATA)
        -> String
    {
        var attributes = attributes
        attributes["path"] = .string(folder.write("t.csv", bytes))
        let result = failure("csv", attributes)
        #expect(result == nil || result?.status == status)
        return result?.text.replacing("'\(folder["t.csv"])'", with: "F") ?? "opened"
    }

    private func error(_ text: String, _ attributes: JSONObject = [:], _ status: lamina_status = LAMINA_ERROR_DATA)
        -> String
    { error(Array(text.utf8), attributes, status) }

    private let flowers = "length,width,species\n5.1,3.5,setosa\n7.0,3.2,versicolor\n6.3,3.3,setosa\n"

    @Test func classes() throws {
        let source = try open(flowers, ["target": "species"])
        #expect(source.description.count == 3)
        #expect(source.description.fields.map(\.name) == ["input", "label"])
        #expect(source.description.fields.map(\.shape) == [[2], []])
        #expect(source.description.classes == ["setosa", "versicolor"])
        let batch = try source.read([1, 2])
        #expect(batch[0].elements(as: Float.self) == [7, 3.2, 6.3, 3.3])
        #expect(batch[1].elements(as: Int64.self) == [1, 0])
        let given = try open(flowers, ["target": -1, "classes": ["versicolor", "other", "setosa"]])
        #expect(try given.read([0, 1])[1].elements(as: Int64.self) == [2, 0])
        #expect(given.description.classes.count == 3)
    }

    @Test func classesAreSorted() throws {
        // Numbers by value, other texts by bytes, whatever the order of the rows.
        #expect(try open("1,10\n1,9\n1,-2\n", ["target": 1]).description.classes == ["-2", "9", "10"])
        let letters = try open("1,b\n1,a\n1,C\n", ["target": 1])
        #expect(letters.description.classes == ["C", "a", "b"])
        #expect(try letters.read([0, 1, 2])[1].elements(as: Int64.self) == [2, 1, 0])
    }

    @Test func numbersAsTarget() throws {
        let source = try open("a,b,c\n1,2,3\n4,5,6\n", ["target": "b", "target_type": "number"])
        #expect(source.description.fields.map(\.name) == ["input", "target"])
        #expect(source.description.fields[1].shape == [1])
        let batch = try source.read([0, 1])
        #expect(batch[0].elements(as: Float.self) == [1, 3, 4, 6])
        #expect(batch[1].elements(as: Float.self) == [2, 5])
        #expect(source.description.classes.isEmpty)
    }

    @Test func columns() throws {
        let text = "a,b,c,d\n1,2,x,4\n"
        #expect(try open(text, ["columns": ["d", "a"]]).read([0])[0].elements(as: Float.self) == [4, 1])
        #expect(try open(text, ["columns": [1, -1, 0]]).read([0])[0].elements(as: Float.self) == [2, 4, 1])
        #expect(try open("1,2\n3,4\n").read([1, 0])[0].elements(as: Float.self) == [3, 4, 1, 2])
    }

    /// What other files of the model are read with: the input columns, by names that are theirs alone.
    @Test func reading() throws {
        #expect(
            try open(flowers, ["target": "species"]).description.readingJSON
                == #"{"columns":["length","width"],"names":["length","width"]}"#)
        #expect(
            try open(flowers, ["target": 2, "columns": [-2]]).description.readingJSON
                == #"{"columns":["width"],"names":["width"]}"#)
        #expect(
            try open("1,2,3\n", ["names": ["a", "b", "c"], "target": "b"]).description.readingJSON
                == #"{"columns":["a","c"],"names":["a","b","c"]}"#)
        #expect(try open("1,2\n").description.readingJSON == nil)
        #expect(try open("a,a,b\n1,2,3\n").description.readingJSON == nil)
        #expect(try open("a,a,b\n1,2,3\n", ["columns": [2]]).description.readingJSON != nil)
        // More than a model keeps.
        let long = String(repeating: "x", count: 300_000)
        let four = ["a", "b", "c", "d"].map { $0 + long }.joined(separator: ",")
        #expect(try open("a\(long),b\n1,2\n").description.readingJSON != nil)
        #expect(try open(four + "\n1,2,3,4\n").description.readingJSON == nil)
        // The names in the file win.
        let named = try open("b,a\n1,2\n", ["names": ["a", "b"], "columns": ["a", "b"]])
        #expect(try named.read([0])[0].elements(as: Float.self) == [2, 1])
        #expect(
            error("1,2,3\n", ["names": ["a", "b"]], LAMINA_ERROR_ATTRIBUTE)
                == "F has 3 columns and no line that names them, but 2 are wanted: 'a', 'b'")
    }

    @Test func header() throws {
        #expect(try open("1,2\n3,4\n", ["header": true]).description.count == 1)
        #expect(try open("1,2\n3,4\n", ["header": "auto"]).description.count == 2)
        #expect(try open("1,b\n3,c\n", ["target": 1, "header": false]).description.count == 2)
        #expect(
            error("a,b\n1,2\n", ["header": false])
                == "F, line 1, column 0 (0 is the first): got 'a', wanted a finite number")
        #expect(error("a,b\n") == "F has a header and no rows")
    }

    @Test func formsOfText() throws {
        let plain = try open("a,b\n1,2\n3,4\n")
        for text in [
            "\u{FEFF}a,b\n1,2\n3,4\n", "a,b\r\n1,2\r\n3,4\r\n", "a,b\n1,2\n3,4", "a,b\n1,2\n3,4\n\n\r\n\n",
            "\"a\",\"b\"\n\"1\",\"2\"\n3,\"4\"\n", "a,b\n 1 ,\t2\n3,4  \n",
        ] {
            let source = try open(text)
            #expect(source.description.fingerprint == plain.description.fingerprint, "\(text.debugDescription)")
            #expect(try source.read([0, 1])[0].elements(as: Float.self) == [1, 2, 3, 4])
        }
        #expect(try open("a;b\n1;2\n", ["separator": ";"]).description.count == 1)
        #expect(try open("a\tb\n1\t2\n", ["separator": "\t"]).read([0])[0].elements(as: Float.self) == [1, 2])
        let quoted = try open("x,y\n1,\"a \"\"b\"\", c\nd\"\n2,é\n", ["target": "y"])
        #expect(quoted.description.classes == ["a \"b\", c\nd", "é"])
        #expect(error("x\n\"1\n\n\"\n") == "F, line 2, column 'x': got '1\u{FFFD}\u{FFFD}', wanted a finite number")
        // Lines are counted through quoted line ends.
        #expect(
            error("x,y\n1,\"a\nb\"\n2\n", ["target": "y"]) == "F, line 4: it has 1 cells, wanted 2 as on the first line"
        )
    }

    @Test func badCells() {
        #expect(error("a,b\n1,2\n3,\n") == "F, line 3, column 'b': got no value, wanted a finite number")
        for cell in [
            "NaN", "nan", "inf", "-Infinity", "1e39", "0x10", "1,5", "1 2", "--1", "1e", ".", "+", "1.2.3", "1_0",
        ] {
            let line = "a,b\n1,\"\(cell)\"\n"
            #expect(error(line) == "F, line 2, column 'b': got '\(cell)', wanted a finite number")
        }
        #expect(error("a,b\n1,2,3\n") == "F, line 2: it has 3 cells, wanted 2 as on the first line")
        #expect(error("a,b\n1,2\n\n3,4\n") == "F, line 3: it has 1 cells, wanted 2 as on the first line")
        #expect(error("a,b\n1,\n", ["target": "b"]) == "F, line 2, column 'b': got no value, wanted a class")
        #expect(
            error(flowers, ["target": "species", "classes": ["setosa"]])
                == "F, line 3, column 'species': 'versicolor' is none of the 1 classes")
        #expect(error(Array("a,b\n1,".utf8) + [0xFF, 0x0A], ["target": "b"]).contains("is not UTF-8"))
        let long = String(repeating: "x", count: 1000)
        #expect(error("a\n\(long)\n").count < 120)
    }

    @Test func badText() {
        #expect(error("") == "F is empty")
        #expect(error("\n\n") == "F has no lines")
        #expect(error("a\n1\n2\u{0}\n") == "F, line 3: a NUL byte; this is no text")
        #expect(error("a\n\"1\n2\n3\n") == "F, line 2: a quote is opened and never closed")
        #expect(error("a\n\"1\"2\n") == "F, line 2: text after a closing quote")
        #expect(error("a\n1\"2\n").contains("a quote in the middle of a cell"))
        #expect(error([0xFF, 0xFE, 0x61, 0]) == "F is UTF-16; save it as UTF-8")
        #expect(failure("csv", ["path": .string(folder["none"])])?.status == LAMINA_ERROR_FILE)
    }

    @Test func badAttributes() {
        let attribute = LAMINA_ERROR_ATTRIBUTE
        #expect(
            error(flowers, ["target": "kind"], attribute)
                == "F has no column 'kind'; it has 'length', 'width', 'species'")
        #expect(error(flowers, ["target": 3], attribute) == "F has 3 columns, there is no number 3; 0 is the first")
        #expect(error(flowers, ["target": -4], attribute).contains("there is no number -4"))
        #expect(error("1,2\n", ["target": "b"], attribute).contains("the first line of F holds no names"))
        #expect(error("a,a\n1,2\n", ["target": "a"], attribute) == "F has 2 columns 'a'; give their numbers")
        #expect(
            error("a,b\n1,2\n", ["target": "a", "columns": ["a", "b"]], attribute).contains("among its input columns"))
        #expect(error("a\n1\n", ["target": "a"]) == "F has no column beside the target")
        for separator in ["", ",,", "\"", "\n", "é"] {
            #expect(error("a\n1\n", ["separator": .string(separator)], attribute).contains("one ASCII character"))
        }
        #expect(
            error(flowers, ["target": "species", "classes": ["a", "a"]], attribute)
                == "class 'a' stands twice in classes")
        #expect(
            error(flowers, ["target": 0, "target_type": "number", "classes": ["a"]], attribute).contains(
                "target_type: class"))
    }

    @Test func aMillionColumns() throws {
        let names = (0..<1_000_000).map { "c\($0)" }.joined(separator: ",")
        let values = (0..<1_000_000).map { "\($0 % 10)" }.joined(separator: ",")
        let source = try open(names + "\n" + values + "\n", ["target": "c999999"])
        #expect(source.description.fields[0].shape == [999_999])
        #expect(try source.read([0])[0].elements(as: Float.self).prefix(12) == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1])
    }

    @Test func tooManyClasses() {
        let rows = (0...65536).map { "1,\($0)" }.joined(separator: "\n")
        #expect(error(rows, ["target": 1]).contains("line 65537, column 1 (0 is the first): more than 65536 classes"))
    }

    /// The fast path against the standard library's exact conversion, on numbers of many forms.
    @Test func numbersAreRoundedRight() {
        func parse(_ text: String) -> Float? {
            Array(text.utf8).withUnsafeBufferPointer { DecimalNumber.parse($0) }
        }
        var generator = SplitMix(state: 20)
        for _ in 0..<200_000 {
            let digits = UInt64.random(in: 0...999_999_999_999_999_999, using: &generator)
            let shown = String(digits).prefix(Int.random(in: 1...18, using: &generator))
            let point = Int.random(in: 0...shown.count, using: &generator)
            let exponent = Int.random(in: -45...38, using: &generator)
            let text =
                "-\(shown.prefix(point)).\(shown.dropFirst(point))"
                + (Bool.random(using: &generator) ? "e\(exponent)" : "")
            let wanted = Float(text.replacing("-.", with: "-0.").replacing(".e", with: ".0e"))
            #expect(parse(text) == wanted.flatMap { $0.isFinite ? $0 : nil }, "\(text)")
        }
        // Exactly half-way between two floats, and a hair beyond, beyond what double precision sees.
        #expect(parse("16777217") == 16_777_216)
        #expect(parse("16777217.0000000000001") == 16_777_218)
        #expect(parse("1.00000005960464477539") == 1)
        #expect(parse("1.000000059604644775390625000000000001") == Float(1).nextUp)
        // Not half-way, but half-way in double precision.
        #expect(parse("5.03219199180603")?.bitPattern == 0x40A1_07B7)
        #expect(parse("0.000950390036450699")?.bitPattern == 0x3A79_2399)
        #expect(parse("0.00916028255596757")?.bitPattern == 0x3C16_1503)
        #expect(parse("-0") == 0)
        #expect(parse("-0")?.sign == .minus)
        #expect(parse("1e-46") == 0)
        #expect(parse("0e999999999999") == 0)
        #expect(parse("1e999999999999") == nil)
        #expect(parse("000000000000000000000000001.5") == 1.5)
        #expect(parse("+.5") == 0.5)
        #expect(parse("5.") == 5)
        #expect(parse("") == nil)
    }
}

/// The same numbers in every run. Source: G. L. Steele, D. Lea, C. H. Flood, "Fast Splittable Pseudorandom Number
/// Generators", 2014.
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
