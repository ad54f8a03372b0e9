import Foundation
import LaminaFormats
import LaminaSDK
import LaminaTesting
import Testing

@testable import RNN

/// `translate` on a made-up model: it says the text's first letter as often as the text has letters.
@Suite struct TranslateTests {
    /// What the model was asked: how many texts of which length its encoder got at a time.
    final class Calls {
        var encoded: [[Int]] = []
    }

    private func model(lengths: Bool = false, extra: Int = 0, calls: Calls = Calls()) throws -> TaskHarness {
        let size = 4 + 5 + extra
        let graph = """
            {"inputs": [{"name": "source", "dtype": "int64", "shape": ["N", "S"]},
                        {"name": "shifted", "dtype": "int64", "shape": ["N", "T"]}
                        \(lengths ? ", {\"name\": \"lengths\", \"dtype\": \"int64\", \"shape\": [\"N\"]}" : "")],
             "nodes": [{"name": "encoder.rnn", "component": "rnn.gru", "inputs": ["source"]},
                       {"name": "decoder.embedding", "component": "core.embedding", "inputs": ["shifted"]},
                       {"name": "decoder.rnn", "component": "rnn.gru",
                        "inputs": ["decoder.embedding", null, "encoder.rnn:1"]},
                       {"name": "decoder.output", "component": "core.dense", "inputs": ["decoder.rnn"]}],
             "outputs": [{"name": "logits", "from": "decoder.output"}]}
            """
        let text = TaskHarness.TextInput(try Scalars.harness("abcde"))
        return TaskHarness(graph: graph, texts: ["source": text, "shifted": text]) { given, wanted in
            // The state: the letter, and how often it is still to be said.
            if wanted == ["encoder.rnn:1"] {
                let source = given.first { $0.reference == "source" }!.value
                calls.encoded.append(source.shape)
                let tokens = source.elements(as: Int64.self)
                let told = given.first { $0.reference == "lengths" }?.value.elements(as: Int64.self)
                let (rows, steps) = (source.shape[0], source.shape[1])
                return [
                    TensorValue(
                        [1, rows, 2],
                        (0..<rows).flatMap { row in
                            [steps == 0 ? 0 : Float(tokens[row * steps]), Float(told?[row] ?? Int64(steps))]
                        })
                ]
            }
            var state = given.first { $0.reference == "encoder.rnn:1" }!.value.floats
            var logits: [Float] = []
            for row in 0..<state.count / 2 {
                var values = [Float](repeating: -5, count: size)
                values[state[2 * row + 1] > 0 ? Int(state[2 * row]) : 3] = 5
                for index in 0..<extra { values[size - 1 - index] = 50 }
                state[2 * row + 1] -= 1
                logits += values
            }
            return [
                TensorValue([state.count / 2, 1, size], logits), TensorValue([1, state.count / 2, 2], state),
            ]
        }
    }

    private func cells(_ answer: TaskHarness.Answer, _ name: String) -> [JSON?] { answer.rows.map { $0[name] } }

    private func file(_ text: String, _ body: (String) throws -> Void) throws {
        let url = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: url) }
        try Data(text.utf8).write(to: url)
        try body(url.path)
    }

    /// Without lengths only texts of one length run together, but all of them; answers stay in the order of the texts.
    @Test func textsOfOneLengthRunTogether() throws {
        let texts = ["a", "bbb", "c", "ddd", "ee", "e"]
        let calls = Calls()
        let answer = try model(calls: calls).run(.task(Translate.self), ["beam": 2], arguments: texts)
        #expect(calls.encoded == [[3, 1], [1, 2], [2, 3]])
        #expect(cells(answer, "text") == texts.map { .string($0) } && cells(answer, "source") == cells(answer, "text"))
        let small = Calls()
        _ = try model(calls: small).run(.task(Translate.self), ["batch": 2], arguments: texts)
        #expect(small.encoded == [[2, 1], [1, 1], [1, 2], [2, 3]])
    }

    @Test func lengthsAreTold() throws {
        let calls = Calls()
        let answer = try model(lengths: true, calls: calls).run(
            .task(Translate.self), ["batch": 3], arguments: ["a", "bbb", "cc", "dd"])
        #expect(calls.encoded == [[3, 3], [1, 2]])
        #expect(cells(answer, "text") == ["a", "bbb", "cc", "dd"])
    }

    @Test func filesOfPairs() throws {
        try file("a\ta\r\nbb\tb\r\n\r\nabc\taaa\r\ndd") { path in
            let answer = try model().run(.task(Translate.self), ["file": .string(path)])
            // The last row sums up.
            #expect(cells(answer, "exact") == [true, false, true, nil, 2])
            #expect(answer.rows.last?["pairs"] == 3)
        }
        for (text, wanted) in [
            ("a\ta\ta", "line 1: wanted a text, or a text, a tab and its answer"),
            ("a\n \ta", "line 2: there is no text before the tab"), ("\n", "there is no text to translate"),
        ] {
            try file(text) { path in
                #expect {
                    try model().run(.task(Translate.self), ["file": .string(path)])
                } throws: { "\($0)".contains(wanted) }
            }
        }
    }

    /// All options of the README's synopsis at once.
    @Test func bestAnswersAndATextOfNothing() throws {
        let answer = try model().run(
            .task(Translate.self), ["beam": 5, "n_best": 3, "length_penalty": 0.6], arguments: ["ab", ""])
        #expect(answer.rows.count == 6)
        #expect(cells(answer, "rank").prefix(3) == [1, 2, 3] && cells(answer, "text").first == "aa")
        #expect(answer.rows[3]["text"] == "")
        #expect {
            try model().run(.task(Translate.self), ["attention": "a.svg"], arguments: ["a"])
        } throws: { "\($0)".contains("the model has none to draw") }
    }

    @Test func tokensThatThereAreNot() throws {
        let answer = try model(extra: 3).run(.task(Translate.self), ["beam": 2], arguments: ["abc"])
        #expect(answer.rows[0]["text"] == "aaa")
    }

    @Test func mapsOfWeightsThatAreNoNumbers() {
        let map = AttentionMap(rows: ["a", "b"], columns: ["<", "\u{7}"], weights: [[.nan, 1], [.infinity]])
        #expect(map.svg.contains("a ← &lt;: 0.0 %") && map.svg.contains("a ← ·: 100.0 %"))
        #expect(map.svg.contains("b ← &lt;: 100.0 %") && map.svg.contains("b ← ·: 0.0 %"))
    }
}

/// `generate` on a made-up model: each token is followed by the next of the vocabulary, the last by the first.
@Suite struct GenerateTests {
    private func model(_ text: String, extra: Int = 0, other: Float = -5) throws -> TaskHarness {
        let known = text.unicodeScalars.count
        let size = 4 + known + extra
        let graph = """
            {"inputs": [{"name": "text", "dtype": "int64", "shape": ["N", "T"]}],
             "nodes": [{"name": "dense", "component": "core.dense", "inputs": ["text"]}],
             "outputs": [{"name": "output", "from": "dense"}]}
            """
        return TaskHarness(
            graph: graph, texts: ["text": TaskHarness.TextInput(try Scalars.harness(text))]
        ) { given, _ in
            let tokens = given[0].value.elements(as: Int64.self)
            return [
                TensorValue(
                    [1, tokens.count, size],
                    tokens.flatMap { token in
                        (0..<size).map { index in
                            index == 4 + (Int(token) - 3) % known ? 5 : index >= 4 + known ? 50 : other
                        }
                    })
            ]
        }
    }

    /// Tokens that change the character before them: a mark, a line feed, a joiner, the second letter of a flag.
    @Test(arguments: ["e\u{301}", "\r\nx", "\u{1F469}\u{200D}\u{1F680}", "\u{1F1E9}\u{1F1EA}", "abc"])
    func nothingIsLost(_ text: String) throws {
        let count = text.unicodeScalars.count
        let prompt = String(text.unicodeScalars.first!)
        let answer = try model(text).run(
            .task(Generate.self), ["temperature": 0, "length": .integer(Int64(3 * count - 1))], arguments: [prompt])
        #expect(Array(answer.text.unicodeScalars) == Array((text + text + text).unicodeScalars))
        let rows = try model(text).run(
            .task(Generate.self), ["temperature": 0, "length": .integer(Int64(count - 1)), "samples": 2],
            arguments: [prompt]
        ).rows
        #expect(rows.map { $0["text"] } == [.string(text), .string(text)])
    }

    @Test func tokensThatThereAreNot() throws {
        for temperature in [0, 1] as [JSON] {
            let answer = try model("abc", extra: 2).run(
                .task(Generate.self), ["temperature": temperature, "length": 20], arguments: ["a"])
            #expect(answer.text.count == 21)
        }
    }

    @Test(arguments: [Float.nan, .infinity]) func logitsThatAreNoNumbers(_ other: Float) {
        #expect {
            try model("abc", other: other).run(.task(Generate.self), arguments: ["a"])
        } throws: { "\($0)".contains("logits that are no numbers") }
    }

    /// Characters of several tokens, as in a vocabulary of bytes, come when they are complete, the last in any case.
    @Test func charactersOfSeveralTokens() throws {
        let bytes = Array("aé€b".utf8) + [0xE2, 0x82]
        var running = RunningText()
        var pieces: [String] = []
        for count in 1...bytes.count {
            pieces.append(
                try running.next(bytes.prefix(count).map(Int64.init)[...], isWhole: count == bytes.count) {
                    String(decoding: $0.map { UInt8($0) }, as: UTF8.self)
                })
        }
        #expect(pieces == ["a", "", "é", "", "", "€", "b", "", "\u{FFFD}"])
    }

    /// Words with spaces between them: how a piece begins depends on what stands before it.
    @Test func wordsAreJoined() throws {
        var running = RunningText()
        let words = ["", "one", "two", "", "three"]
        let pieces = try (1...4).map { count in
            try running.next([1, 2, 0, 4].prefix(count), isWhole: count == 4) { tokens in
                tokens.map { words[Int($0)] }.filter { !$0.isEmpty }.joined(separator: " ")
            }
        }
        #expect(pieces == ["one", " two", "", " three"])
    }
}
