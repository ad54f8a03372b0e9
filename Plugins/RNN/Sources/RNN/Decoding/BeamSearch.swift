import LaminaSDK

/// Greedy and beam search over a decoder that runs token by token; sentences of a batch side by side.
///
/// The beam keeps, beside its `width` best beginnings, the greedy one for as long as it can get among the answers, so that
/// the best answer is never less probable than the greedy one (with `penalty` 0): cutting beginnings off alone does not
/// promise that.
struct BeamSearch {
    var width = 1
    /// α of `Hypothesis.score`.
    var penalty = 0.0
    /// Tokens at most, with the one that ends.
    var maximum = 100
    var keepsWeights = false
    let begin, end: Int64
    /// Never chosen: padding and the like.
    var forbidden: [Int64] = []
    /// Tokens that there are; logits for more stand for none.
    var vocabulary = Int.max

    /// The decoder as the search sees it: one token per row in, logits and attention per row out.
    protocol Decoder: AnyObject {
        var vocabulary: Int { get }
        /// - Parameters:
        ///   - tokens: one per row.
        ///   - rows: which row of the step before each row continues; at first the number of its sentence.
        /// - Returns: logits, [rows, vocabulary].
        func step(_ tokens: [Int64], continuing rows: [Int]) throws -> UnsafePointer<Float>
        /// Attention of the last step's row to the source; empty when there is none.
        func weights(_ row: Int) -> [Float]
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

    /// The best hypotheses of each sentence, best first, `width` at most.
    func decode(_ decoder: any Decoder, sentences count: Int, cancelled: () -> Bool) throws -> [[Hypothesis]] {
        var sentences = (0..<count).map {
            Sentence(live: [Live(hypothesis: Hypothesis(), row: $0, isGreedy: true)])
        }
        for step in 1...max(maximum, 1) {
            if cancelled() { throw PluginError.cancelled }
            var (tokens, rows): ([Int64], [Int]) = ([], [])
            for index in sentences.indices {
                for live in sentences[index].live.indices {
                    tokens.append(sentences[index].live[live].hypothesis.tokens.last ?? begin)
                    rows.append(sentences[index].live[live].row)
                    sentences[index].live[live].row = tokens.count - 1
                }
            }
            if tokens.isEmpty { break }
            let logits = try decoder.step(tokens, continuing: rows)
            for index in sentences.indices { try extend(&sentences[index], logits, decoder, isLast: step == maximum) }
        }
        return sentences.map { sentence in
            var answers = sentence.finished
            if let greedy = sentence.greedy, !answers.contains(where: { $0.tokens == greedy.tokens }) {
                answers.append(greedy)
            }
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
        _ sentence: inout Sentence, _ logits: UnsafePointer<Float>, _ decoder: any Decoder, isLast: Bool
    ) throws {
        let (stride, size) = (decoder.vocabulary, min(decoder.vocabulary, vocabulary))
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
            if live.isGreedy, let token = best.first {
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
        func continued(_ candidate: Candidate) -> Hypothesis {
            let live = sentence.live[candidate.live]
            var hypothesis = live.hypothesis
            hypothesis.tokens.append(candidate.token)
            hypothesis.logProbability = candidate.logProbability
            hypothesis.isFinished = candidate.token == end
            if keepsWeights { hypothesis.weights.append(decoder.weights(live.row)) }
            return hypothesis
        }
        for index in isLast ? order.prefix(width) : order[...] where next.count < width {
            let candidate = candidates[index]
            let isGreedy = greedy.map { $0.live == candidate.live && $0.token == candidate.token } ?? false
            if candidate.token == end || isLast {
                sentence.finished.append(continued(candidate))
            } else {
                next.append(
                    Live(hypothesis: continued(candidate), row: sentence.live[candidate.live].row, isGreedy: isGreedy))
            }
        }
        if let candidate = greedy {
            if candidate.token == end || isLast {
                sentence.greedy = continued(candidate)
            } else if !next.contains(where: \.isGreedy) {
                next.append(
                    Live(hypothesis: continued(candidate), row: sentence.live[candidate.live].row, isGreedy: true))
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
