import Foundation
import LaminaFormats
import Testing

/// Word vectors through the real command: trained, stopped, resumed, archived, asked, exported and imported.
@Suite("Word vectors", .needs("Core", "Word2Vec"))
struct WordVectorTests {
    /// Sentences in which words of one topic stand together.
    private static func folder(sentences: Int = 6000) throws -> Folder {
        let folder = try Folder()
        var state: UInt64 = 9
        func draw(_ below: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % below
        }
        let text = (0..<sentences).map { _ in
            let topic = ["red", "wet", "hot", "old"][draw(4)]
            return (0..<8).map { _ in "\(topic)\(draw(10))" }.joined(separator: " ") + "\n"
        }
        try folder.write(text.joined(), "text.txt")
        return folder
    }

    private static func recipe(_ procedure: String, _ attributes: String, epochs: Int = 6) -> String {
        """
        lamina: 1
        procedure:
          word2vec.\(procedure): { \(attributes) }
        train: { epochs: \(epochs), seed: 3 }

        """
    }

    private static let attributes = "corpus: text.txt, dimensions: 24, min_count: 1, sample: 0, learning_rate: 0.05"

    private static func words(_ outcome: Outcome) -> [String] {
        outcome.succeeded().output.split(separator: "\n").map { String($0.prefix { $0 != "\t" }) }
    }

    @Test("train, verify, selftest and questions in new processes", arguments: ["skip_gram", "cbow"])
    func lifeOfAModel(_ procedure: String) throws {
        let folder = try Self.folder()
        try folder.write(Self.recipe(procedure, Self.attributes), "r.yaml")
        let trained = try folder.lamina("train", "r.yaml", "-o", "m.lamina").succeeded()
        #expect(trained.errors.contains("words/s"), "\(trained)")
        try folder.lamina("verify", "m.lamina").succeeded()
        try folder.lamina("selftest", "m.lamina").succeeded()
        let near = try Self.words(folder.lamina("task", "m.lamina", "nearest", "wet3", "--top", "5"))
        #expect(near.count == 5 && near.allSatisfy { $0.hasPrefix("wet") }, "\(near)")
        #expect(
            try Self.words(folder.lamina("task", "m.lamina", "doesnt-match", "red1", "red2", "hot1", "red4")) == [
                "hot1"
            ])
        try folder.lamina("task", "m.lamina", "nearest", "wet33").failed(4, saying: "did you mean 'wet3'")
        // Options of the host may stand before the name, those of the task may not.
        let early = try folder.lamina("task", "m.lamina", "--threads", "1", "nearest", "wet3", "--top", "5")
        #expect(Self.words(early) == near)
        try folder.lamina("task", "m.lamina", "--top", "5", "nearest").failed(2, saying: "'--top' stands before")
        try folder.lamina("task", "m.lamina", "analogy", "red1").failed(2, saying: "got 1 words, wanted three")

        // Export and import change nothing.
        try folder.lamina("task", "m.lamina", "export", "v.txt", "--form", "text").succeeded()
        try folder.write(Self.recipe("import", "path: v.txt, form: text", epochs: 1), "i.yaml")
        try folder.lamina("train", "i.yaml", "-o", "i.lamina").succeeded()
        let question = ["nearest", "old7", "--format", "json"]
        #expect(
            try folder.lamina(["task", "m.lamina"] + question).json()
                == folder.lamina(["task", "i.lamina"] + question).json())
        try folder.lamina("task", "i.lamina", "map", "words.svg", "--top", "40").succeeded()
        #expect(try String(contentsOfFile: folder.path("words.svg"), encoding: .utf8).contains(">wet3</text>"))
    }

    @Test("subwords: unknown words have a vector; phrases are words")
    func partsAndPairs() throws {
        let folder = try Self.folder()
        let attributes = Self.attributes + ", subwords: [2, 4], buckets: 1000"
        try folder.write(Self.recipe("skip_gram", attributes), "r.yaml")
        try folder.lamina("train", "r.yaml", "-o", "m.lamina").succeeded()
        try folder.lamina("verify", "m.lamina").succeeded()
        try folder.lamina("selftest", "m.lamina").succeeded()
        let near = Self.words(try folder.lamina("task", "m.lamina", "nearest", "hot77", "--top", "5"))
        #expect(near.count == 5 && near.allSatisfy { $0.hasPrefix("hot") }, "\(near)")

        try folder.write(String(repeating: "so new york is so far so good is new is york\n", count: 50), "text.txt")
        try folder.write(
            Self.recipe("cbow", Self.attributes + ", phrases: true, phrase_threshold: 2.5"), "p.yaml")
        try folder.lamina("train", "p.yaml", "-o", "p.lamina").succeeded()
        #expect(Self.words(try folder.lamina("task", "p.lamina", "nearest", "new_york", "--top", "20")).contains("so"))
    }

    @Test("an interrupted and resumed training ends with the bits of one that went through")
    func resumed() throws {
        let folder = try Self.folder(sentences: 20_000)
        try folder.write(Self.recipe("skip_gram", Self.attributes + ", deterministic: true", epochs: 30), "r.yaml")
        try folder.lamina("train", "r.yaml", "-o", "whole.lamina").succeeded()
        let run = try folder.start("train", "r.yaml", "-o", "m.lamina")
        try run.waitForErrors(containing: "epoch 2/30")
        run.interrupt()
        let outcome = try run.finish()
        try #require(outcome.status == 130, "\(outcome)")
        try folder.lamina("verify", "m.lamina").succeeded()
        try folder.lamina("train", "r.yaml", "-o", "m.lamina", "--resume").succeeded()
        for model in ["whole", "m"] {
            try folder.lamina("task", "\(model).lamina", "export", "\(model).bin").succeeded()
        }
        #expect(try folder.data("whole.bin") == folder.data("m.bin"))

        try folder.write("other words\n", "text.txt")
        try folder.lamina("train", "r.yaml", "-o", "m.lamina", "--resume", "--epochs", "40").failed(
            3, afterProgress: true, saying: "changed since the checkpoint")
    }

    @Test("a corpus that cannot be learned from: one line, exit code 4")
    func faults() throws {
        let folder = try Folder()
        try folder.write(Self.recipe("skip_gram", "corpus: text.txt, min_count: 1"), "r.yaml")
        func fails(_ text: String, _ message: String) throws {
            try folder.write(text, "text.txt")
            try folder.lamina("train", "r.yaml", "-o", "m.lamina").failed(4, afterProgress: true, saying: message)
        }
        try fails("", "is empty: wanted words between spaces")
        try fails(" \n", "holds no word")
        try fails("word word word\n", "only 'word' occurs min_count = 1 times")
        try Data([0x61, 0x20, 0xff, 0x0a]).write(to: URL(fileURLWithPath: folder.path("text.txt")))
        try folder.lamina("train", "r.yaml", "-o", "m.lamina").failed(
            4, afterProgress: true, saying: "text.txt:1: the word at byte 2 is not UTF-8")
        #expect(!FileManager.default.fileExists(atPath: folder.path("m.lamina")))
    }
}
