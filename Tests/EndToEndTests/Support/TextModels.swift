import LaminaFormats
import Testing

/// Small models of texts, on which tasks are tried: recipes, written and trained through the command.
extension Folder {
    /// Trains a recipe, which becomes `<name>.yaml`, to `<name>.lamina`.
    func train(_ recipe: String, _ name: String = "m") throws {
        try write(recipe, name + ".yaml")
        try lamina("train", name + ".yaml", "-o", name + ".lamina").succeeded()
    }

    /// Trains `m.lamina`, which makes the second text of each pair of the first; `lines.tsv` has the pairs.
    ///
    /// - Parameters:
    ///   - source: the tokenizer of the first; the second is taken letter by letter.
    ///   - block: with the inputs source, shifted and, unless the model is told no lengths, lengths.
    func trainTranslator(
        _ pairs: [(String, String)], source: String, block: String, lengths: Bool = true, learningRate: Double,
        epochs: Int, batch: Int
    ) throws {
        let lines = pairs.map { "\($0)\t\($1)\n" }.joined()
        try write("given\tanswer\n" + lines, "pairs.tsv")
        try write(lines, "lines.tsv")
        try train(
            """
            lamina: 1
            data:
              train: { reader: data.table, path: pairs.tsv, text: [given, answer] }
              text:
                source: { from: given, tokenizer: \(source), end: true\(lengths ? ", length: lengths" : "") }
                shifted: { from: answer, tokenizer: data.characters, begin: true }
                target: { from: answer, end: true }
            model:
              layers:
                - \(block)
                  name: ""
                  from: [source, shifted\(lengths ? ", lengths" : "")]
            loss:
              core.cross_entropy: { class_axis: -1, ignore_index: 0 }
            optimizer: { core.adam: { learning_rate: \(learningRate) } }
            train: { epochs: \(epochs), batch: \(batch), seed: 1 }
            """)
    }

    /// Trains `<name>.lamina`, which goes on with `text`, on batches of four streams of letters.
    ///
    /// - Parameters:
    ///   - layers: lines of the recipe; the first takes the input text.
    ///   - carry: what the recipe says of inputs that are carried from batch to batch.
    func trainLanguageModel(
        _ name: String = "m", text: String, stream: Int, layers: [String], carry: String = "", learningRate: Double,
        epochs: Int
    ) throws {
        try write(text, "text.txt")
        let lines = layers.flatMap { $0.split(separator: "\n") }.map { "    \($0)\n" }.joined()
        try train(
            """
            lamina: 1
            data:
              train: { reader: data.text_file, path: text.txt }
              text:
                text: { tokenizer: data.characters, stream: \(stream) }
            model:
              layers:
            \(lines)  \(carry)
            loss:
              core.cross_entropy: { class_axis: -1 }
            optimizer: { core.adam: { learning_rate: \(learningRate) } }
            train: { epochs: \(epochs), batch: 4, seed: 1 }
            """, name)
    }
}

extension Outcome {
    /// The rows of a task's answer as JSON.
    func rows() throws -> [JSON] { try [JSON](json: JSON.parse(output), at: "rows") }
}

extension JSON? {
    /// A number that has to be there.
    func number() throws -> Double { try Double(json: try #require(self), at: "number") }
}
