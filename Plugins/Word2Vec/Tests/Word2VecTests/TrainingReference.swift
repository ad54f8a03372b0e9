import CWord2Vec
import Foundation

/// One pass over a sentence in double precision, written as the formulas stand: what the kernels are compared with.
///
/// It draws the same random numbers.
struct TrainingReference {
    var model: lamina_word2vec
    var input: [Double]
    var output: [Double]
    var loss = 0.0
    var losses = 0

    init(_ model: lamina_word2vec, inputRows: Int, outputRows: Int) {
        self.model = model
        let d = Int(model.dimension)
        input = (0..<inputRows * d).map { Double(model.input[$0]) }
        output = (0..<outputRows * d).map { Double(model.output[$0]) }
    }

    private typealias Target = (row: Int, label: Double, rate: Double)

    private func dot(_ a: [Double], _ row: Int) -> Double {
        a.indices.reduce(0) { $0 + a[$1] * output[row * a.count + $1] }
    }

    private func rows(_ word: Int32) -> [Int] {
        guard let starts = model.gram_starts else { return [Int(word)] }
        return (starts[Int(word)]..<starts[Int(word) + 1]).map { Int(model.grams[Int($0)]) }
    }

    private func targets(_ word: Int32, _ rate: Double, _ random: inout UInt64) -> [Target] {
        switch UInt32(model.objective) {
        case LAMINA_WORD2VEC_NEGATIVE_SAMPLING.rawValue:
            var targets: [Target] = [(Int(word), 1, rate)]
            for _ in 0..<model.negatives {
                let noise = lamina_word2vec_noise(model.noise, model.words, &random)
                if noise != word { targets.append((Int(noise), 0, rate * Double(model.negative_weight))) }
            }
            return targets
        case LAMINA_WORD2VEC_HIERARCHICAL_SOFTMAX.rawValue:
            return (model.path_starts[Int(word)]..<model.path_starts[Int(word) + 1]).map {
                (Int(model.path_nodes[Int($0)]), Double(model.path_labels[Int($0)]), rate)
            }
        default: return []
        }
    }

    private struct Window {
        var range: ClosedRange<Int>
        var targets: [Target]
    }

    private func draw(_ words: [Int32], _ i: Int, _ rate: Double, _ random: inout UInt64) -> Window {
        let span = 1 + Int(((lamina_word2vec_random(&random) >> 32) * UInt64(model.window)) >> 32)
        let range = max(0, i - span)...min(words.count - 1, i + span)
        var predicted = [words[i]]
        if model.gram_starts != nil, model.is_bag == 0 { predicted = range.filter { $0 != i }.map { words[$0] } }
        return Window(range: range, targets: predicted.flatMap { targets($0, rate, &random) })
    }

    mutating func train(_ words: [Int32], rate: Double, random: inout UInt64) {
        if words.count < 2 { return }
        // Windows are drawn one ahead.
        let windows = words.indices.map { draw(words, $0, rate, &random) }
        for i in words.indices {
            let window = windows[i]
            let around = window.range.filter { $0 != i }.map { words[$0] }
            // Each input: the rows that it is the mean of.
            var inputs = around.map { [$0] }
            if model.is_bag != 0 { inputs = [around] } else if model.gram_starts != nil { inputs = [[words[i]]] }
            step(inputs.map { $0.flatMap(rows) }, window.targets, word: Int(words[i]), rate, measure: i % 16 == 0)
        }
    }

    private mutating func step(
        _ inputs: [[Int]], _ targets: [Target], word: Int, _ rate: Double, measure: Bool
    ) {
        let d = Int(model.dimension)
        let vectors = inputs.map { rows in
            (0..<d).map { j in
                rows.reduce(0) { $0 + input[$1 * d + j] } / Double(rows.count)
            }
        }
        if UInt32(model.objective) == LAMINA_WORD2VEC_FULL_SOFTMAX.rawValue {
            var factors: [Factor] = []
            for (x, vector) in vectors.enumerated() {
                let scores = (0..<Int(model.words)).map { exp(dot(vector, $0)) }
                let total = scores.reduce(0, +)
                if measure { loss += log(total) - log(scores[word]) }
                for row in scores.indices {
                    factors.append((x, row, rate * ((row == word ? 1 : 0) - scores[row] / total)))
                }
            }
            add(factors, inputs, vectors)
        }
        // Targets come in groups of six; a later one sees what the earlier ones have changed in their rows.
        for first in stride(from: 0, to: targets.count, by: 6) {
            var factors: [Factor] = []
            for (x, vector) in vectors.enumerated() {
                for target in targets[first..<min(first + 6, targets.count)] {
                    let score = dot(vector, target.row)
                    if measure { loss += log(1 + exp(target.label == 1 ? -score : score)) }
                    factors.append((x, target.row, target.rate * (target.label - 1 / (1 + exp(-score)))))
                }
            }
            add(factors, inputs, vectors)
        }
        if measure { losses += inputs.count }
    }

    /// What is added to input x and to output row r: Σ factor · the other.
    private typealias Factor = (x: Int, row: Int, factor: Double)

    private mutating func add(_ factors: [Factor], _ inputs: [[Int]], _ vectors: [[Double]]) {
        let d = Int(model.dimension)
        let oldOutput = output
        for (x, row, factor) in factors {
            for j in 0..<d {
                for source in inputs[x] { input[source * d + j] += factor * oldOutput[row * d + j] }
                output[row * d + j] += factor * vectors[x][j]
            }
        }
    }
}
