import LaminaFormats
import Testing

@Suite("JSON: parsing")
struct JSONParserTests {
    @Test("values of every kind")
    func values() throws {
        let json = try JSON.parse(#" {"a": [null, true, false, -12, 0, 1.5, 1e3, "x"], "b": {}, "c": [ ]} "#)
        #expect(json == ["a": [nil, true, false, -12, 0, 1.5, 1000.0, "x"], "b": [:], "c": []])
        #expect(json["a"]?[5] == .number(1.5))
        #expect(json["a"]?[9] == nil)
        #expect(json["nothing"] == nil)
    }

    @Test("escapes become their scalars")
    func escapes() throws {
        let json = try JSON.parse(#""\"\\\/\b\f\n\r\t\u0041\u00e9\uD83D\uDE00\u0000é😀""#)
        #expect(json == "\"\\/\u{8}\u{C}\n\r\tA\u{E9}\u{1F600}\u{0}\u{E9}\u{1F600}")
    }

    @Test(
        "numbers at the edges",
        arguments: [
            ("9223372036854775807", JSON.integer(.max)), ("-9223372036854775808", .integer(.min)),
            ("-0", .number(-0.0)), ("-0.0", .number(-0.0)), ("0", .integer(0)), ("0e5", .number(0)),
            ("1.7976931348623157e308", .number(.greatestFiniteMagnitude)), ("5e-324", .number(.leastNonzeroMagnitude)),
            ("1e-400", .number(0)), ("1E+2", .number(100)), ("1234567890123456.5", .number(1234567890123456.5)),
        ])
    func numbers(text: String, wanted: JSON) throws {
        #expect(try JSON.parse(text) == wanted)
    }

    static let refused: [(String, JSONError.Kind, Int)] = [
        ("", .syntax, 0), ("  ", .syntax, 2), ("{", .syntax, 1), ("[1", .syntax, 2), ("[1,]", .syntax, 3),
        ("{\"a\":1,}", .syntax, 7), ("{\"a\" 1}", .syntax, 5), ("{a:1}", .syntax, 1), ("[1 2]", .syntax, 3),
        ("1 2", .syntax, 2), ("{} x", .syntax, 3), ("nul", .syntax, 0), ("True", .syntax, 0), ("'a'", .syntax, 0),
        ("\u{FEFF}1", .syntax, 0), ("// c\n1", .syntax, 0), ("NaN", .syntax, 0), ("Infinity", .syntax, 0),
        ("-", .syntax, 1), ("+1", .syntax, 0), ("01", .syntax, 0), ("-01", .syntax, 0), (".5", .syntax, 0),
        ("1.", .syntax, 2), ("1.e2", .syntax, 2), ("1e", .syntax, 2), ("1e+", .syntax, 3), ("0x10", .syntax, 1),
        ("9223372036854775808", .number, 0), ("-9223372036854775809", .number, 0),
        ("99999999999999999999999999", .number, 0), ("1e309", .number, 0), ("-1e309", .number, 0),
        ("[1,1e999999999]", .number, 3),
        ("\"a", .syntax, 2), ("\"a\nb\"", .syntax, 2), ("\"a\u{0}b\"", .syntax, 2), ("\"\\x\"", .syntax, 1),
        ("\"\\u12\"", .syntax, 1), ("\"\\u12G4\"", .syntax, 1), ("\"\\", .syntax, 1), ("\"\\u", .syntax, 1),
        ("\"\\uD800\"", .encoding, 1), ("\"\\uD800x\"", .encoding, 1), ("\"\\uD800\\u0041\"", .encoding, 1),
        ("\"\\uDC00\"", .encoding, 1), ("\"\\uD83D\\uD83D\"", .encoding, 1),
        ("{\"a\":1,\"a\":2}", .duplicateKey, 7), ("{\"a\":1,\"\\u0061\":2}", .duplicateKey, 7),
        ("[{\"\":1,\"b\":2,\"\":3}]", .duplicateKey, 13), ("\u{0}", .syntax, 0), ("1\u{0}", .syntax, 1),
    ]

    @Test("refused, with kind and place", arguments: refused)
    func refusal(text: String, kind: JSONError.Kind, offset: Int) throws {
        let error = try #require(throws: JSONError.self) { try JSON.parse(text) }
        #expect(error.kind == kind)
        #expect(error.position?.offset == offset, "\(error)")
    }

    @Test(
        "invalid UTF-8",
        arguments: [
            [0x80], [0xC0, 0x80], [0xC1, 0xBF], [0xC3], [0xE0, 0x80, 0x80], [0xE0, 0x9F, 0xBF], [0xED, 0xA0, 0x80],
            [0xED, 0xBF, 0xBF], [0xE2, 0x82], [0xF0, 0x80, 0x80, 0x80], [0xF0, 0x8F, 0xBF, 0xBF],
            [0xF4, 0x90, 0x80, 0x80],
            [0xF5, 0x80, 0x80, 0x80], [0xFF], [0xF0, 0x9F, 0x98], [0xE2, 0x28, 0xA1],
        ] as [[UInt8]])
    func invalidUTF8(bytes: [UInt8]) throws {
        let error = try #require(throws: JSONError.self) { try JSON.parse([0x22] + bytes + [0x22]) }
        #expect(error.kind == .encoding)
        #expect(error.position?.offset == 1)
        #expect(throws: JSONError.self) { try JSON.parse([0x22] + bytes) }
    }

    @Test("every scalar passes through as itself")
    func everyScalar() throws {
        for start in stride(from: UInt32(0x20), through: 0x10FFFF, by: 0x400) {
            var text = ""
            for code in start..<min(start + 0x400, 0x110000) {
                if let scalar = UnicodeScalar(code), scalar != "\"", scalar != "\\" {
                    text.unicodeScalars.append(scalar)
                }
            }
            #expect(try JSON.parse("\"\(text)\"") == .string(text))
        }
    }

    @Test("composed and decomposed keys are two keys")
    func noNormalisation() throws {
        let json = try JSON.parse("{\"\u{E9}\":1,\"e\u{301}\":2}")
        #expect(json["\u{E9}"] == 1)
        #expect(json["e\u{301}"] == 2)
        #expect(JSON.string("\u{E9}") != .string("e\u{301}"))
        #expect(JSON.string("a\u{301}\u{323}") != .string("a\u{323}\u{301}"))
    }

    @Test("duplicates are found in large objects too")
    func duplicateInLargeObject() throws {
        let members = (0..<1000).map { "\"key\($0)\":\($0)" }
        let object = try JSON.parse("{\(members.joined(separator: ","))}")
        for position in 0..<1000 { #expect(object["key\(position)"] == .integer(Int64(position))) }
        let error = try #require(throws: JSONError.self) {
            try JSON.parse("{\((members + ["\"key500\":0"]).joined(separator: ","))}")
        }
        #expect(error.kind == .duplicateKey)
        #expect(error.message.contains("key500"))
    }

    @Test("depth: 64 levels pass, 65 do not, and a million do not crash")
    func depth() throws {
        func nested(_ count: Int) -> String {
            String(repeating: "[", count: count) + String(repeating: "]", count: count)
        }
        _ = try JSON.parse(nested(64))
        let error = try #require(throws: JSONError.self) { try JSON.parse(nested(65)) }
        #expect(error.kind == .limit)
        #expect(error.position?.offset == 64)
        #expect(throws: JSONError.self) { try JSON.parse(nested(1_000_000), limits: .init(depth: .max)) }
        #expect(throws: JSONError.self) { try JSON.parse(String(repeating: "{\"a\":", count: 1_000_000)) }
    }

    @Test("limits on length and on the number of values")
    func limits() throws {
        let tooLong = try #require(throws: JSONError.self) { try JSON.parse("[1,2,3]", limits: .init(byteCount: 6)) }
        #expect(tooLong.kind == .limit)
        _ = try JSON.parse("[1,2,3]", limits: .init(byteCount: 7, valueCount: 4))
        let tooMany = try #require(throws: JSONError.self) { try JSON.parse("[1,2,3]", limits: .init(valueCount: 3)) }
        #expect(tooMany.kind == .limit)
        let longNumber = try #require(throws: JSONError.self) {
            try JSON.parse("1." + String(repeating: "0", count: 2000))
        }
        #expect(longNumber.kind == .limit)
    }

    @Test("the message says line, column and byte")
    func message() throws {
        let error = try #require(throws: JSONError.self) { try JSON.parse("{\n  \"é\": 1,\n  \"ü\" 2\n}") }
        #expect(error.description == "line 3, column 7 (byte 20): expected ':' after the key, found '2'")
    }

    @Test("every truncation and every changed byte gives a value or an error")
    func mutations() throws {
        let text = Array(#"{"a":[1,-2.5e3,"x\u00e9\n",true,null],"b":{"é":"\uD83D\uDE00"},"c":[]}"#.utf8)
        for count in 0..<text.count { #expect(throws: JSONError.self) { try JSON.parse(Array(text.prefix(count))) } }
        for position in text.indices {
            for byte in UInt8.min...UInt8.max {
                var mutant = text
                mutant[position] = byte
                if let value = try? JSON.parse(mutant) {
                    // What was accepted must survive writing and reading.
                    #expect(try JSON.parse(value.bytes()) == value)
                }
            }
        }
    }
}
