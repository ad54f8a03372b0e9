import LaminaFormats
import LaminaSDK

extension AttributeSchema: JSONReadable {
    /// The schema as `plugin.json` writes it. What equals the usual (no bounds, any count) is left out.
    ///
    ///     {"name": "units", "types": ["integer"], "minimum": 1, "documentation": "Number of outputs."}
    ///
    /// A required attribute has no "default"; one that is optional and then absent has `null`.
    public var json: JSON {
        var object: JSONObject = ["name": .string(name), "types": .array(accepted.names.map { .string($0) })]
        if let defaultJSON { object["default"] = (try? JSON.parse(defaultJSON)) ?? .string(defaultJSON) }
        if minimum > -.infinity { object["minimum"] = .number(minimum) }
        if maximum < .infinity { object["maximum"] = .number(maximum) }
        if !choices.isEmpty { object["choices"] = .array(choices.map { .string($0) }) }
        if countRange.lowerBound > 0 { object["minimum_count"] = .integer(Int64(countRange.lowerBound)) }
        if countRange.upperBound < Int(Int32.max) { object["maximum_count"] = .integer(Int64(countRange.upperBound)) }
        if isPath { object["path"] = true }
        object["documentation"] = .string(documentation)
        return .object(object)
    }

    /// Reads what `json` writes, strictly: unknown keys and schemas that contradict themselves are refused.
    public init(json: JSON, at path: String) throws(JSONError) {
        var fields = try JSONFields(json, at: path)
        let name: String = try fields.read("name")
        let names: [String] = try fields.read("types")
        guard let types = AttributeTypes(names: names) else {
            let known = Self.quoted(AttributeTypes.all.names)
            throw JSONError(.wrongValue, "unknown type in \(Self.quoted(names)); known are \(known)", path: path)
        }
        let defaultValue: JSON? = try fields.readIfPresent("default")
        let minimum: Double = try fields.readIfPresent("minimum") ?? -.infinity
        let maximum: Double = try fields.readIfPresent("maximum") ?? .infinity
        let choices: [String] = try fields.readIfPresent("choices") ?? []
        let minimumCount: Int = try fields.readIfPresent("minimum_count") ?? 0
        let maximumCount: Int = try fields.readIfPresent("maximum_count") ?? Int(Int32.max)
        let isPath: Bool = try fields.readIfPresent("path") ?? false
        let documentation: String = try fields.readIfPresent("documentation") ?? ""
        try fields.finish()
        guard minimum <= maximum, minimumCount >= 0, minimumCount <= maximumCount, maximumCount <= Int(Int32.max) else {
            throw JSONError(.wrongValue, "the bounds of '\(name)' are no range", path: path)
        }
        self.init(
            name, types: types.rawValue, defaultJSON: defaultValue?.text(), range: minimum...maximum, choices: choices,
            count: minimumCount...maximumCount, isPath: isPath, documentation)
        do {
            try validate()
        } catch {
            throw JSONError(.wrongValue, error.text, path: path)
        }
    }
}
