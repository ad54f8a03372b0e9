import LaminaSDK

/// A model that makes a text of another one, as translation asks it.
public protocol TranslationModel {
    var model: TaskModel { get }
    var source: TokenInput { get }
    var target: TokenInput { get }
    /// Whether texts of different lengths can run side by side: the model is told how many tokens count.
    var takesLengths: Bool { get }
    /// Why attention cannot be drawn, and what to do; nil: it can.
    var attentionFault: String? { get }
    /// Tokens of an answer at most; nil: as many as one wants.
    var longest: Int? { get }
    /// The decoder of sources, tokens per sentence.
    ///
    /// - Parameter capacity: tokens that an answer will have at most, with the one that it begins with.
    func decoder(_ sources: [[Int64]], capacity: Int) throws -> any StepModel
    /// Attention of the tokens of an answer to those of its source.
    func attention(of hypothesis: Hypothesis, to source: [Int64]) throws -> [[AttentionMap.Panel]]
}

extension TranslationModel {
    public var longest: Int? { nil }
}

/// What tasks that translate share: options, texts and pairs from files, greedy or beam search, the answer's rows.
///
/// A family's task makes a `TranslationModel` of its models and hands it to `run`; see `TextGeneration` for the form.
public struct Translation {
    public static let name = "translate"
    public static let documentation =
        "Texts into other texts, by greedy or beam search; measures exact matches on pairs."
    public static let usage = "TEXT…"
    public static let attributes: [AttributeSchema] = [
        .integer("beam", default: 1, 1...1024, "Width of the search; 1 is greedy."),
        .real(
            "length_penalty", default: 0, 0...10, "Alpha of Wu et al. (2016): 0 compares log-probabilities as they are."
        ),
        .integer("n_best", default: 1, 1...1024, "Answers per text, at most the width of the search."),
        .integer("maximum", default: 100, 1...1e6, "Tokens of an answer at most."),
        .path("file", optional: true, "A file with a text per line; with a tab, the answer that is expected follows."),
        .path("attention", optional: true, "An SVG file to draw the first answer's attention to."),
        .integer("batch", default: 64, 1...1e5, "Texts that are decoded side by side."),
    ]

    private let search: (width: Int, penalty: Double, maximum: Int)
    private let best, batch: Int
    private let file, drawing: String?
    private let host: Host

    /// Throws `.attribute` for options that do not go together.
    public init(_ attributes: Attributes, host: Host) throws {
        self.host = host
        search = (attributes.integer("beam"), attributes.real("length_penalty"), attributes.integer("maximum"))
        best = attributes.integer("n_best")
        batch = attributes.integer("batch")
        file = attributes.optionalString("file")
        drawing = attributes.optionalString("attention")
        guard best <= search.width else {
            throw PluginError.attribute("n_best is \(best), but the search keeps \(search.width): raise beam")
        }
    }

    /// Answers with a row per text, or per answer of it; with one more that sums up, when answers were expected.
    public func run(
        _ arguments: [String], _ answer: TaskAnswer, model make: () throws -> any TranslationModel
    ) throws {
        var texts = arguments.map { TranslatedText(source: $0) }
        if let file { texts += try TranslatedText.read(file) }
        guard !texts.isEmpty else { throw PluginError.attribute("there is no text to translate: give some, or --file") }
        let translator = try make()
        let (model, source, target) = (translator.model, translator.source.name, translator.target)
        if drawing != nil, let fault = translator.attentionFault { throw PluginError.attribute("attention: \(fault)") }
        try target.checkSteps("translate")
        guard let begin = target.begin, let end = target.end else {
            throw PluginError.data(
                "the vocabulary of '\(target.name)' has no <bos> or <eos>, with which answers begin and end")
        }
        let sources = try texts.map { try model.encode($0.source, for: source) }
        var search = BeamSearch(begin: [begin], end: end)
        (search.width, search.penalty, search.maximum) = self.search
        search.maximum = min(search.maximum, translator.longest ?? .max)
        (search.forbidden, search.vocabulary) = (target.forbidden, target.vocabulary)
        var found = [[Hypothesis]?](repeating: nil, count: texts.count)
        var (shown, totals) = (0, Totals())
        for group in TokenBatch.groups(sources, together: translator.takesLengths, size: batch) {
            search.keepsWeights = drawing != nil && group.contains(0)
            let decoder = try translator.decoder(group.map { sources[$0] }, capacity: search.maximum)
            let answers = try search.decode(decoder, sentences: group.count) { host.isCancelled }
            for (index, hypotheses) in zip(group, answers) { found[index] = hypotheses }
            if let drawing, let first = found[0]?.first, search.keepsWeights {
                let map = AttentionMap(
                    rows: try first.tokens.map { try model.token($0, for: target.name) },
                    columns: try sources[0].map { try model.token($0, for: source) },
                    panels: try translator.attention(of: first, to: sources[0]))
                try map.write(to: drawing)
                answer.wrote(file: drawing)
            }
            // Answers come in the order of the texts, each as soon as those before it are there.
            while shown < texts.count, let hypotheses = found[shown] {
                try show(texts[shown], hypotheses, model, target.name, answer, &totals)
                found[shown] = nil
                shown += 1
            }
        }
        if totals.pairs > 0 {
            answer.addRow([
                "pairs": .integer(totals.pairs), "exact": .integer(totals.exact),
                "exact_match": .real(Double(totals.exact) / Double(totals.pairs)),
                "mean_log_probability": .real(totals.logProbability / Double(totals.pairs)),
            ])
        }
    }

    /// Of the texts whose answer was expected.
    private struct Totals {
        var pairs = 0
        var exact = 0
        var logProbability = 0.0
    }

    /// The best answers of a text, a row each.
    private func show(
        _ text: TranslatedText, _ hypotheses: [Hypothesis], _ model: TaskModel, _ target: String,
        _ answer: TaskAnswer, _ totals: inout Totals
    ) throws {
        // Tokens are compared, not letters: what the vocabulary makes alike (capitals, blanks) is alike.
        let expected = try text.expected.map { try model.encode(tokensOf: $0, for: target) }
        for (rank, hypothesis) in hypotheses.prefix(best).enumerated() {
            let tokens = hypothesis.isFinished ? hypothesis.tokens.dropLast() : hypothesis.tokens
            let words = try model.decode(tokens, for: target)
            // A text may be cut into tokens in several ways.
            let isExact = try expected.map { try $0 == tokens || $0 == model.encode(tokensOf: words, for: target) }
            if rank == 0, let isExact {
                totals.pairs += 1
                totals.exact += isExact ? 1 : 0
                totals.logProbability += hypothesis.logProbability
            }
            addRow(text, words, hypothesis, rank, isExact ?? false, answer)
        }
    }

    private func addRow(
        _ text: TranslatedText, _ words: String, _ hypothesis: Hypothesis, _ rank: Int, _ isExact: Bool,
        _ answer: TaskAnswer
    ) {
        switch (best > 1, text.expected) {
        case (false, nil):
            answer.addRow([
                "source": .string(text.source), "text": .string(words),
                "log_probability": .real(hypothesis.logProbability),
            ])
        case (true, nil):
            answer.addRow([
                "source": .string(text.source), "rank": .integer(rank + 1), "text": .string(words),
                "log_probability": .real(hypothesis.logProbability),
            ])
        case (_, let expected?):
            answer.addRow([
                "source": .string(text.source), "rank": .integer(rank + 1), "text": .string(words),
                "log_probability": .real(hypothesis.logProbability), "expected": .string(expected),
                "exact": .bool(isExact),
            ])
        }
    }
}
