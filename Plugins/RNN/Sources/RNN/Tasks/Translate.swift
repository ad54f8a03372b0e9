import LaminaFormats
import LaminaSDK

/// Sequences from sequences with a model of `rnn.encoder_decoder`: greedy or by beam search; attention as a drawing.
struct Translate: ModelTask {
    static let name = "translate"
    static let documentation = "Texts into other texts, by greedy or beam search; measures exact matches on pairs."
    static let usage = "TEXT…"
    static let attributes: [AttributeSchema] = [
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

    init(_ attributes: Attributes, host: Host) throws {
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

    private struct Text {
        var source: String
        var expected: String?
    }

    func run(_ model: TaskModel, _ arguments: [String], _ answer: TaskAnswer) throws {
        var texts = arguments.map { Text(source: $0) }
        if let file { texts += try Self.read(file) }
        guard !texts.isEmpty else { throw PluginError.attribute("there is no text to translate: give some, or --file") }
        let graph = try DecoderGraph(GraphView(model))
        guard drawing == nil || graph.weights != nil else {
            throw PluginError.attribute("attention: the model has none to draw (context: attention has)")
        }
        guard let begin = model.special(.begin, for: graph.target), let end = model.special(.end, for: graph.target)
        else {
            throw PluginError.data(
                "the vocabulary of '\(graph.target)' has no <bos> or <eos>, with which answers begin and end")
        }
        let padding = model.special(.padding, for: graph.source) ?? 0
        let sources = try texts.map { try model.encode($0.source, for: graph.source) }
        var search = BeamSearch(
            width: search.width, penalty: search.penalty, maximum: search.maximum, begin: begin, end: end,
            forbidden: [begin, model.special(.padding, for: graph.target) ?? -1],
            vocabulary: model.vocabularySize(for: graph.target) ?? .max)
        var found = [[Hypothesis]?](repeating: nil, count: texts.count)
        var (shown, totals) = (0, Totals())
        for group in groups(sources, together: graph.sourceLengths != nil) {
            let decoder = try StepDecoder(model, graph, group.map { sources[$0] }, padding: padding)
            search.keepsWeights = drawing != nil && group.contains(0)
            let answers = try search.decode(decoder, sentences: group.count) { host.isCancelled }
            for (index, hypotheses) in zip(group, answers) { found[index] = hypotheses }
            if let drawing, let first = found[0]?.first, search.keepsWeights {
                try draw(model, graph, sources[0], first, to: drawing)
                answer.wrote(file: drawing)
            }
            // Answers come in the order of the texts, each as soon as those before it are there.
            while shown < texts.count, let hypotheses = found[shown] {
                try show(texts[shown], hypotheses, answer, &totals) { try model.decode($0, for: graph.target) }
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
        _ text: Text, _ hypotheses: [Hypothesis], _ answer: TaskAnswer, _ totals: inout Totals,
        decode: ([Int64]) throws -> String
    ) throws {
        for (rank, hypothesis) in hypotheses.prefix(best).enumerated() {
            let words = try decode(hypothesis.isFinished ? hypothesis.tokens.dropLast() : hypothesis.tokens)
            if rank == 0, let expected = text.expected {
                totals.pairs += 1
                totals.exact += words == expected ? 1 : 0
                totals.logProbability += hypothesis.logProbability
            }
            addRow(text, words, hypothesis, rank, answer)
        }
    }

    private func addRow(_ text: Text, _ words: String, _ hypothesis: Hypothesis, _ rank: Int, _ answer: TaskAnswer) {
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
                "exact": .bool(words == expected),
            ])
        }
    }

    /// Indices of texts that are decoded together. Where the model is not told their lengths, these have to be the same.
    private func groups(_ sources: [[Int64]], together: Bool) -> [[Int]] {
        var order = Array(sources.indices)
        if !together { order.sort { (sources[$0].count, $0) < (sources[$1].count, $1) } }
        var groups: [[Int]] = []
        for index in order {
            if let last = groups.last, last.count < batch,
                together || sources[last[0]].count == sources[index].count
            {
                groups[groups.count - 1].append(index)
            } else {
                groups.append([index])
            }
        }
        return groups
    }

    private func draw(
        _ model: TaskModel, _ graph: DecoderGraph, _ source: [Int64], _ hypothesis: Hypothesis, to path: String
    ) throws {
        let map = AttentionMap(
            rows: try hypothesis.tokens.map { try model.token($0, for: graph.target) },
            columns: try source.map { try model.token($0, for: graph.source) }, weights: hypothesis.weights)
        try map.write(to: path)
    }

    private static func read(_ path: String) throws -> [Text] {
        var texts: [Text] = []
        do {
            try FileMapping(path: path).forEachLine { number, line in
                // Blank lines are no texts.
                guard line.contains(where: { !$0.isWhitespace }) else { return }
                let parts = line.split(separator: "\t", omittingEmptySubsequences: false)
                guard parts.count <= 2 else {
                    throw PluginError.data("\(path), line \(number): wanted a text, or a text, a tab and its answer")
                }
                guard parts[0].contains(where: { !$0.isWhitespace }) else {
                    throw PluginError.data("\(path), line \(number): there is no text before the tab")
                }
                texts.append(Text(source: String(parts[0]), expected: parts.count == 2 ? String(parts[1]) : nil))
            }
        } catch let error as FileError {
            throw PluginError.file("\(error)")
        }
        return texts
    }
}
