import LaminaFormats
import Testing

@testable import LaminaRecipe

/// The JSON Schema of recipes, tried with a small validator of the keywords that it uses.
@Suite struct SchemaTests {
    let schema = Recipe.schema(TestCatalogue.registry)

    func faults(_ text: String) throws -> [String] {
        let json = try #require(try YAMLParser.parse(Array(text.utf8), file: "f")?.json)
        return try SchemaValidator(root: schema).faults(json, schema, "recipe")
    }

    @Test(arguments: [
        fullRecipe, model("- test.bend"), model("- test.tower:\n  name: \"\"", rest: "metrics: test.hits"),
        model("- test.join: { sizes: 3 }\n  from: [a, ~, b]", input: "{ a: [T], b: { shape: [1], dtype: uint8 } }"),
    ])
    func rightRecipes(text: String) throws {
        #expect(try faults(text) == [])
        #expect(try faults(parse(text).text()) == [])
    }

    @Test(arguments: [
        "model: { input: [1], layers: [test.bend] }",
        "lamina: 2\nmodel: { input: [1], layers: [test.bend] }",
        "lamina: 1\nmodel: { input: [1], layers: [test.bent] }",
        "lamina: 1\nmodel: { input: [1], layers: [] }",
        "lamina: 1\nmodel: { input: [0], layers: [test.bend] }",
        model("- test.linear"), model("- test.linear: { unit: 1 }"), model("- test.linear: { units: 0 }"),
        model("- test.linear: { units: 1, bias: 1 }"), model("- test.bend:\n  nam: x"),
        model("- test.bend:\n  test.add:"), model("- name: x"), model("- test.join: { sizes: [1, 2, 3, 4] }"),
        model("- test.bend", rest: "loss: { test.squared: { reduction: men } }"),
        model("- test.bend", rest: "train: { epoch: 3 }"), model("- test.bend", rest: "train: { validate: 1 }"),
        model("- test.bend", rest: "data: { train: { reader: test.table } }"),
        model("- test.bend", rest: "data: { train: { reader: test.table, file: x, fil: y } }"),
        model("- test.bend", rest: "optimizer: { test.descent: , groups: [{ decay: 1 }] }"),
        model("- test.bend", rest: "optimizer: { test.descent: , layer_decay: 0 }"),
        model("- test.bend", rest: "optimizer: { test.descent: , layer_decay: 2 }"),
    ])
    func wrongRecipes(text: String) throws {
        #expect(try !faults(text).isEmpty)
    }

    /// Without a plugin nothing can be named, and the schema is still a schema.
    @Test func emptyRegistry() throws {
        let empty = Recipe.schema(.init(folders: []))
        let json = try #require(try YAMLParser.parse(Array(model("- test.bend").utf8), file: "f")?.json)
        #expect(try !SchemaValidator(root: empty).faults(json, empty, "recipe").isEmpty)
    }
}

/// Checks a value against a JSON Schema; an unknown keyword is an error of its own.
struct SchemaValidator {
    let root: JSON
    struct UnknownKeyword: Error { let keyword: String }

    func faults(_ value: JSON, _ schema: JSON, _ path: String) throws -> [String] {
        guard case .object(let object) = schema else { throw UnknownKeyword(keyword: schema.text()) }
        var faults: [String] = []
        func require(_ condition: Bool, _ keyword: String) {
            if !condition { faults.append("\(path): \(keyword)") }
        }
        for (keyword, wanted) in object.members.map({ ($0.key, $0.value) }) {
            switch (keyword, wanted) {
            case ("$schema", _), ("title", _), ("$defs", _), ("description", _), ("default", _): break
            case ("$ref", .string(let reference)):
                let name = String(reference.dropFirst("#/$defs/".count))
                faults += try self.faults(value, root["$defs"]![name]!, path)
            case ("type", .string(let type)): require(Self.has(value, type), "type \(type)")
            case ("type", .array(let types)):
                require(
                    types.contains { if case .string(let type) = $0 { Self.has(value, type) } else { false } }, "type")
            case ("const", _): require(value == wanted, keyword)
            case ("enum", .array(let values)): require(values.contains(value), keyword)
            case ("not", _): require(try !self.faults(value, wanted, path).isEmpty, keyword)
            case ("anyOf", .array(let schemas)):
                require(try schemas.contains { try self.faults(value, $0, path).isEmpty }, keyword)
            case ("oneOf", .array(let schemas)):
                require(try schemas.filter { try self.faults(value, $0, path).isEmpty }.count == 1, keyword)
            case ("minimum", _): if let (a, b) = Self.numbers(value, wanted) { require(a >= b, keyword) }
            case ("maximum", _): if let (a, b) = Self.numbers(value, wanted) { require(a <= b, keyword) }
            case ("exclusiveMinimum", _): if let (a, b) = Self.numbers(value, wanted) { require(a > b, keyword) }
            case ("exclusiveMaximum", _): if let (a, b) = Self.numbers(value, wanted) { require(a < b, keyword) }
            case ("minItems", .integer(let count)):
                if case .array(let items) = value { require(items.count >= count, keyword) }
            case ("maxItems", .integer(let count)):
                if case .array(let items) = value { require(items.count <= count, keyword) }
            case ("minProperties", .integer(let count)):
                if case .object(let given) = value { require(given.count >= count, keyword) }
            case ("required", .array(let keys)):
                guard case .object(let given) = value else { break }
                for case .string(let key) in keys { require(given[key] != nil, "required \(key)") }
            case ("items", _):
                guard case .array(let items) = value else { break }
                for (index, item) in items.enumerated() { faults += try self.faults(item, wanted, "\(path)[\(index)]") }
            case ("properties", .object(let properties)):
                guard case .object(let given) = value else { break }
                for member in given.members {
                    if let schema = properties[member.key] {
                        faults += try self.faults(member.value, schema, "\(path).\(member.key)")
                    }
                }
            case ("additionalProperties", _):
                guard case .object(let given) = value else { break }
                for member in given.members where object["properties"]?[member.key] == nil {
                    if wanted == false {
                        require(false, "unknown \(member.key)")
                    } else {
                        faults += try self.faults(member.value, wanted, "\(path).\(member.key)")
                    }
                }
            default: throw UnknownKeyword(keyword: keyword)
            }
        }
        return faults
    }

    private static func has(_ value: JSON, _ type: String) -> Bool {
        switch value {
        case .null: type == "null"
        case .bool: type == "boolean"
        case .integer: type == "integer" || type == "number"
        case .number(let number): type == "number" || type == "integer" && number == number.rounded()
        case .string: type == "string"
        case .array: type == "array"
        case .object: type == "object"
        }
    }

    private static func numbers(_ a: JSON, _ b: JSON) -> (Double, Double)? {
        guard let a = number(a), let b = number(b) else { return nil }
        return (a, b)
    }

    private static func number(_ json: JSON) -> Double? {
        switch json {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }
}
