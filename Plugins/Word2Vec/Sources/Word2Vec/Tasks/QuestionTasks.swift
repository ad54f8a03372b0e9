import LaminaSDK

/// `lamina task MODEL nearest king`: the words with the most similar vectors.
struct Nearest: ModelTask {
    static let name = "nearest"
    static let documentation = "The words nearest to a word, or to the mean of several, by cosine."
    static let attributes: [AttributeSchema] = [.integer("top", default: 10, 1...1e6, "how many")]
    static let usage = "WORD…"

    private let top: Int
    init(_ attributes: Attributes, host: Host) { top = attributes.integer("top") }

    func run(_ model: TaskModel, _ arguments: [String], _ answer: TaskAnswer) throws {
        guard !arguments.isEmpty else { throw PluginError.data("nearest to what? wanted one word or more") }
        let words = try TrainedWords(model)
        let questions = WordQuestions(words.vectors, host: model.host)
        var mean = [Float](repeating: 0, count: words.vectors.dimension)
        var excluded = Set<Int>()
        for word in arguments {
            let (index, vector) = try words.vector(word)
            if let index { excluded.insert(index) }
            let norm = max(vector.reduce(0) { $0 + $1 * $1 }.squareRoot(), .leastNormalMagnitude)
            for j in mean.indices { mean[j] += vector[j] / norm }
        }
        answer.add(questions.nearest(to: mean, top, without: excluded), words.vectors)
    }
}

/// `lamina task MODEL analogy man king woman`: man is to king as woman is to …
struct Analogy: ModelTask {
    static let name = "analogy"
    static let documentation =
        "What is to C as B is to A: the words nearest to B - A + C, or best by products of cosines."
    static let attributes: [AttributeSchema] = [
        .integer("top", default: 5, 1...1e6, "how many"),
        .string("by", default: "sum", choices: ["sum", "product"], "3CosAdd or 3CosMul"),
    ]
    static let usage = "A B C"

    private let top: Int
    private let usesProducts: Bool
    init(_ attributes: Attributes, host: Host) {
        top = attributes.integer("top")
        usesProducts = attributes.string("by") == "product"
    }

    func run(_ model: TaskModel, _ arguments: [String], _ answer: TaskAnswer) throws {
        guard arguments.count == 3 else {
            throw PluginError.attribute(
                "got \(arguments.count) words, wanted three: A B C, as in 'man king woman' for what is to woman as king is "
                    + "to man")
        }
        let words = try TrainedWords(model)
        let indices = try arguments.map { try words.vectors.index($0) }
        let questions = WordQuestions(words.vectors, host: model.host)
        let (a, b, c) = (indices[0], indices[1], indices[2])
        answer.add(
            usesProducts ? questions.analogyByProducts(a, b, c, top) : questions.analogy(a, b, c, top), words.vectors)
    }
}

/// `lamina task MODEL similarity cat dog`: the cosine of two words' vectors.
struct Similarity: ModelTask {
    static let name = "similarity"
    static let documentation = "How similar two words are: the cosine of the angle between their vectors, -1 to 1."
    static let usage = "WORD WORD"

    init(_ attributes: Attributes, host: Host) {}

    func run(_ model: TaskModel, _ arguments: [String], _ answer: TaskAnswer) throws {
        guard arguments.count == 2 else { throw PluginError.attribute("got \(arguments.count) words, wanted two") }
        let words = try TrainedWords(model)
        let vectors = try arguments.map { try words.vector($0).vector }
        answer.addRow(["similarity": .real(Double(WordQuestions.cosine(vectors[0], vectors[1])))])
    }
}

/// `lamina task MODEL doesnt-match breakfast cereal dinner lunch`: the word that is least like the others.
struct DoesntMatch: ModelTask {
    static let name = "doesnt_match"
    static let documentation = "The word that is least like the others: the farthest from the mean of all of them."
    static let usage = "WORD WORD WORD…"

    init(_ attributes: Attributes, host: Host) {}

    func run(_ model: TaskModel, _ arguments: [String], _ answer: TaskAnswer) throws {
        guard arguments.count >= 3 else {
            throw PluginError.attribute(
                "got \(arguments.count) words, wanted three or more, of which one does not match")
        }
        let words = try TrainedWords(model)
        let indices = try arguments.map { try words.vectors.index($0) }
        let agreement = WordQuestions(words.vectors, host: model.host).agreement(indices)
        let worst = agreement.indices.min { agreement[$0] < agreement[$1] }!
        answer.addRow(["word": .string(arguments[worst]), "similarity": .real(Double(agreement[worst]))])
    }
}

extension TaskAnswer {
    /// A row per word: the word and its score.
    func add(_ neighbours: [Neighbour], _ vectors: WordVectors) {
        for neighbour in neighbours {
            addRow(["word": .string(vectors.words[neighbour.index]), "similarity": .real(Double(neighbour.score))])
        }
    }
}
