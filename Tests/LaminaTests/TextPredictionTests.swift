import Foundation
import LaminaSDK
import Testing

@testable import Lamina

/// What models of texts predict.
@Suite(.serialized) struct TextPredictionTests {
    private let path = NSTemporaryDirectory() + "lamina-texts-\(UUID().uuidString).tsv"

    /// A recipe's model after its training.
    private func model(_ recipe: String, on data: String) throws -> Model {
        try data.write(toFile: path, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let recipe = try Recipe.parse(
            "lamina: 1\n" + recipe + "\noptimizer: core.adam\ntrain: { epochs: 1, batch: 16, seed: 3 }\n",
            registry: TrialPlugin.registry)
        let run = try TrainingRun(recipe, registry: TrialPlugin.registry)
        try run.start()
        return run.model
    }

    /// Eight classes of a text in a row of eight tokens are classes, not one number per token.
    @Test func classesAreNoTokens() throws {
        var table = "words\tclass\n"
        for sample in 0..<64 {
            let words = (0...sample % 7).map { "w\((sample * 5 + $0 * 3) % 11)" }
            table += words.joined(separator: " ") + "\tc\(sample % 8)\n"
        }
        let model = try model(
            """
            data:
              train: { reader: data.table, path: "\(path)", label: class }
              text:
                text: { from: words, tokenizer: data.words, maximum: 8, round: 8 }
            model:
              layers:
                - core.embedding: { count: 32, dimension: 8 }
                - core.reduce_mean: { axes: [1] }
                - core.dense: { units: 8 }
            loss: core.cross_entropy
            """, on: table)
        let answer = try model.predict(texts: ["w1 w2"])[0]
        #expect(answer.shape == [8] && answer.classes.count == 8)
        #expect(abs(answer.classes.reduce(0) { $0 + $1.probability } - 1) < 1e-5)
        #expect(answer.classes.map(\.label).sorted() == (0..<8).map { "c\($0)" })
    }

    /// The example that an archive records has ids that most vocabularies have, but not all.
    @Test func modelsOfFewTokensAreSaved() throws {
        let definition = GraphDefinition(
            inputs: [.init("text", .int64, [.symbol("N"), .fixed(4)])],
            nodes: [
                .init(
                    name: "table", component: "core.embedding", attributes: ["count": 2, "dimension": 3],
                    inputs: [.init("text", output: 0)])
            ], outputs: [.init("out", .init("table", output: 0))])
        let model = try Model(definition, registry: TrialPlugin.registry)
        model.preprocessing.texts = [.init("text")]
        let archive = path + ".lamina"
        defer { try? FileManager.default.removeItem(atPath: archive) }
        try model.save(to: archive)
        #expect(try Model.open(archive, registry: TrialPlugin.registry).selfTest() == 0)
    }

    /// What stands behind a text's end is left out of an output per token.
    @Test func rowsPerTokenEndWithTheText() throws {
        let model = try model(
            """
            data:
              train: { reader: data.text_file, path: "\(path)" }
              text:
                text: { tokenizer: data.characters, stream: 8 }
            model:
              layers:
                - core.embedding: { count: 16, dimension: 8 }
                - core.dense: { units: 16 }
            loss:
              core.cross_entropy: { class_axis: -1 }
            """, on: String(repeating: "abcabd", count: 60))
        let answers = try model.predict(texts: ["abc", "dcbaabcda"])
        #expect(answers.map(\.shape) == [[3, 16], [9, 16]])
    }
}
