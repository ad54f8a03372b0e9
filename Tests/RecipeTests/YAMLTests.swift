import LaminaFormats
import Testing

@testable import LaminaRecipe

/// The YAML below the recipes: the core schema of 1.2, places, refusals, and writing.
@Suite struct YAMLTests {
    func json(_ text: String) throws -> JSON? { try YAMLParser.parse(Array(text.utf8), file: "f")?.json }

    @Test(
        arguments: [
            ("", .null), ("~", .null), ("null", .null), ("Null", .null), ("true", true), ("False", false),
            ("TRUE", true),
            ("yes", "yes"), ("no", "no"), ("on", "on"), ("off", "off"), ("nULL", "nULL"),
            ("0", 0), ("-7", -7), ("+7", 7), ("010", 10), ("0o17", 15), ("0x1F", 31), ("0b11", "0b11"),
            ("1_000", "1_000"),
            ("0o8", "0o8"), ("0x", "0x"), ("-0x1F", "-0x1F"), ("9223372036854775807", .integer(.max)),
            ("-9223372036854775808", .integer(.min)),
            ("1.5", 1.5), ("1e-3", 1e-3), ("1.0E+3", 1000.0), (".5", 0.5), ("5.", 5.0), ("-1.5e2", -150.0),
            ("1e", "1e"),
            (".", "."), ("e5", "e5"), ("1.2.3", "1.2.3"), ("12:30", "12:30"), ("2026-11-20", "2026-11-20"), ("-", "-"),
            ("'1'", "1"), ("\"true\"", "true"), ("|\n  a\n  b\n", "a\nb\n"), ("\"\\u00e9\"", "é"), ("é", "é"),
        ] as [(String, JSON)])
    func scalars(text: String, value: JSON) throws {
        // "-" alone would begin a list.
        #expect(try json("a: " + (text == "-" ? "'-'" : text)) == ["a": value])
    }

    @Test func placesAreOfTheFile() throws {
        let root = try #require(try YAMLParser.parse(Array("a: 1\nbé: [x,\n  {c: d}]\n".utf8), file: "f"))
        let entries = try #require(root.entries)
        #expect((entries[1].place.line, entries[1].place.column) == (2, 1))
        guard case .list(let nodes) = entries[1].value.content else { return #expect(Bool(false), "no list") }
        #expect((nodes[0].place.line, nodes[0].place.column) == (2, 6))
        let inner = try #require(nodes[1].entries?.first)
        #expect((inner.value.place.line, inner.value.place.column) == (3, 7))
    }

    @Test(
        arguments: [
            (
                "a: &x 1",
                "f:1:4: '&x' is an anchor, which is not taken here: put quotes around a text that begins with "
                    + "'&', or write the value again where it is needed"
            ),
            (
                "match: *.bias",
                "f:1:9: this is no YAML: did not find expected alphabetic or numeric character while scanning an "
                    + "alias; put quotes around a text that begins with '*' or '&'"
            ),
            (
                "a: *x",
                "f:1:4: '*x' is an alias, which is not taken here: put quotes around a text that begins with "
                    + "'*', or write the value again"
            ),
            (
                "a: !!str 1",
                "f:1:4: 'tag:yaml.org,2002:str' is a tag, which is not taken here: put quotes around a text "
                    + "that begins with '!'"
            ),
            (
                "a: !x [1]",
                "f:1:4: '!x' is a tag, which is not taken here: put quotes around a text that begins with '!'"
            ),
            ("a: 1\nb: 2\na: 3", "f:3:1: the key 'a' stands twice here, first in line 1; keep one"),
            ("{a: 1, \"\\x61\": 2}", "f:1:8: the key 'a' stands twice here, first in line 1; keep one"),
            ("a: 1\n---\nb: 2", "f:2:1: a second document begins here; keep one"),
            ("? [1]\n: 2", "f:1:3: a key is a text, got a list"),
            ("? {a: 1}\n: 2", "f:1:3: a key is a text, got a mapping"),
            ("a: .inf", "f:1:4: .inf is no finite number; a recipe holds finite numbers only"),
            ("a: -.INF", "f:1:4: -.INF is no finite number; a recipe holds finite numbers only"),
            ("a: .nan", "f:1:4: .nan is no finite number; a recipe holds finite numbers only"),
            ("a: 1e999", "f:1:4: 1e999 is beyond the finite numbers"),
            (
                "a: 9223372036854775808",
                "f:1:4: 9223372036854775808 is beyond 64-bit integers; put quotes around it if it is a text"
            ),
            (
                "a: b: c",
                "f:1:5: this is no YAML: mapping values are not allowed in this context; write a mapping below "
                    + "its key, indented, or in braces, and put a text with ': ' in quotes"
            ),
            (
                "a:\n\t- b",
                "f:2:1: this is no YAML: found character that cannot start any token while scanning for the next "
                    + "token; indent with spaces, not with tabs"
            ),
            (
                "a: @b",
                "f:1:4: this is no YAML: found character that cannot start any token while scanning for the next "
                    + "token; put quotes around a text that begins with '@'"
            ),
            (
                "[1, 2",
                "f:2:1: this is no YAML: did not find expected ',' or ']' while parsing a flow sequence that "
                    + "begins in line 1"
            ),
            ("a: 'b", "f:1:6: this is no YAML: found unexpected end of stream while scanning a quoted scalar"),
            (
                "a: 1\nb: 'c\n d",
                "f:3:3: this is no YAML: found unexpected end of stream while scanning a quoted scalar that "
                    + "begins in line 2"
            ),
            ("a: \u{1}", "f:1:4: this is no text in UTF-8: control characters are not allowed"),
            (String(repeating: "[", count: 100), "f:1:65: lists and mappings nest deeper than 64 levels"),
            (String(repeating: "- ", count: 100), "f:1:129: lists and mappings nest deeper than 64 levels"),
            (String(repeating: "{a: ", count: 100), "f:1:257: lists and mappings nest deeper than 64 levels"),
        ] as [(String, String)])
    func refusals(text: String, expected: String) {
        #expect(message { _ = try json(text) } == expected)
    }

    @Test func bytesThatAreNoText() {
        #expect(
            message { _ = try YAMLParser.parse(Array("a: é\nb: ".utf8) + [0xFF], file: "f") }
                == "f:2:4: this is no text in UTF-8: invalid leading UTF-8 octet")
        #expect(
            message { _ = try YAMLParser.parse([0x7F, 0x45, 0x4C, 0x46, 2, 1, 1, 0], file: "f") }
                == "f:1:1: this is no text in UTF-8: control characters are not allowed")
        #expect(
            message { _ = try YAMLParser.parse([UInt8](repeating: UInt8(ascii: "#"), count: 10 << 20), file: "f") }
                == "f: the recipe has 10485760 bytes, at most 4194304 are allowed")
    }

    @Test func emptyTexts() throws {
        #expect(try json("") == nil)
        #expect(try json("# nothing\n") == nil)
        #expect(try json("\u{FEFF}a: 1") == ["a": 1])
        #expect(try json("---\n") == .null)
    }

    /// A text at the limit of size is read in a time that grows with its length alone.
    @Test func largeTexts() throws {
        let list = "a: [" + String(repeating: "1, ", count: 1_000_000) + "2]"
        guard case .array(let elements)? = try json(list)?["a"] else { return #expect(Bool(false), "no list") }
        #expect(elements.count == 1_000_001)
        let keys = (0..<200_000).map { "k\($0): 1\n" }.joined()
        guard case .object(let object)? = try json(keys) else { return #expect(Bool(false), "no mapping") }
        #expect(object.count == 200_000)
    }

    @Test(
        arguments: [
            .null, true, 1, -1.5, 1e300, "", "plain", "null", "true", "1", "1.5", "- a", "a: b", "#c", "*.bias",
            "é\u{85}\u{2028}",
            "\u{7F}\u{FEFF}\u{FFFF}", "a\nb\t\"c\"\\", " padded ", "/path/to.file", [], [:], ["a": [:], "b": []],
            [1, "x", nil, [1, [2, ["a": 3]]]], ["a": ["b": ["c": ["d", ["e": 1]]]]],
            [["a": 1, "b": 2], ["c": [["d": nil]]]],
            ["x.y": ["z": .string(String(repeating: "long ", count: 50))], "other": [[], [[]], [:]]],
        ] as [JSON])
    func writtenTextReadsBack(value: JSON) throws {
        for wrapped in [value, ["key": value], [value, value], ["a": ["b": ["c": value]]]] as [JSON] {
            let text = YAMLWriter.text(wrapped)
            #expect(try json(text) == wrapped, "\(text)")
        }
    }

    @Test func writtenTextIsForOlderReadersToo() throws {
        let value: JSON = ["a": 1e-8, "b": 1e300, "c": ["yes", "Off", "n", "yesterday"], "d": 1.5]
        let text = YAMLWriter.text(value)
        #expect(text == "a: 1.0e-08\nb: 1.0e+300\nc: [\"yes\", \"Off\", \"n\", yesterday]\nd: 1.5\n")
        #expect(try json(text) == value)
    }

    @Test func writtenTextIsForPeople() throws {
        let value = try JSON.parse(
            #"{"a":1,"list":[1,2],"layers":["x.y",{"x.z":{"units":3},"name":"net"},{"x.w":{"deep":{"a":1}}}],"m":{"k":"v"}}"#
        )
        #expect(
            YAMLWriter.text(value) == """
                a: 1
                list: [1, 2]
                layers:
                  - x.y
                  - x.z: { units: 3 }
                    name: net
                  - x.w:
                      deep: { a: 1 }
                m:
                  k: v

                """)
    }
}
