import LaminaSchema

/// Which tensors of a file, by another framework's names, hold the values of which parameters.
///
/// ```yaml
/// prefixes: [model.]                          # a file's names may have one of these before them
/// names:
///   first.weight: vocab.weight                # a parameter, and the tensor of the file
///   stage.*.scale: { transposed: h.*.mul }    # for every stage; a matrix of (in, out)
///   stage.*.mix.*: { joined: [h.*.a.*, h.*.b.*] }    # one below the other
///   last.weight: { either: [out.weight, head.weight] }
/// ignored: ["h.*.mask"]                       # tensors that may be left unused
/// copies: { out.tied: vocab.weight }          # the same, but their values have to be those of another tensor
/// ```
///
/// A `*` stands for any run of characters, and in the value for what it stood for in the key.
public struct NameMap: Sendable {
    /// Where the values of one or more parameters come from.
    public struct Rule: Sendable {
        /// Of parameter names.
        public var pattern: String
        public var source: Source
        public var place: Place
    }

    /// What makes the values of one parameter out of tensors of a file.
    public indirect enum Source: Sendable, Equatable {
        case tensor(String)
        /// The rows of a matrix as columns.
        case transposed(Source)
        /// One behind the other along the first axis.
        case joined([Source])
        /// The first one of which all tensors are there.
        case either([Source])

        /// Names of tensors, in order.
        var names: [String] {
            switch self {
            case .tensor(let name): [name]
            case .transposed(let source): source.names
            case .joined(let sources), .either(let sources): sources.flatMap(\.names)
            }
        }

        fileprivate func filled(_ captures: [String]) -> Source {
            switch self {
            case .tensor(let name): .tensor(Self.fill(name, captures))
            case .transposed(let source): .transposed(source.filled(captures))
            case .joined(let sources): .joined(sources.map { $0.filled(captures) })
            case .either(let sources): .either(sources.map { $0.filled(captures) })
            }
        }

        private static func fill(_ name: String, _ captures: [String]) -> String {
            let parts = name.split(separator: "*", omittingEmptySubsequences: false)
            return zip(parts, captures + [""]).map { $0 + $1 }.joined()
        }
    }

    /// A tensor that may be left unused because another has the same values.
    public struct Copy: Sendable {
        public var tensor: String
        public var original: String
    }

    /// Its path as it was given; nil: the names are ours.
    public var file: String?
    public var rules: [Rule] = []
    public var prefixes: [String] = []
    public var ignored: [String] = []
    public var copies: [Copy] = []

    /// The file's names are those of the parameters.
    public static let identity = NameMap(
        file: nil, rules: [Rule(pattern: "*", source: .tensor("*"), place: Place(line: 1, column: 1))])

    /// Where a parameter's values come from, and the place of the rule that says so, as errors name it.
    public func source(of parameter: String) throws(RecipeError) -> (source: Source, place: String)? {
        var found: (rule: Rule, captures: [String])?
        for rule in rules {
            guard let captures = Wildcard.captures(rule.pattern, parameter) else { continue }
            if let found {
                throw rule.place.error(
                    "'\(shortened(rule.pattern))' and '\(shortened(found.rule.pattern))' of line \(found.rule.place.line) "
                        + "both fit the parameter '\(parameter)': keep one", in: file ?? "")
            }
            found = (rule, captures)
        }
        guard let found else { return nil }
        let place = file.map { " (\($0):\(found.rule.place.line))" } ?? ""
        return (found.rule.source.filled(found.captures), place)
    }

    /// What to say of a parameter that no rule fits.
    public func missingRule(for parameter: String, _ shape: [Int]) -> RecipeError {
        var advice = "write one under 'names', or leave the parameter as it begins with --new '\(parameter)'"
        if let dot = parameter.firstIndex(of: ".") {
            let rest = String(parameter[parameter.index(after: dot)...])
            if rules.contains(where: { Wildcard.matches($0.pattern, rest) }) {
                advice =
                    "'\(rest)' has one, so give the recipe's layer '\(parameter[..<dot])' the name \"\", or write "
                    + "'\(parameter[...dot])' before the names of the map"
            }
        }
        return RecipeError(
            file: file ?? "", "no rule fits the parameter '\(parameter)' \(shape): \(advice)")
    }

    /// A name of the file without the prefix that it may have, with those first.
    public func forms(of name: String) -> [String] {
        [name] + prefixes.filter { name.hasPrefix($0) }.map { String(name.dropFirst($0.count)) }
    }
}
