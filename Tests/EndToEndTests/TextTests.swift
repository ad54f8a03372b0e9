import Foundation
import LaminaFormats
import Testing

/// Texts through the real command: trained, evaluated and predicted in processes of their own, from the archive alone.
@Suite("Text", .needs("Core", "Data"))
struct TextTests {
    private static let good = ["great", "lovely", "superb", "fine", "happy"]
    private static let bad = ["awful", "dull", "sad", "poor", "boring"]
    private static let filler = ["the", "film", "was", "and", "very", "plot", "a", "of", "story"]

    /// Sentences of 4 to 24 words with one that tells the class.
    private static func table(_ count: Int, seed: UInt64) -> String {
        var state = seed &* 0x9e37_79b9_7f4a_7c15 | 1
        func next(_ limit: Int) -> Int {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Int((state >> 20) % UInt64(limit))
        }
        var text = "review\tmood\n"
        for sample in 0..<count {
            var words = (0..<3 + next(21)).map { _ in filler[next(filler.count)] }
            words.insert((sample % 2 == 0 ? good : bad)[next(5)], at: next(words.count + 1))
            text += words.joined(separator: " ") + "\t" + (sample % 2 == 0 ? "good" : "bad") + "\n"
        }
        return text
    }

    static func recipe(_ layers: String, tokenizer: String = "data.words", entry: String = "") -> String {
        """
        lamina: 1
        data:
          train: { reader: data.table, path: train.tsv, label: mood }
          test: { reader: data.table, path: test.tsv, label: mood }
          text:
            text: { from: review, tokenizer: { \(tokenizer): { vocabulary: 600 } }, maximum: 22\(entry) }
        model:
          layers:
            - core.embedding: { count: 600, dimension: 16 }
              from: text
        \(layers)
            - core.dense: { units: 2 }
        loss: core.cross_entropy
        optimizer: { core.adam: { learning_rate: 0.02 } }
        metrics: [ core.accuracy ]
        train: { epochs: 10, batch: 16, seed: 3, bucket: 4 }

        """
    }

    private static func folder() throws -> Folder {
        let folder = try Folder()
        try folder.write(table(300, seed: 1), "train.tsv")
        try folder.write(table(60, seed: 2), "test.tsv")
        return folder
    }

    private static let mean = "    - core.reduce_mean: { axes: [1] }"
    private static let lstm =
        "    - rnn.lstm: { units: 16, returns: last }\n      from: [embedding_1, words]"

    private func check(_ recipe: String) throws {
        let folder = try Self.folder()
        try folder.write(recipe, "r.yaml")
        let trained = try folder.lamina("train", "r.yaml", "-o", "m.lamina")
        trained.succeeded()
        #expect(trained.errors.contains("texts for 'text' have more than 22 tokens and were cut"))
        // What the model was trained on is gone.
        try FileManager.default.removeItem(atPath: folder.path("train.tsv"))
        let evaluation = try folder.lamina("eval", "m.lamina", "--format", "json").json()
        let accuracy = try Double(json: #require(evaluation["metrics"]?["accuracy"]), at: "accuracy")
        #expect(accuracy > 0.9)

        // A table on standard input has the separator that its type says.
        let rows = try folder.lamina("predict", "m.lamina", "-", "--type", "tsv", input: folder.data("test.tsv"))
        rows.succeeded()
        #expect(rows.output.split(separator: "\n").count == 60)
        try folder.lamina("verify", "m.lamina").succeeded()
        try folder.lamina("selftest", "m.lamina").succeeded()
        let answers = try folder.lamina(
            "predict", "m.lamina", "the film was superb", "a very dull story of the plot", "--format", "json"
        ).json()
        #expect(answers[0]?["classes"]?[0]?["label"] == "good")
        #expect(answers[0]?["source"] == "the film was superb")
        #expect(answers[1]?["classes"]?[0]?["label"] == "bad")
        // A text alone has the probabilities that it has in a batch with longer ones, up to padding that is masked.
        let piped = try folder.lamina(
            "predict", "m.lamina", "-", "--format", "json", input: Data("a fine plot\n\nthe film was sad\r\n".utf8)
        ).json()
        #expect(piped[0]?["source"] == "-:1")
        #expect(piped[0]?["classes"]?[0]?["label"] == "good")
        #expect(piped[1]?["classes"]?[0]?["label"] == "bad")
        let table = try [JSON](
            json: folder.lamina("predict", "m.lamina", "test.tsv", "--format", "json").json(), at: "table")
        #expect(table.count == 60)
        let right = table.enumerated().filter { $1["classes"]?[0]?["label"] == ($0 % 2 == 0 ? "good" : "bad") }.count
        #expect(Double(right) / 60 == accuracy)
    }

    @Test("words, a mean over time: trained, evaluated, predicted from texts, lines and tables")
    func words() throws { try check(Self.recipe(Self.mean)) }

    @Test("byte pairs")
    func bytePairs() throws { try check(Self.recipe(Self.mean, tokenizer: "data.bpe", entry: ", round: 4")) }

    @Test("an LSTM that gets the lengths", .needs("RNN"))
    func lengths() throws { try check(Self.recipe(Self.lstm, entry: ", length: words")) }

    @Test("an interrupted run goes on with the vocabulary of the checkpoint")
    func resumed() throws {
        let folder = try Self.folder()
        try folder.write(Self.recipe(Self.mean), "r.yaml")
        try folder.lamina("train", "r.yaml", "-o", "whole.lamina").succeeded()
        try folder.lamina("train", "r.yaml", "-o", "m.lamina", "--epochs", "4").succeeded()
        try folder.lamina("train", "r.yaml", "-o", "m.lamina", "--resume").succeeded()
        let (first, second) = (try folder.bytes("whole.lamina"), try folder.bytes("m.lamina"))
        #expect(try weights(first) == weights(second))
    }

    /// The parameters' bytes of an archive, which stores its entries plainly.
    private func weights(_ archive: [UInt8]) throws -> ArraySlice<UInt8> {
        // The entry's header, 30 bytes and its name; the manifest names it, too.
        let name = Array("weights/model.safetensors".utf8)
        let header = try #require(
            archive.ranges(of: name).first { archive[($0.lowerBound - 30)...].starts(with: [0x50, 0x4B, 0x03, 0x04]) })
        let start = header.upperBound
        let end = try #require(archive[start...].firstRange(of: [0x50, 0x4B, 0x03, 0x04])).lowerBound
        return archive[start..<end]
    }

    @Test("faults: one line, with the documented exit code")
    func faults() throws {
        let folder = try Self.folder()
        try folder.write(Self.recipe(Self.mean), "r.yaml")
        try folder.lamina("init", "r.yaml", "-o", "new.lamina").succeeded()
        func fault(_ arguments: String..., code: Int32, _ text: String, input: String? = nil) throws {
            let outcome = try Command.find().run(arguments, in: folder.path, input: input.map { Data($0.utf8) })
            #expect(outcome.status == code, "\(outcome)")
            #expect(outcome.errors.contains(text), "\(outcome)")
            #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome)")
        }
        try fault("predict", "new.lamina", "a text", code: 4, "no vocabulary for 'text'")
        try folder.lamina("train", "r.yaml", "-o", "m.lamina", "--epochs", "1").succeeded()
        try fault("predict", "m.lamina", "", code: 4, "the text is empty")
        try fault("predict", "m.lamina", " \u{3000} ", code: 4, "finds no token")
        try fault("predict", "m.lamina", "missing.txt", code: 4, "there is no file 'missing.txt'")
        try fault("predict", "m.lamina", "-", code: 4, "standard input is empty", input: "")
        try fault("predict", "m.lamina", "-", code: 4, "holds no text", input: "\n\n")
        try folder.write([0x61, 0x0A, 0xC3, 0x28], "bad.txt")
        try fault("predict", "m.lamina", "bad.txt", code: 4, "'bad.txt': line 2 is not UTF-8")
        try fault("predict", "m.lamina", "no/where", code: 4, "there is no file 'no/where'")
        try folder.write("", "empty.tsv")
        try fault(
            "train", "r.yaml", "-o", "x.lamina", "--set", "data.train.path=empty.tsv", code: 4, "empty.tsv' is empty")
        try fault(
            "train", "r.yaml", "-o", "x.lamina", "--set", "data.text.text.from=reviews", code: 3,
            "did you mean 'review'?")
        try fault(
            "train", "r.yaml", "-o", "x.lamina", "--set", "data.text.text.maximum=2", "--set",
            "data.text.text.too_long=error", code: 4, "at most 2 are allowed")
        try fault(
            "train", "r.yaml", "-o", "x.lamina", "--set", "data.text.text.tokenizer=data.wrds", code: 3,
            "did you mean 'data.words'?")
    }
}
