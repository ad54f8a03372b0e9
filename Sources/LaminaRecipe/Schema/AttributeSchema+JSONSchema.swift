import LaminaFormats
import LaminaSDK
import LaminaSchema

extension AttributeSchema {
    /// What JSON Schema says of the attribute's values, with documentation and default for editors.
    var jsonSchema: JSON {
        var alternatives: [JSON] = []
        func add(_ alternative: JSON) {
            if !alternatives.contains(alternative) { alternatives.append(alternative) }
        }
        if accepted.contains(.bool) { add(["type": "boolean"]) }
        if accepted.contains(.integer) { add(number("integer")) }
        if accepted.contains(.real) { add(number("number")) }
        if accepted.contains(.string) { add(string) }
        for (type, item) in [
            (AttributeTypes.integers, number("integer")), (.reals, number("number")), (.strings, string),
        ]
        where accepted.contains(type) {
            // A lone value is a list of one.
            if countRange.contains(1) { add(item) }
            add(list(of: item))
        }
        if defaultJSON == "null" { add(["type": "null"]) }
        var object: JSONObject
        if alternatives.count == 1, case .object(let only) = alternatives[0] {
            object = only
        } else {
            object = ["anyOf": .array(alternatives)]
        }
        if !documentation.isEmpty { object["description"] = .string(documentation) }
        if let defaultJSON, defaultJSON != "null", let value = try? JSON.parse(defaultJSON) {
            object["default"] = value
        }
        return .object(object)
    }

    private func number(_ type: String) -> JSON {
        var object: JSONObject = ["type": .string(type)]
        if minimum > -.infinity { object["minimum"] = Self.json(minimum) }
        if maximum < .infinity { object["maximum"] = Self.json(maximum) }
        return .object(object)
    }

    private var string: JSON {
        choices.isEmpty ? ["type": "string"] : ["enum": .array(choices.map { .string($0) })]
    }

    private func list(of item: JSON) -> JSON {
        var object: JSONObject = ["type": "array", "items": item]
        if countRange.lowerBound > 0 { object["minItems"] = .integer(Int64(countRange.lowerBound)) }
        if countRange.upperBound < Int(Int32.max) { object["maxItems"] = .integer(Int64(countRange.upperBound)) }
        return .object(object)
    }

    /// 3 rather than 3.0.
    private static func json(_ bound: Double) -> JSON { Int64(exactly: bound).map { .integer($0) } ?? .number(bound) }
}
