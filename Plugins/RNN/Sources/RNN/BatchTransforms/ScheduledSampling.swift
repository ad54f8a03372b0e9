import Glibc
import LaminaDecoding
import LaminaSDK

/// Scheduled sampling: the decoder is told its own predictions instead of the true tokens, more often as training goes on.
///
/// Before step i of the optimizer, every token of the target's input behind the first is replaced, with probability
/// 1 - ε(i), by what the model predicts for its place from the tokens before, replaced ones included:
///
///     linear           ε = max(floor, 1 - i / steps)
///     exponential      ε = max(floor, exp(-i / steps))
///     inverse_sigmoid  ε = max(floor, k / (k + exp(i / k))), k = steps
///
/// Padding stays. The tokens are those that a decoding step by step gives with the parameters before the step; the training step
/// then runs on all of them at once, which computes the same. The gradient does not pass through the choice. Dropout is
/// off while predicting. For models of the block `rnn.encoder_decoder`.
///
/// Bengio, Vinyals, Jaitly, Shazeer: Scheduled Sampling for Sequence Prediction with Recurrent Neural Networks (2015);
/// exponential: k there is exp(-1 / steps) here.
final class ScheduledSampling: BatchTransform {
    static let name = "scheduled_sampling"
    static let documentation = "Tells a decoder its own predictions instead of the true tokens, more and more often."
    static let attributes: [AttributeSchema] = [
        .string(
            "decay", default: "linear", choices: Decay.allCases.map(\.rawValue),
            "how the probability of the true token falls from 1"),
        .real("steps", 1...1e12, "over how many steps of the optimizer: until 0, or the k of inverse_sigmoid"),
        .real("floor", default: 0, 0...1, "the probability of the true token does not fall below it"),
        .string(
            "choice", default: "argmax", choices: ["argmax", "sample"],
            "the most probable token, or one by its probability"),
    ]

    enum Decay: String, CaseIterable {
        case linear, exponential
        case inverseSigmoid = "inverse_sigmoid"

        /// The probability of the true token.
        func probability(step: Double, steps: Double) -> Double {
            switch self {
            case .linear: max(0, 1 - step / steps)
            case .exponential: exp(-step / steps)
            // Its exponential may overflow, where the quotient is 0.
            case .inverseSigmoid: steps / (steps + exp(step / steps))
            }
        }
    }

    private let decay: Decay
    private let steps, floor: Double
    private let sampling: Sampling
    /// Where the model is cut; it stays the same through a run.
    private var graph: DecoderGraph?

    init(_ attributes: Attributes) throws {
        decay = Decay(rawValue: attributes.string("decay"))!
        steps = attributes.real("steps")
        floor = attributes.real("floor")
        sampling = Sampling(temperature: attributes.string("choice") == "sample" ? 1 : 0)
    }

    func apply(_ batch: TrainingBatch, host: Host) throws {
        let probability = max(floor, decay.probability(step: Double(batch.step), steps: steps))
        let graph = try self.graph ?? DecoderGraph(GraphView(batch.model))
        self.graph = graph
        guard let tokens = batch.input(graph.target), let source = batch.input(graph.source) else {
            throw PluginError.data("the model has no inputs '\(graph.source)' and '\(graph.target)' of tokens")
        }
        let (rows, count) = (tokens.size(0), tokens.size(1))
        guard probability < 1, rows > 0, count > 1 else { return }
        let padding = batch.model.special(.padding, for: graph.target)
        // Whether each token is replaced; behind these come the numbers that draw the new ones.
        var numbers = [Float](repeating: 0, count: rows * count)
        host.uniform(batch.random, into: &numbers, count: numbers.count)
        func isReplaced(_ row: Int, _ step: Int) -> Bool {
            tokens.int64s[row * count + step] != padding && Double(numbers[row * count + step]) >= probability
        }
        // What comes behind the last replaced token needs no prediction.
        guard let last = (1..<count).last(where: { step in (0..<rows).contains { isReplaced($0, step) } }) else {
            return
        }
        let lengths = graph.sourceLengths.flatMap { batch.input($0) }
        let decoder = try StepDecoder(batch.model, graph, source: source, lengths: lengths)
        var random: [Float] = []
        for step in 1...last {
            let logits = try decoder.step(
                (0..<rows).map { tokens.int64s[$0 * count + step - 1] }, continuing: Array(0..<rows))
            // How many logits there are is known with the first of them.
            if random.isEmpty { random = Array(repeating: 0, count: 2 * decoder.vocabulary) }
            for row in 0..<rows where isReplaced(row, step) {
                let first = numbers.count + (row * count + step) * random.count
                host.uniform(batch.random, first: first, into: &random, count: random.count)
                tokens.int64s[row * count + step] = try sampling.choose(
                    logits + row * decoder.vocabulary, decoder.vocabulary, random: random)
            }
        }
    }
}
