import CLamina
import LaminaSDK

/// Questions of the form "a is to b as c is to d" in sections, as in word2vec's questions-words.txt.
///
/// A line ": name" begins a section; others hold four words between spaces.
struct AnalogyQuestions {
    struct Section {
        let name: String
        var questions: [[String]] = []
    }

    let sections: [Section]

    init(path: String) throws {
        let text = try TextLines(path: path)
        var sections: [Section] = []
        for (number, line) in text.lines.enumerated() {
            let words = line.split { $0.isWhitespace }.map(String.init)
            if words.isEmpty || line.hasPrefix("#") { continue }
            if words[0].hasPrefix(":") {
                let name = line.drop { $0 == ":" || $0 == " " }.reversed().drop { $0.isWhitespace }.reversed()
                sections.append(Section(name: String(name)))
                continue
            }
            guard words.count == 4 else {
                throw text.fault(number, "wanted four words or ': section', got '\(line)'")
            }
            if sections.isEmpty { sections.append(Section(name: "all")) }
            sections[sections.count - 1].questions.append(words)
        }
        guard sections.contains(where: { !$0.questions.isEmpty }) else {
            throw PluginError.data("'\(path)' holds no questions: wanted lines of four words")
        }
        self.sections = sections
    }

    struct Result: Equatable {
        let section: String
        var questions = 0
        /// Those with a word that is not in the vocabulary; they are not asked.
        var unknown = 0
        var right = 0
    }

    /// The share of questions whose answer is the nearest word to b - a + c, without the three, of the `limit` most
    /// frequent ones. Words that are unknown as they are written are tried in small letters.
    func evaluate(_ vectors: WordVectors, limit: Int, host: Host) throws -> [Result] {
        let units = UnitVectors(vectors, limit: limit, host: host)
        defer { units.deallocate() }
        func find(_ word: String) -> Int? {
            (vectors.words.index(of: word) ?? vectors.words.index(of: word.lowercased())).flatMap {
                $0 < units.count ? $0 : nil
            }
        }
        return try sections.map { section in
            var result = Result(section: section.name, questions: section.questions.count)
            var known: [[Int]] = []
            for question in section.questions {
                let indices = question.compactMap(find)
                if indices.count == 4 { known.append(indices) }
            }
            result.unknown = section.questions.count - known.count
            for first in stride(from: 0, to: known.count, by: UnitVectors.batch) {
                let batch = Array(known[first..<min(first + UnitVectors.batch, known.count)])
                result.right += try units.answers(batch).enumerated().count { $0.element == batch[$0.offset][3] }
                if host.isCancelled { throw PluginError(LAMINA_ERROR_CANCELLED, "cancelled") }
            }
            return result
        }
    }
}
