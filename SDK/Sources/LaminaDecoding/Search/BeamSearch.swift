import LaminaSDK

/// Greedy and beam search over a model that runs step by step; sentences of a batch side by side.
///
/// The beam keeps, beside its `width` best beginnings, the greedy one for as long as it can get among the answers, so that
/// the best answer is never less probable than the greedy one (with `penalty` 0): cutting beginnings off alone does not
/// promise that.
public struct BeamSearch {
    public var width = 1
    /// α of `Hypothesis.score`.
    public var penalty = 0.0
    /// Tokens at most, with the one that ends.
    public var maximum = 100
    public var keepsWeights = false
    /// What every sentence begins with, at least one token: `<bos>`, or the tokens of a text to go on from.
    public let begin: [Int64]
    /// The token that ends an answer; nil: there is none.
    public let end: Int64?
    /// Never chosen: padding and the like.
    public var forbidden: [Int64] = []
    /// Tokens that there are; logits for more stand for none.
    public var vocabulary = Int.max
    /// Whether a hypothesis is at its end without the token for it; nil: none is.
    public var isComplete: ((Hypothesis) throws -> Bool)?

    public init(begin: [Int64], end: Int64?) {
        precondition(!begin.isEmpty, "a sentence begins with a token")
        (self.begin, self.end) = (begin, end)
    }

    /// A beginning that is continued, and the row of the decoder that has its states.
    private struct Live {
        var hypothesis: Hypothesis
        var row: Int
        var isGreedy: Bool
    }

    private struct Sentence {
        var live: [Live]
        var finished: [Hypothesis] = []
        var greedy: Hypothesis?
    }

    /// The best hypotheses of each sentence, best first, `width` at most. Throws `.data` for a sentence that has none.
    public func decode(
        _ model: any StepModel, sentences count: Int, cancelled: () -> Bool
    ) throws -> [[Hypothesis]] {
        var sentences = (0..<count).map {
            Sentence(live: [Live(hypothesis: Hypothesis(), row: $0, isGreedy: true)])
        }
        for step in 1...max(maximum, 1) {
            if cancelled() { throw PluginError.cancelled }
            var (tokens, rows): ([[Int64]], [Int]) = ([], [])
            for index in sentences.indices {
                for live in sentences[index].live.indices {
                    tokens.append(sentences[index].live[live].hypothesis.tokens.last.map { [$0] } ?? begin)
                    rows.append(sentences[index].live[live].row)
                    sentences[index].live[live].row = tokens.count - 1
                }
            }
            if tokens.isEmpty { break }
            let logits = try model.step(tokens, continuing: rows)
            for index in sentences.indices { try extend(&sentences[index], logits, model, isLast: step == maximum) }
        }
        return try sentences.map { sentence in
            var answers = sentence.finished
            if let greedy = sentence.greedy, !answers.contains(where: { $0.tokens == greedy.tokens }) {
                answers.append(greedy)
            }
            guard !answers.isEmpty else { throw PluginError.nothingFollows }
            let order = answers.indices.sorted { left, right in
                let (a, b) = (answers[left].score(penalty: penalty), answers[right].score(penalty: penalty))
                return a == b ? left < right : a > b
            }
            return order.prefix(width).map { answers[$0] }
        }
    }

    private struct Candidate {
        var live: Int
        var token: Int64
        var logProbability: Double
    }

    private func extend(
        _ sentence: inout Sentence, _ logits: UnsafePointer<Float>, _ model: any StepModel, isLast: Bool
    ) throws {
        let (stride, size) = (model.vocabulary, min(model.vocabulary, vocabulary))
        var probabilities = [Double](repeating: 0, count: size)
        var candidates: [Candidate] = []
        var greedy: Candidate?
        for (index, live) in sentence.live.enumerated() {
            let row = logits + live.row * stride
            try checkLogits(row, size)
            logProbabilities(row, size, into: &probabilities)
            for token in forbidden where token >= 0 && token < size { probabilities[Int(token)] = -.infinity }
            // A hypothesis can end as well as go on: one more than the width is enough.
            let best = Self.largest(probabilities, min(width + 1, size))
            if live.isGreedy, let token = best.first, probabilities[token] > -.infinity {
                greedy = Candidate(
                    live: index, token: Int64(token),
                    logProbability: live.hypothesis.logProbability + probabilities[token])
            }
            // The greedy beginning that the beam has dropped is followed for its own sake only.
            if index >= width { continue }
            for token in best where probabilities[token] > -.infinity {
                candidates.append(
                    Candidate(
                        live: index, token: Int64(token),
                        logProbability: live.hypothesis.logProbability + probabilities[token]))
            }
        }
        let order = candidates.indices.sorted { left, right in
            let (a, b) = (candidates[left].logProbability, candidates[right].logProbability)
            return a == b ? left < right : a > b
        }
        var next: [Live] = []
        func continued(_ candidate: Candidate) throws -> Hypothesis {
            let live = sentence.live[candidate.live]
            var hypothesis = live.hypothesis
            hypothesis.tokens.append(candidate.token)
            hypothesis.logProbability = candidate.logProbability
            if keepsWeights { hypothesis.weights.append(model.weights(live.row)) }
            hypothesis.isFinished = try candidate.token == end || isComplete?(hypothesis) ?? false
            return hypothesis
        }
        for index in isLast ? order.prefix(width) : order[...] where next.count < width {
            let candidate = candidates[index]
            let isGreedy = greedy.map { $0.live == candidate.live && $0.token == candidate.token } ?? false
            let hypothesis = try continued(candidate)
            if hypothesis.isFinished || isLast {
                sentence.finished.append(hypothesis)
            } else {
                next.append(
                    Live(hypothesis: hypothesis, row: sentence.live[candidate.live].row, isGreedy: isGreedy))
            }
        }
        if let candidate = greedy, !next.contains(where: \.isGreedy) {
            let hypothesis = try continued(candidate)
            if hypothesis.isFinished || isLast {
                sentence.greedy = hypothesis
            } else {
                next.append(Live(hypothesis: hypothesis, row: sentence.live[candidate.live].row, isGreedy: true))
            }
        }
        sentence.live = isDone(sentence, next) ? [] : next
    }

    /// Whether no continuation can get among the best: probabilities only fall, the penalty only shrinks with length.
    private func isDone(_ sentence: Sentence, _ next: [Live]) -> Bool {
        if width == 1 && sentence.greedy != nil { return true }
        guard sentence.finished.count >= width else { return false }
        let scores = sentence.finished.map { $0.score(penalty: penalty) }.sorted(by: >)
        return next.allSatisfy { $0.hypothesis.score(penalty: penalty, length: maximum) <= scores[width - 1] }
    }

    /// Positions of the largest values, largest first; equal ones in their order.
    static func largest(_ values: [Double], _ count: Int) -> [Int] {
        var best: [Int] = []
        for index in values.indices {
            if best.count == count, let last = best.last, values[index] <= values[last] { continue }
            let position = best.firstIndex { values[$0] < values[index] } ?? best.count
            best.insert(index, at: position)
            if best.count > count { best.removeLast() }
        }
        return best
    }
}
