import LaminaFormats

/// A version of three numbers, as in semantic versioning without pre-releases.
public struct SemanticVersion: Comparable, Hashable, Sendable, CustomStringConvertible {
    public var major: Int
    public var minor: Int
    public var patch: Int

    public init(_ major: Int, _ minor: Int, _ patch: Int) {
        (self.major, self.minor, self.patch) = (major, minor, patch)
    }

    /// Reads "1.2.3"; nil for anything else.
    public init?(_ text: some StringProtocol) {
        guard let numbers = versionNumbers(text, count: 3) else { return nil }
        self.init(numbers[0], numbers[1], numbers[2])
    }

    public var description: String { "\(major).\(minor).\(patch)" }

    public static func < (left: Self, right: Self) -> Bool {
        (left.major, left.minor, left.patch) < (right.major, right.minor, right.patch)
    }
}

/// A version of the plugin ABI, such as 1.0.
public struct ABIVersion: Comparable, Hashable, Sendable, CustomStringConvertible {
    public var major: Int
    public var minor: Int

    public init(_ major: Int, _ minor: Int) { (self.major, self.minor) = (major, minor) }

    public var description: String { "\(major).\(minor)" }

    public static func < (left: Self, right: Self) -> Bool { (left.major, left.minor) < (right.major, right.minor) }
}

/// The versions of a plugin that will do: bounds that all must hold, such as ">=1.2.0 <2.0.0".
public struct VersionRange: Equatable, Sendable, CustomStringConvertible {
    /// One bound.
    public struct Bound: Equatable, Sendable {
        public enum Relation: String, CaseIterable, Sendable {
            // The longer spellings first, so that a prefix match finds them.
            case atLeast = ">="
            case atMost = "<="
            case above = ">"
            case below = "<"
            case exactly = "="
        }
        public var relation: Relation
        public var version: SemanticVersion
    }

    public var bounds: [Bound]

    public init(_ bounds: [Bound]) { self.bounds = bounds }

    /// From `version` to the next one that may break: the next major, or below 1.0.0 the next minor.
    public init(compatibleWith version: SemanticVersion) {
        let end =
            version.major > 0 ? SemanticVersion(version.major + 1, 0, 0) : SemanticVersion(0, version.minor + 1, 0)
        bounds = [Bound(relation: .atLeast, version: version), Bound(relation: .below, version: end)]
    }

    /// Reads bounds that are separated by single spaces; nil for anything else.
    public init?(_ text: String) {
        bounds = []
        for part in text.split(separator: " ", omittingEmptySubsequences: false) {
            guard let relation = Bound.Relation.allCases.first(where: { part.hasPrefix($0.rawValue) }),
                let version = SemanticVersion(part.dropFirst(relation.rawValue.count))
            else { return nil }
            bounds.append(Bound(relation: relation, version: version))
        }
    }

    public func contains(_ version: SemanticVersion) -> Bool {
        bounds.allSatisfy {
            switch $0.relation {
            case .atLeast: version >= $0.version
            case .atMost: version <= $0.version
            case .above: version > $0.version
            case .below: version < $0.version
            case .exactly: version == $0.version
            }
        }
    }

    public var description: String { bounds.map { "\($0.relation.rawValue)\($0.version)" }.joined(separator: " ") }
}

extension VersionRange: JSONReadable {
    public init(json: JSON, at path: String) throws(JSONError) {
        guard let range = VersionRange(try String(json: json, at: path)) else {
            throw JSONError(.wrongValue, "wanted version bounds such as \">=1.2.0 <2.0.0\"", path: path)
        }
        self = range
    }
}

extension ABIVersion: JSONReadable {
    public init(json: JSON, at path: String) throws(JSONError) {
        guard let numbers = versionNumbers(try String(json: json, at: path), count: 2) else {
            throw JSONError(.wrongValue, "wanted an ABI version such as \"1.0\"", path: path)
        }
        self.init(numbers[0], numbers[1])
    }
}

/// Numbers of up to 9 digits between dots, without signs and leading zeros.
private func versionNumbers(_ text: some StringProtocol, count: Int) -> [Int]? {
    let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard parts.count == count else { return nil }
    var numbers: [Int] = []
    for part in parts {
        guard (1...9).contains(part.count), part.allSatisfy({ (0x30...0x39).contains($0) }),
            part.count == 1 || part.first != 0x30
        else { return nil }
        numbers.append(part.reduce(0) { $0 * 10 + Int($1 - 0x30) })
    }
    return numbers
}
