import LaminaHost
import LaminaRecipe
import Testing

@testable import LaminaTraining

/// What batches of texts hold.
@Suite(.serialized) struct TextBatchTests {
    /// By frequency: a 4, b 5, c 6, d 7, e 8; of the other field: x 4, y 5.
    private let pairs = TextFile("p\tq\na\tx\na b\tx y\na b c d e\tx y x\n")

    private func dataset(_ entries: String, input: String = "") throws -> Dataset {
        try Dataset(
            textRecipe(
                """
                data:
                  train: { reader: data.table, path: "\(pairs.path)" }
                  text: \(entries)
                model: { \(input) layers: [ core.embedding: { count: 16, dimension: 2 } ] }
                loss: { core.cross_entropy: { ignore_index: 0 } }
                """))
    }

    @Test func rowsArePadded() throws {
        let data = try dataset(
            "{ p: { tokenizer: data.words, round: 1, length: n }, "
                + "target: { from: q, tokenizer: data.words, begin: true, end: true, round: 4 } }")
        #expect(data.count == 3)
        let batch = try data.batch([0, 1])
        #expect(batch.inputs.map(\.shape) == [[2, 2], [2]])
        #expect(batch.inputs[0].rows == [[4, 0], [4, 5]])
        #expect(batch.inputs[1].rows == [[1], [2]])
        #expect(batch.target?.rows == [[2, 4, 3, 0], [2, 4, 5, 3]])
        #expect(batch.target?.shape == [2, 4])
        let long = try data.batch([2, 0, 2])
        #expect(long.inputs[0].rows == [[4, 5, 6, 7, 8], [4, 0, 0, 0, 0], [4, 5, 6, 7, 8]])
        #expect(long.inputs[1].rows == [[5], [1], [5]])
        #expect(long.target?.shape == [3, 8])
        // The plan that is made first has room for every batch.
        #expect(data.inputShapes(batch: 3) == [[3, 5], [3]])
        #expect(data.target(batch: 3)?.shape == [3, 8])
    }

    /// Sizes that no machine has, of a faulty source say, are an error.
    @Test func batchesThatAreTooLarge() throws {
        for shape in [[1 << 40], [1 << 62, 1 << 62], [1 << 39]] {
            let error = #expect(throws: TrainingError.self) { try BatchTensor(.float32, shape, capacity: 4) }
            #expect(error?.text.hasSuffix("no tensor may have more than 2^40 elements") == true)
        }
    }

    /// A decoder's input and the target have one length, step by step.
    @Test func entriesOverOneFieldMatch() throws {
        let data = try dataset(
            "{ p: { tokenizer: data.words, begin: true, end: true, round: 2 }, target: { from: p, end: true, round: 2 } }"
        )
        let batch = try data.batch([0, 1])
        #expect(batch.inputs[0].rows == [[2, 4, 3, 0], [2, 4, 5, 3]])
        #expect(batch.target?.rows == [[4, 3, 0, 0], [4, 5, 3, 0]])
        #expect(data.tokenizers.count == 1)
    }

    /// One vocabulary for two fields.
    @Test func sharedVocabulary() throws {
        let data = try dataset("{ p: { tokenizer: data.words }, target: { from: q, same_as: p } }")
        #expect(data.tokenizers.keys.sorted() == ["p"])
        #expect(try data.tokenizers["p"]?.encode("x a y").count == 3)
        #expect(try data.tokenizers["p"]?.encode("x a y").contains(1) == false)
    }

    @Test func textsThatAreTooLong() throws {
        let log = LogLines()
        let before = Runtime.shared.logHandler
        Runtime.shared.logHandler = { log.add($1) }
        defer { Runtime.shared.logHandler = before }
        func rows(_ rule: String) throws -> (Int, [[Int64]]) {
            let data = try dataset(
                "{ p: { tokenizer: data.words, round: 1, begin: true, end: true, \(rule) }, target: { from: q, tokenizer: data.words } }"
            )
            return (data.count, try data.batch((0..<Int64(data.count)).map { $0 }).inputs[0].rows)
        }
        #expect(
            try rows("maximum: 7") == (3, [[2, 4, 3, 0, 0, 0, 0], [2, 4, 5, 3, 0, 0, 0], [2, 4, 5, 6, 7, 8, 3]]))
        #expect(log.lines.isEmpty)
        #expect(try rows("maximum: 4") == (3, [[2, 4, 3, 0], [2, 4, 5, 3], [2, 4, 5, 3]]))
        #expect(try rows("maximum: 4, too_long: skip") == (2, [[2, 4, 3, 0], [2, 4, 5, 3]]))
        #expect(
            log.lines == [
                "data.table: 1 of 3 texts for 'p' have more than 4 tokens and were cut",
                "data.table: 1 of 3 texts for 'p' have more than 4 tokens and are left out",
            ])
        #expect(
            fault { try rows("maximum: 3, too_long: error") }
                == "data.table: sample 2 has 4 tokens for 'p', at most 3 are allowed; set too_long: cut or skip, or raise maximum"
        )
        #expect(fault { try rows("maximum: 3, too_long: skip") } == "made")
    }

    /// What follows a sample that was left out is its own text and target.
    @Test func skippedSamplesTakeTheirTargets() throws {
        let file = TextFile("t\tc\na b c d\tx\nb\ty\na b c d\tx\nc\tz\n")
        let recipe = try textRecipe(
            """
            data:
              train: { reader: data.table, path: "\(file.path)", label: c }
              text: { t: { tokenizer: data.words, maximum: 2, too_long: skip } }
            model: { layers: [ core.embedding: { count: 16, dimension: 2 } ] }
            loss: core.cross_entropy
            """)
        let data = try Dataset(recipe)
        #expect(data.count == 2)
        #expect(try data.batch([1, 0]).target?.rows == [[2], [1]])
    }

    /// A model whose input has a fixed length gets rows of it.
    @Test func fixedLength() throws {
        let entries = "{ p: { tokenizer: data.words }, target: { from: q, tokenizer: data.words } }"
        let data = try dataset(entries, input: "input: { p: { shape: [3], dtype: int64 } },")
        #expect(try data.batch([0, 2]).inputs[0].rows == [[4, 0, 0], [4, 5, 6]])
    }

    private func fault(_ body: () throws -> some Any) -> String {
        do {
            _ = try body()
            return "made"
        } catch {
            return "\(error)"
        }
    }

    @Test func faults() throws {
        func open(_ text: String, _ entries: String, _ attributes: String = "") -> String {
            let file = TextFile(text)
            return fault {
                try Dataset(
                    textRecipe(
                        """
                        data:
                          train: { reader: data.table, path: "\(file.path)", label: c\(attributes) }
                          text: \(entries)
                        model: { layers: [ core.embedding: { count: 16, dimension: 2 } ] }
                        loss: core.cross_entropy
                        """))
            }.replacing("'\(file.path)'", with: "F")
        }
        #expect(
            open("words\tc\na\tx\n", "{ text: { from: word, tokenizer: data.words } }")
                == "data.table has no text 'word', which 'data.text.text' reads; it has texts 'words'; did you mean 'words'?"
        )
        #expect(
            open("t\tc\na\tx\n\u{3000}\tx\n", "{ t: { tokenizer: data.words } }")
                == "data.table: sample 2 has no text in field 't': the tokenizer finds no token in it; leave it out of the data"
        )
        #expect(open("t\tc\na\tx\n\t\tx\n", "{ t: { tokenizer: data.words } }").contains("line 3"))
        #expect(
            open("t\tc\nabc\tx\n", "{ t: { tokenizer: data.words, maximum: 1, too_long: skip } }") == "made")
        #expect(
            open("t\tc\na b\tx\n", "{ t: { tokenizer: data.words, maximum: 1, too_long: skip } }")
                == "data.table: every sample is left out because its text is too long")
        // Texts without 'data.text'.
        let file = TextFile("t\tc\na\tx\n")
        let recipe = try textRecipe(
            """
            data: { train: { reader: data.table, path: "\(file.path)", label: c }, input: t }
            model: { input: [4], layers: [ core.relu ] }
            loss: core.cross_entropy
            """)
        #expect(
            fault { try Dataset(recipe) }
                == "field 't' of data.table is text: say under 'data.text' how it becomes the input")
    }
}

/// What the log was told.
final class LogLines: @unchecked Sendable {
    private(set) var lines: [String] = []
    func add(_ line: String) { lines.append(line) }
}
