import CLamina
import LaminaFormats
import LaminaSDK
import Testing

@testable import LaminaSchema

/// Values, defaults and promotions that a schema makes of JSON.
@Suite struct BindingTests {
    let schema: [AttributeSchema] = [
        .integer("units", 1...4096, "How many outputs."),
        .bool("bias", default: true, "Whether to add a bias."),
        .real("rate", default: 0.5, 0...1, "Rate."),
        .integer("axis", default: nil, "Axis."),
        .init(
            "padding", types: LAMINA_ATTRIBUTE_STRING | LAMINA_ATTRIBUTE_INTEGERS, defaultJSON: "\"same\"",
            range: 0...9,
            choices: ["same", "valid"], count: 1...2, "Padding."),
        .reals("means", default: [0.5], "Means."),
    ]

    func bind(_ given: JSONObject) throws(AttributeError) -> AttributeSet { try AttributeSet.bind(schema, given) }

    @Test func defaultsAreFilledInAndAbsentOnesLeftOut() throws {
        let set = try bind(["units": 10])
        #expect(set.values.map(\.name) == ["units", "bias", "rate", "padding", "means"])
        #expect(set["units"] == .integer(10))
        #expect(set["bias"] == .bool(true))
        #expect(set["rate"] == .real(0.5))
        #expect(set["axis"] == nil)
        #expect(set["padding"] == .string("same"))
        #expect(set.json.keys == ["units", "bias", "rate", "padding", "means"])
    }

    @Test func promotions() throws {
        let set = try bind(["units": 1, "rate": 1, "padding": 3, "means": 2])
        #expect(set["rate"] == .real(1))
        #expect(set["padding"] == .integers([3]))
        #expect(set["means"] == .reals([2]))
        #expect(try bind(["units": 1, "means": [1, 0.25]])["means"] == .reals([1, 0.25]))
        #expect(try bind(["units": 1, "means": []])["means"] == .reals([]))
        #expect(try bind(["units": 1, "axis": nil])["axis"] == nil)
    }

    /// What arrives through the C form is what the plugin's accessors give.
    @Test func rawFormReadsBack() throws {
        let set = try bind(["units": 7, "padding": [1, 2], "means": [0.25, -1], "axis": -1])
        let attributes = Attributes(set.raw)
        #expect(attributes.integer("units") == 7)
        #expect(attributes.bool("bias"))
        #expect(attributes.real("rate") == 0.5)
        #expect(attributes.optionalString("padding") == nil)
        #expect(attributes.integers("padding") == [1, 2])
        #expect(attributes.reals("means") == [0.25, -1])
        #expect(attributes.integer("axis") == -1)
        #expect(try JSONObject(set.raw) == set.json)
    }

    @Test func pathsBecomeAbsolute() throws {
        let schema: [AttributeSchema] = [.path("file", "A file."), .path("labels", optional: true, "Labels.")]
        let set = try AttributeSet.bind(schema, ["file": "a/b.csv"], pathsRelativeTo: "/data")
        #expect(set["file"] == .string("/data/a/b.csv"))
        #expect(set["labels"] == nil)
        #expect(try AttributeSet.bind(schema, ["file": "/x"], pathsRelativeTo: "/data")["file"] == .string("/x"))
    }

    @Test(
        arguments: [
            (
                ["units": 1, "unit": 2], AttributeError.Reason.unknown,
                "unknown attribute 'unit'; did you mean 'units'?"
            ),
            (
                ["units": 1, "whatever": 2], .unknown,
                "unknown attribute 'whatever'; known are 'units', 'bias', 'rate', 'axis', 'padding', 'means'"
            ),
            ([:], .missing, "missing attribute 'units', an integer from 1 to 4096: How many outputs."),
            (["units": 0], .range, "units: wanted a number from 1 to 4096, got 0"),
            (["units": 2.5], .wrongType, "units: wanted an integer from 1 to 4096, got 2.5"),
            (["units": "ten"], .wrongType, "units: wanted an integer from 1 to 4096, got the text 'ten'"),
            (["units": nil], .wrongType, "units: wanted an integer from 1 to 4096, got null"),
            (["units": [1]], .wrongType, "units: wanted an integer from 1 to 4096, got an array"),
            (["units": 1, "bias": 1], .wrongType, "bias: wanted true or false, got 1"),
            (["units": 1, "rate": 1.5], .range, "rate: wanted a number from 0 to 1, got 1.5"),
            (["units": 1, "rate": .number(.nan)], .range, "rate: wanted a number from 0 to 1, got nan"),
            (
                ["units": 1, "padding": "sane"], .choice,
                "padding: wanted one of 'same', 'valid', got 'sane'; did you mean 'same'?"
            ),
            (
                ["units": 1, "padding": [1, 2, 3]], .count,
                "padding: wanted one of 'same', 'valid' or a list of 1 to 2 integers from 0 to 9, got 3 values"
            ),
            (["units": 1, "padding": [1, -2]], .range, "padding[1]: wanted a number from 0 to 9, got -2"),
            (
                ["units": 1, "padding": [1, "x"]], .wrongType,
                "padding[1]: wanted one of 'same', 'valid' or a list of 1 to 2 integers from 0 to 9, got the text 'x'"
            ),
            (["units": 1, "means": ["a"]], .wrongType, "means[0]: wanted a list of numbers, got the text 'a'"),
            (["units": 1, "means": [:]], .wrongType, "means: wanted a list of numbers, got an object"),
        ] as [(JSONObject, AttributeError.Reason, String)])
    func errors(given: JSONObject, reason: AttributeError.Reason, text: String) {
        let error = #expect(throws: AttributeError.self) { try bind(given) }
        #expect(error?.reason == reason)
        #expect(error?.text == text)
    }

    @Test func errorsNameTheElement() {
        let error = #expect(throws: AttributeError.self) { try bind(["units": 1, "padding": [1, -2]]) }
        #expect(error?.attribute == "padding")
        #expect(error?.element == 1)
    }

    @Test func suggestions() {
        #expect(Suggestion.closest(to: "learning-rate", among: ["momentum", "learning_rate"]) == "learning_rate")
        #expect(Suggestion.closest(to: "kernle", among: ["kernel", "stride"]) == "kernel")
        #expect(Suggestion.closest(to: "zzz", among: ["kernel", "stride"]) == nil)
        #expect(Suggestion.closest(to: "", among: ["kernel"]) == nil)
    }
}
