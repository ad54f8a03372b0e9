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
        var totals = (exact: 0, expected: 0, logProbability: 0.0)
        for group in groups(sources, together: graph.sourceLengths != nil) {
            let decoder = try StepDecoder(model, graph, group.map { sources[$0] }, padding: padding)
            let search = BeamSearch(
                width: search.width, penalty: search.penalty, maximum: search.maximum, keepsWeights: drawing != nil,
                begin: begin, end: end,
                forbidden: [begin, model.special(.padding, for: graph.target) ?? -1])
            let answers = try search.decode(decoder, sentences: group.count) { host.isCancelled }
            for (index, hypotheses) in zip(group, answers) {
                let text = texts[index]
                for (rank, hypothesis) in hypotheses.prefix(best).enumerated() {
                    let tokens = hypothesis.isFinished ? hypothesis.tokens.dropLast() : hypothesis.tokens[...]
                    let words = try model.decode(Array(tokens), for: graph.target)
                    if rank == 0 {
                        totals.logProbability += hypothesis.logProbability
                        if let expected = text.expected {
                            totals.expected += 1
                            if words == expected { totals.exact += 1 }
                        }
                        if let drawing, index == 0 {
                            try draw(model, graph, sources[0], hypothesis, to: drawing)
                            answer.wrote(file: drawing)
                        }
                    }
                    show(text, words, hypothesis, rank, answer)
                }
            }
        }
        if totals.expected > 0 {
            answer.addRow([
                "pairs": .integer(totals.expected), "exact": .integer(totals.exact),
                "exact_match": .real(Double(totals.exact) / Double(totals.expected)),
                "mean_log_probability": .real(totals.logProbability / Double(texts.count)),
            ])
        }
    }

    private func show(_ text: Text, _ words: String, _ hypothesis: Hypothesis, _ rank: Int, _ answer: TaskAnswer) {
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

    /// Indices of texts that are decoded together, in their order; without lengths only those of one length may be.
    private func groups(_ sources: [[Int64]], together: Bool) -> [[Int]] {
        var groups: [[Int]] = []
        for index in sources.indices {
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
        let file: FileMapping
        do {
            file = try FileMapping(path: path)
        } catch {
            throw PluginError.file("\(error)")
        }
        var texts: [Text] = []
        let bytes = file.bytes.bindMemory(to: UInt8.self)
        for (number, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated()
        {
            guard let text = String(validating: line, as: UTF8.self) else {
                throw PluginError.data("\(path), line \(number + 1): this is not UTF-8; save the file as UTF-8")
            }
            let parts = text.split(separator: "\t", omittingEmptySubsequences: false)
            guard parts.count <= 2 else {
                throw PluginError.data("\(path), line \(number + 1): wanted a text, or a text, a tab and its answer")
            }
            // Blank lines are no texts.
            guard parts[0].contains(where: { !$0.isWhitespace }) else { continue }
            texts.append(Text(source: String(parts[0]), expected: parts.count == 2 ? String(parts[1]) : nil))
        }
        return texts
    }
}
