import LaminaFormats
import LaminaSDK

extension AttributeSchema {
    /// The value that a JSON value means for this attribute; nil: absent, because it is null and may be.
    ///
    /// The most exact accepted type wins: an integer is `integer`, else `real`, else a list of one. Throws
    /// `AttributeError` when no accepted type fits, or a bound, choice or count is missed.
    public func value(_ json: JSON) throws(AttributeError) -> AttributeValue? {
        switch json {
        case .null:
            if defaultJSON == "null" { return nil }
            throw wrongType(json)
        case .bool(let value):
            guard accepted.contains(.bool) else { throw wrongType(json) }
            return .bool(value)
        case .integer, .number, .string:
            if let value = try scalar(json) { return value }
            return try list([json], given: json)
        case .array(let elements):
            return try list(elements, given: json)
        case .object:
            throw wrongType(json)
        }
    }

    private func scalar(_ json: JSON) throws(AttributeError) -> AttributeValue? {
        switch json {
        case .integer(let value) where accepted.contains(.integer):
            return .integer(Int(try bounded(value)))
        case .integer(let value) where accepted.contains(.real):
            return .real(Double(try bounded(value)))
        case .number(let value) where accepted.contains(.real):
            return .real(try bounded(value))
        case .string(let value) where accepted.contains(.string):
            return .string(try chosen(value))
        default:
            return nil
        }
    }

    /// `given` is what stands in the recipe; a lone scalar arrives as a list of one.
    private func list(_ elements: [JSON], given: JSON) throws(AttributeError) -> AttributeValue {
        let isLone = if case .array = given { false } else { true }
        guard let type = listType(of: elements) else { throw wrongElement(elements, given) }
        guard countRange.contains(elements.count) else {
            throw AttributeError(
                .count, name,
                "\(name): wanted \(requirement), got \(isLone ? Self.text(given) : "\(elements.count) values")")
        }
        var integers: [Int] = []
        var reals: [Double] = []
        var strings: [String] = []
        for (index, element) in elements.enumerated() {
            let position = isLone ? nil : index
            switch (type, element) {
            case (.integers, .integer(let value)): integers.append(Int(try bounded(value, at: position)))
            case (.reals, .integer(let value)): reals.append(Double(try bounded(value, at: position)))
            case (.reals, .number(let value)): reals.append(try bounded(value, at: position))
            case (.strings, .string(let value)): strings.append(try chosen(value, at: position))
            default: throw wrongElement(elements, given)
            }
        }
        return type == .integers ? .integers(integers) : type == .reals ? .reals(reals) : .strings(strings)
    }

    /// The accepted list type that fits every element.
    private func listType(of elements: [JSON]) -> AttributeTypes? {
        [.integers, .reals, .strings].first { type in
            accepted.contains(type) && elements.allSatisfy { Self.fits($0, type) }
        }
    }

    private static func fits(_ element: JSON, _ type: AttributeTypes) -> Bool {
        switch element {
        case .integer: type == .integers || type == .reals
        case .number: type == .reals
        case .string: type == .strings
        default: false
        }
    }

    /// Names the first element that fits no accepted list type, when that is what is wrong.
    private func wrongElement(_ elements: [JSON], _ given: JSON) -> AttributeError {
        guard case .array = given, !accepted.isDisjoint(with: [.integers, .reals, .strings]),
            let index = elements.firstIndex(where: { element in
                [AttributeTypes.integers, .reals, .strings].allSatisfy {
                    !accepted.contains($0) || !Self.fits(element, $0)
                }
            })
        else { return wrongType(given) }
        return AttributeError(
            .wrongType, name, element: index,
            "\(name)[\(index)]: wanted \(requirement), got \(Self.text(elements[index]))")
    }

    private func wrongType(_ json: JSON) -> AttributeError {
        AttributeError(.wrongType, name, "\(name): wanted \(requirement), got \(Self.text(json))")
    }

    private func bounded(_ value: Int64, at index: Int? = nil) throws(AttributeError) -> Int64 {
        guard Double(value) >= minimum, Double(value) <= maximum else { throw outOfRange("\(value)", index) }
        return value
    }

    /// Refuses NaN and infinity too, which no recipe can hold but a plugin's own attributes can.
    private func bounded(_ value: Double, at index: Int? = nil) throws(AttributeError) -> Double {
        guard value.isFinite, value >= minimum, value <= maximum else { throw outOfRange(Self.text(value), index) }
        return value
    }

    private func outOfRange(_ got: String, _ index: Int?) -> AttributeError {
        let wanted = bounds.isEmpty ? " finite" : bounds
        return AttributeError(
            .range, name, element: index,
            "\(name)\(index.map { "[\($0)]" } ?? ""): wanted a number\(wanted), got \(got)")
    }

    private func chosen(_ value: String, at index: Int? = nil) throws(AttributeError) -> String {
        if choices.isEmpty || choices.contains(value) { return value }
        throw AttributeError(
            .choice, name, element: index,
            "\(name)\(index.map { "[\($0)]" } ?? ""): wanted one of \(Self.quoted(choices)), got '\(value)'"
                + Suggestion.question(for: value, among: choices))
    }

    /// A value as an error shows it: short.
    static func text(_ json: JSON) -> String {
        switch json {
        case .null, .array, .object: json.kindName
        case .bool(let value): "\(value)"
        case .integer(let value): "\(value)"
        case .number(let value): "\(value)"
        case .string(let value): "the text '\(value.count > 40 ? value.prefix(40) + "…" : value)'"
        }
    }
}
