import LaminaSDK

/// Pairs of words with the similarity that people gave them: WordSim-353, SimLex-999 and their like.
///
/// A line holds two words and numbers between tabs, commas, semicolons or, without any of these, spaces; the first number
/// counts. Lines that start with `#`, and a first line without numbers, are passed over.
struct WordPairs {
    struct Pair: Equatable {
        let first: String
        let second: String
        let score: Double
    }

    let pairs: [Pair]

    /// What stands between the fields of a line; without any of these, spaces do.
    static let separators = ["\t", ",", ";"]

    init(path: String) throws {
        let text = try TextLines(path: path)
        var pairs: [Pair] = []
        var isFirst = true
        for (number, line) in text.lines.enumerated() {
            if line.hasPrefix("#") || line.allSatisfy(\.isWhitespace) { continue }
            let separator = Self.separators.first { line.contains($0) } ?? " "
            let fields = line.split(separator: separator).map(Self.trimmed)
            let score = fields.dropFirst(2).lazy.compactMap { Double($0) }.first { $0.isFinite }
            defer { isFirst = false }
            guard fields.count >= 3, let score else {
                if isFirst { continue }
                throw text.fault(number, "wanted two words and a number, as in 'tiger<tab>cat<tab>7.35', got '\(line)'")
            }
            pairs.append(Pair(first: fields[0], second: fields[1], score: score))
        }
        guard pairs.count >= 2 else {
            throw PluginError.data("'\(path)' holds \(pairs.count) pairs of words: wanted two at least")
        }
        self.pairs = pairs
    }

    private static func trimmed(_ field: Substring) -> String {
        String(field.drop { $0 == " " }.reversed().drop { $0 == " " || $0 == "\r" }.reversed())
    }

    /// What comparing the vectors with people gives.
    struct Result {
        var pairs = 0
        /// Pairs of which a word is not in the vocabulary; they count in neither coefficient.
        var unknown = 0
        var pearson: Double?
        var spearman: Double?
    }

    /// A word that is unknown as it is written is tried in small letters.
    func evaluate(_ questions: WordQuestions) -> Result {
        let words = questions.vectors.words
        func find(_ word: String) -> Int? { words.index(of: word) ?? words.index(of: word.lowercased()) }
        var (people, cosines): ([Double], [Double]) = ([], [])
        for pair in pairs {
            guard let first = find(pair.first), let second = find(pair.second) else { continue }
            people.append(pair.score)
            cosines.append(Double(questions.similarity(first, second)))
        }
        return Result(
            pairs: pairs.count, unknown: pairs.count - people.count, pearson: Correlation.pearson(people, cosines),
            spearman: Correlation.spearman(people, cosines))
    }
}
