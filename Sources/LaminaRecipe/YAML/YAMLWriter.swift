import LaminaFormats

/// Writes a JSON value as YAML for people, so that it reads back as the same.
struct YAMLWriter {
    private(set) var text = ""
    private static let width = 100

    static func text(_ json: JSON) -> String {
        var writer = YAMLWriter()
        writer.write(json, level: 0, isInline: true)
        return writer.text
    }

    /// Writes a value whose first line begins here; `isInline` when something (a "- ") stands on that line already.
    private mutating func write(_ json: JSON, level: Int, isInline: Bool) {
        switch json {
        case .object(let object) where !object.isEmpty:
            for (position, member) in object.members.enumerated() {
                if position > 0 || !isInline { indent(level) }
                text += Self.scalar(member.key) + ":"
                writeValue(member.value, level: level + 1)
            }
        case .array(let elements) where !elements.isEmpty:
            for (position, element) in elements.enumerated() {
                if position > 0 || !isInline { indent(level) }
                text += "-"
                writeElement(element, level: level + 1)
            }
        default:
            text += Self.flow(json) + "\n"
        }
    }

    /// What follows a key and its colon.
    private mutating func writeValue(_ json: JSON, level: Int) {
        if let line = shortLine(json, level) {
            text += " " + line + "\n"
        } else {
            text += "\n"
            write(json, level: level, isInline: false)
        }
    }

    /// What follows a dash.
    private mutating func writeElement(_ json: JSON, level: Int) {
        text += " "
        if let line = shortLine(json, level) {
            text += line + "\n"
        } else {
            write(json, level: level, isInline: true)
        }
    }

    /// The value on one line, when it is a scalar, empty, a list of scalars that fits, or attributes that fit.
    private func shortLine(_ json: JSON, _ level: Int) -> String? {
        switch json {
        case .object(let object) where !object.isEmpty:
            guard level > 1, object.members.allSatisfy({ Self.isFlat($0.value) }) else { return nil }
        case .array(let elements) where !elements.isEmpty:
            guard elements.allSatisfy({ !Self.isContainer($0) }) else { return nil }
        default:
            return Self.flow(json)
        }
        let line = Self.flow(json)
        return line.utf8.count + 2 * level <= Self.width ? line : nil
    }

    private static func isContainer(_ json: JSON) -> Bool {
        switch json {
        case .array, .object: true
        default: false
        }
    }

    /// A scalar, or a list of scalars.
    private static func isFlat(_ json: JSON) -> Bool {
        if case .array(let elements) = json { return elements.allSatisfy { !isContainer($0) } }
        if case .object(let object) = json { return object.isEmpty }
        return true
    }

    private mutating func indent(_ level: Int) { text += String(repeating: "  ", count: level) }

    private static func flow(_ json: JSON) -> String {
        switch json {
        case .object(let object):
            object.isEmpty
                ? "{}"
                : "{ " + object.members.map { scalar($0.key) + ": " + flow($0.value) }.joined(separator: ", ") + " }"
        case .array(let elements): "[" + elements.map(flow).joined(separator: ", ") + "]"
        case .string(let text): scalar(text)
        case .number: number(json.text())
        default: json.text()
        }
    }

    /// With a fraction even before an exponent: readers of YAML 1.1 take 1e-08 for a text.
    private static func number(_ text: String) -> String {
        guard let exponent = text.firstIndex(of: "e"), !text.contains(".") else { return text }
        return text[..<exponent] + ".0" + text[exponent...]
    }

    /// Texts that readers of YAML 1.1 take for booleans.
    private static let oldBooleans: Set<String> = ["y", "n", "yes", "no", "on", "off"]

    /// A text, in quotes unless it is plainly a text.
    private static func scalar(_ text: String) -> String {
        let isPlain =
            text.utf8.first.map { ("a"..."z").contains($0) || ("A"..."Z").contains($0) || $0 == UInt8(ascii: "/") }
            ?? false
            && text.utf8.allSatisfy {
                ("a"..."z").contains($0) || ("A"..."Z").contains($0) || ("0"..."9").contains($0)
                    || [UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "/")].contains($0)
            } && text.utf8.count <= 512
        if isPlain, !oldBooleans.contains(text.lowercased()), case .string? = try? YAMLScalar.value(text) {
            return text
        }
        return quoted(text)
    }

    /// As in JSON, with escapes too for what YAML does not take as it is: control characters, line separators, U+FEFF.
    private static func quoted(_ text: String) -> String {
        var result = "\""
        for character in text.unicodeScalars {
            switch character.value {
            case 0x22: result += "\\\""
            case 0x5C: result += "\\\\"
            case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029, 0xFEFF, 0xFFFE, 0xFFFF:
                let digits = String(character.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(character)
            }
        }
        return result + "\""
    }
}

extension ClosedRange<Unicode.Scalar> {
    fileprivate func contains(_ byte: UInt8) -> Bool { contains(Unicode.Scalar(byte)) }
}
