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
        let text = TaskHarness.TextInput(try TokenizerHarness.scalars("abcde"))
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
}

/// `generate` on a made-up model with states: it says the alphabet backwards from the prompt's last letter, and knows where
/// it is only by its state.
@Suite struct GenerateTests {
    private func model(_ told: Told) throws -> TaskHarness {
        let graph = """
            {"inputs": [{"name": "text", "dtype": "int64", "shape": ["N", "T"]},
                        {"name": "hidden", "dtype": "float32", "shape": [1, "N", 1]}],
             "nodes": [{"name": "rnn", "component": "rnn.gru", "inputs": ["text", null, "hidden"]},
                       {"name": "dense", "component": "core.dense", "inputs": ["rnn"]}],
             "outputs": [{"name": "output", "from": "dense"}, {"name": "next", "from": "rnn:1"}],
             "carry": [{"input": "hidden", "output": "next"}]}
            """
        let text = TaskHarness.TextInput(try TokenizerHarness.scalars("abcdefgh"))
        return TaskHarness(graph: graph, texts: ["text": text]) { given, wanted in
            #expect(wanted == ["dense", "rnn:1"])
            let tokens = given.first { $0.reference == "text" }!.value
            var state = given.first { $0.reference == "hidden" }!.value.floats
            let (rows, steps) = (tokens.shape[0], tokens.shape[1])
            told.shapes.append(tokens.shape)
            var logits = [Float](repeating: -5, count: rows * steps * 12)
            for row in 0..<rows {
                for step in 0..<steps {
                    let token = tokens.elements(as: Int64.self)[row * steps + step]
                    // The first tokens set the state, the others count it down.
                    state[row] = state[row] == 0 || step > 0 ? Float(token) : state[row] - 1
                    logits[(row * steps + step) * 12 + max(Int(state[row]) - 1, 3)] = 5
                }
            }
            return [TensorValue([rows, steps, 12], logits), TensorValue([1, rows, 1], state)]
        }
    }

    final class Told { var shapes: [[Int]] = [] }

    @Test func statesAreCarried() throws {
        let told = Told()
        let answer = try model(told).run(.task(Generate.self), ["temperature": 0], arguments: ["af"])
        #expect(answer.text == "afedcba")
        #expect(told.shapes == [[1, 2]] + Array(repeating: [1, 1], count: 5))
    }

    /// A search takes states along.
    @Test func statesFollowTheBeam() throws {
        let told = Told()
        let answer = try model(told).run(.task(Generate.self), ["beam": 3], arguments: ["af"])
        #expect(answer.text == "afedcba")
        #expect(told.shapes[1] == [3, 1])
    }
}
