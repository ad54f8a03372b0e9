import LaminaSDK

/// `lamina task MODEL evaluate wordsim353.tsv`: how well the vectors agree with people.
struct Evaluate: ModelTask {
    static let name = "evaluate"
    static let documentation =
        "Compares with a list of word pairs (WordSim-353, SimLex-999) or of analogies (questions-words)."
    static let attributes: [AttributeSchema] = [
        .string("form", default: "auto", choices: ["auto", "pairs", "analogies"], "auto: by the file's first line"),
        .integer("limit", default: 300_000, 2...1e9, "analogies: only among as many of the most frequent words"),
    ]
    static let usage = "FILE"

    private let form: String
    private let limit: Int
    init(_ attributes: Attributes, host: Host) {
        form = attributes.string("form")
        limit = attributes.integer("limit")
    }

    func run(_ model: TaskModel, _ arguments: [String], _ answer: TaskAnswer) throws {
        guard arguments.count == 1 else { throw PluginError.attribute("got \(arguments.count) files, wanted one") }
        let words = try TrainedWords(model)
        let path = arguments[0]
        let hasAnalogies = form == "auto" ? try Self.looksLikeAnalogies(path) : form == "analogies"
        if hasAnalogies {
            let results = try AnalogyQuestions(path: path).evaluate(words.vectors, limit: limit, host: model.host)
            for result in results { Self.add(result, answer) }
            if results.count > 1 {
                Self.add(
                    results.reduce(into: AnalogyQuestions.Result(section: "all")) {
                        $0.questions += $1.questions
                        $0.unknown += $1.unknown
                        $0.right += $1.right
                    }, answer)
            }
        } else {
            let result = try WordPairs(path: path).evaluate(WordQuestions(words.vectors, host: model.host))
            guard let pearson = result.pearson, let spearman = result.spearman else {
                throw PluginError.data(
                    "'\(path)': of \(result.pairs) pairs \(result.pairs - result.unknown) are in the vocabulary, or all "
                        + "are equally similar: there is nothing to compare")
            }
            answer.addRow([
                "pairs": .integer(result.pairs), "unknown_percent": .real(Self.percent(result.unknown, result.pairs)),
                "pearson": .real(pearson), "spearman": .real(spearman),
            ])
        }
    }

    private static func add(_ result: AnalogyQuestions.Result, _ answer: TaskAnswer) {
        answer.addRow([
            "section": .string(result.section), "questions": .integer(result.questions),
            "unknown_percent": .real(percent(result.unknown, result.questions)),
            "accuracy_percent": .real(percent(result.right, result.questions - result.unknown)),
        ])
    }

    private static func percent(_ part: Int, _ whole: Int) -> Double {
        whole > 0 ? Double(part) / Double(whole) * 100 : 0
    }

    /// A section, or four words with nothing but blanks between them.
    private static func looksLikeAnalogies(_ path: String) throws -> Bool {
        let text = try TextLines(path: path)
        guard let line = text.lines.first(where: { !$0.hasPrefix("#") && !$0.allSatisfy(\.isWhitespace) }) else {
            return false
        }
        if line.hasPrefix(":") { return true }
        if WordPairs.separators.contains(where: { line.contains($0) }) { return false }
        let fields = line.split { $0.isWhitespace }
        return fields.count == 4 && fields.allSatisfy { Double($0) == nil }
    }
}
