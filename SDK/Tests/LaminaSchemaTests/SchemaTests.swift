import CLamina
import LaminaFormats
import LaminaSDK
import Testing

@testable import LaminaSchema

/// Schemas as plugins and plugin.json give them, right and wrong.
@Suite struct SchemaTests {
    static let examples: [AttributeSchema] = [
        .integer("units", 1...100, "Outputs."), .integer("axis", default: nil, "Axis."),
        .real("rate", default: 0.1, 0...1, "Rate."), .bool("bias", default: true, "Bias."),
        .string("mode", default: "same", choices: ["same", "valid"], "Mode."), .path("file", "File."),
        .integers("kernel", default: [3], 1...99, count: 1...3, "Kernel."), .reals("scale", "Scale."),
    ]

    @Test func jsonRoundTrip() throws {
        for schema in Self.examples {
            let copy = try AttributeSchema(json: JSON.parse(schema.json.text()), at: "attribute")
            #expect(copy.json == schema.json)
            #expect(copy.name == schema.name && copy.types == schema.types && copy.isPath == schema.isPath)
            #expect(copy.minimum == schema.minimum && copy.maximum == schema.maximum)
            #expect(copy.choices == schema.choices && copy.countRange == schema.countRange)
            #expect(copy.isRequired == schema.isRequired)
        }
        #expect(
            Self.examples[0].json.text()
                == #"{"name":"units","types":["integer"],"minimum":1.0,"maximum":100.0,"documentation":"Outputs."}"#)
    }

    @Test(arguments: [
        #"{"name":"Units","types":["integer"]}"#, #"{"name":"units","types":[]}"#,
        #"{"name":"units","types":["number"]}"#,
        #"{"name":"units","types":["integer"],"default":"x"}"#, #"{"name":"units","types":["integer"],"minimun":1}"#,
        #"{"name":"units","types":["integer"],"minimum":2,"maximum":1}"#,
        #"{"name":"p","types":["integer"],"path":true}"#,
        #"{"name":"units","types":["integers"],"minimum_count":3,"maximum_count":2}"#, "[]",
    ])
    func badJSON(text: String) {
        #expect(throws: JSONError.self) { try AttributeSchema(json: JSON.parse(text), at: "attribute") }
    }

    func raw() -> lamina_attribute_schema {
        var raw = lamina_attribute_schema()
        raw.struct_size = UInt32(MemoryLayout<lamina_attribute_schema>.size)
        raw.types = LAMINA_ATTRIBUTE_INTEGER
        (raw.minimum, raw.maximum, raw.maximum_count) = (-.infinity, .infinity, .max)
        return raw
    }

    func read(_ raw: lamina_attribute_schema, name: String = "units") throws(AttributeError) -> AttributeSchema {
        var raw = raw
        let characters = Array(name.utf8CString)
        do {
            return try characters.withUnsafeBufferPointer {
                raw.name = $0.baseAddress
                return try withUnsafePointer(to: raw) { try AttributeSchema($0) }
            }
        } catch { throw error as! AttributeError }
    }

    @Test func readsTheCForm() throws {
        let schema = try read(raw())
        #expect(schema.name == "units" && schema.isRequired && schema.documentation.isEmpty)
    }

    @Test func refusesBrokenCForms() {
        var small = raw()
        small.struct_size = 8
        #expect(throws: AttributeError.self) { try read(small) }
        var noTypes = raw()
        noTypes.types = 0
        #expect(throws: AttributeError.self) { try read(noTypes) }
        var bounds = raw()
        bounds.minimum = .nan
        #expect(throws: AttributeError.self) { try read(bounds) }
        var counts = raw()
        counts.minimum_count = -1
        #expect(throws: AttributeError.self) { try read(counts) }
        #expect(throws: AttributeError.self) { try read(raw(), name: "two words") }
        let nameless = raw()
        #expect(throws: AttributeError.self) { try withUnsafePointer(to: nameless) { try AttributeSchema($0) } }
    }

    @Test func refusesMalformedAttributeLists() {
        var list = lamina_attributes(
            struct_size: UInt32(MemoryLayout<lamina_attributes>.size), count: 1, items: nil)
        #expect(throws: AttributeError.self) { try JSONObject(&list) }
        var item = lamina_attribute(name: nil, type: LAMINA_ATTRIBUTE_INTEGER, reserved: 0, count: 1, values: nil)
        withUnsafePointer(to: &item) { item in
            list.items = item
            _ = #expect(throws: AttributeError.self) { try JSONObject(&list) }
        }
        // A text longer than any memory.
        var view = lamina_string(data: UnsafePointer(bitPattern: 64), size: .max)
        withUnsafePointer(to: &view) { view in
            "mode".withCString { name in
                var item = lamina_attribute(
                    name: name, type: LAMINA_ATTRIBUTE_STRING, reserved: 0, count: 1, values: view)
                withUnsafePointer(to: &item) { item in
                    list.items = item
                    _ = #expect(throws: AttributeError.self) { try JSONObject(&list) }
                }
            }
        }
    }

    /// What JSON escapes is escaped in a default.
    @Test func defaultsOfAnyText() throws {
        for text in ["a", "\"", "\\", "\t", "\u{1}", "é\"\\n"] {
            #expect(try AttributeSchema.string("separator", default: text, "").defaultValue() == .string(text))
        }
    }
}
