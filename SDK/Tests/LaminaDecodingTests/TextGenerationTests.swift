import LaminaFormats
import LaminaSDK
import LaminaTesting
import Testing

@testable import LaminaDecoding

/// A task as a family makes it, for models that see all tokens so far.
struct Generate: ModelTask {
    static let name = TextGeneration.name
    static let documentation = TextGeneration.documentation
    static let usage = TextGeneration.usage
    static let attributes = TextGeneration.attributes

    private let generation: TextGeneration

    init(_ attributes: Attributes, host: Host) throws { generation = try TextGeneration(attributes, host: host) }

    func run(_ model: TaskModel, _ arguments: [String], _ answer: TaskAnswer) throws {
        let language = try LanguageModel(model)
        try generation.run(language, arguments, answer) { _ in try language.decoder() }
    }
}

/// `generate` on a made-up model: each token is followed by the next of the vocabulary, the last by the first.
@Suite struct TextGenerationTests {
    private func model(_ text: String, extra: Int = 0, other: Float = -5) throws -> TaskHarness {
        let known = text.unicodeScalars.count
        let size = 4 + known + extra
        let graph = """
            {"inputs": [{"name": "text", "dtype": "int64", "shape": ["N", "T"]}],
             "nodes": [{"name": "dense", "component": "core.dense", "inputs": ["text"]}],
             "outputs": [{"name": "output", "from": "dense"}]}
            """
        return TaskHarness(
            graph: graph, texts: ["text": TaskHarness.TextInput(try TokenizerHarness.scalars(text))]
        ) { given, _ in
            let tokens = given[0].value.elements(as: Int64.self)
            return [
                TensorValue(
                    given[0].value.shape + [size],
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

    /// A model of rows of one length has no room for a text that grows.
    @Test func rowsOfOneLength() throws {
        let fixed = TaskHarness(
            graph: """
                {"inputs": [{"name": "text", "dtype": "int64", "shape": ["N", 64]}],
                 "nodes": [{"name": "dense", "component": "core.dense", "inputs": ["text"]}],
                 "outputs": [{"name": "output", "from": "dense"}]}
                """, texts: ["text": TaskHarness.TextInput(try TokenizerHarness.scalars("abc"))])
        #expect { try fixed.run(.task(Generate.self), arguments: ["a"]) } throws: {
            "\($0)".contains("'text' of the model takes rows of 64 tokens")
                && "\($0)".contains("generate needs a model with 'shape: [T]'")
        }
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

    /// A made-up model whose logits follow from all tokens so far, [rows, T] of them.
    private func table(_ text: String, seed: UInt64) throws -> TaskHarness {
        let known = text.unicodeScalars.count
        let graph = """
            {"inputs": [{"name": "text", "dtype": "int64", "shape": ["N", "T"]},
                        {"name": "count", "dtype": "int64", "shape": ["N"]}],
             "nodes": [{"name": "dense", "component": "core.dense", "inputs": ["text", "count"]}],
             "outputs": [{"name": "output", "from": "dense"}]}
            """
        return TaskHarness(
            graph: graph, texts: ["text": TaskHarness.TextInput(try TokenizerHarness.scalars(text), begin: true)]
        ) { given, _ in
            let (tokens, steps) = (given[0].value.elements(as: Int64.self), given[0].value.shape[1])
            let rows = given[0].value.shape[0]
            #expect(given[1].value.elements(as: Int64.self) == Array(repeating: Int64(steps), count: rows))
            var logits: [Float] = []
            for row in 0..<rows {
                for step in 0..<steps {
                    logits += BeamSearchTests.Table.logits(
                        Array(tokens[row * steps...row * steps + step]), 4 + known, seed)
                }
            }
            return [TensorValue([rows, steps, 4 + known], logits)]
        }
    }

    /// The best of all texts, found by a beam that drops none of them.
    @Test func aBeamFindsTheMostProbableText() throws {
        for seed in 1...5 as ClosedRange<UInt64> {
            let rows = try table("abc", seed: seed).run(
                .task(Generate.self), ["beam": 300, "samples": 4, "length": 4], arguments: ["ab"]
            ).rows
            func logProbability(_ tokens: [Int64]) -> Double {
                var sum = 0.0
                for count in 3..<tokens.count {
                    var values = [Double](repeating: 0, count: 7)
                    logProbabilities(
                        BeamSearchTests.Table.logits(Array(tokens[..<count]), 7, seed), 7, into: &values)
                    sum += values[Int(tokens[count])]
                }
                return sum
            }
            // <bos> and "ab", then what follows; neither <pad> nor <bos> ever does, <unk> is a token.
            var open: [[Int64]] = [[2, 4, 5]]
            var all: [(text: String, value: Double)] = []
            for length in 1...4 {
                let longer = open.flatMap { beginning in ([1, 3, 4, 5, 6] as [Int64]).map { beginning + [$0] } }
                open = longer.filter { $0.last != 3 }
                for tokens in longer where length == 4 || tokens.last == 3 {
                    let letters = tokens.dropFirst().filter { $0 > 3 }.map { ["a", "b", "c"][Int($0) - 4] }
                    all.append((letters.joined(), logProbability(tokens)))
                }
            }
            all.sort { $0.value > $1.value }
            #expect(rows.map { $0["text"] } == all.prefix(4).map { .string($0.text) }, "seed \(seed)")
            for (row, want) in zip(rows, all) {
                guard case .number(let got)? = row["log_probability"] else { continue }
                #expect(abs(got - want.value) < 1e-5)
            }
            #expect(rows.count == 4 && rows.map { $0["rank"] } == [1, 2, 3, 4])
        }
    }

    /// Nothing of a stop word is told, in however many tokens it comes, and no token is drawn behind it.
    @Test func stopWords() throws {
        for (stop, wanted) in [
            (["de"], "abc"), (["cx", "e"], "abcd"), (["fab"], "abcde"), (["zz"], "abcdefabcdefab"),
            (["cde", "d"], "abc"),
            // The prompt's own text stops nothing.
            (["ab"], "abcdef"), (["bc"], "abcdefa"),
        ] {
            let attributes: JSONObject = [
                "temperature": 0, "length": 12, "stop": .array(stop.map { .string($0) }),
            ]
            let answer = try model("abcdef").run(.task(Generate.self), attributes, arguments: ["ab"])
            #expect(answer.text == wanted, "\(stop)")
            let rows = try model("abcdef").run(
                .task(Generate.self), attributes.merging(["samples": 2]), arguments: ["ab"]
            ).rows
            #expect(rows.map { $0["text"] } == [.string(wanted), .string(wanted)])
            let searched = try model("abcdef").run(
                .task(Generate.self), ["beam": 2, "length": 12, "stop": attributes["stop"]!], arguments: ["ab"])
            #expect(searched.text == wanted, "\(stop)")
        }
    }

    /// What of the text may still become a stop word is not told before it is certain.
    @Test func pieces() {
        var stops = StopWords(["stop", "toppings"])
        let pieces = ["a s", "to", " st", "o", "pping", "s"].map { stops.next($0) }
        #expect(pieces == ["a ", "", "sto ", "", "", ""])
        #expect(stops.isReached && stops.next("x") == "" && stops.rest() == "")

        var open = StopWords(["€uro", "é"])
        #expect(["a€", "ur", "a", "€u"].map { open.next($0) } == ["a", "", "€ura", ""])
        #expect(!open.isReached && open.rest() == "€u")
        // The first that is complete counts; of two that are complete at once, the longer.
        for (words, text, wanted) in [
            (["abc", "b"], "xabc", "xa"), (["bc", "abc"], "xabc", "x"), (["aab"], "aaab", "a"), ([], "ab", "ab"),
        ] as [([String], String, String)] {
            var whole = StopWords(words)
            #expect(whole.next(text) + whole.rest() == wanted)
            var single = StopWords(words)
            #expect(text.map { single.next(String($0)) }.joined() + single.rest() == wanted)
        }
    }

    @Test(
        arguments: [
            (["stop": ["a", ""]], "stop has an empty text"), (["beam": 2, "temperature": 0.5], "a beam draws nothing"),
            (["beam": 2, "top_k": 3], "a beam draws nothing"), (["beam": 2, "seed": 1], "a beam draws nothing"),
            (["beam": 2, "samples": 3], "samples is 3, but the search keeps 2"),
            (["length_penalty": 1], "give beam, or leave it out"),
        ] as [(JSONObject, String)])
    func whatDoesNotGoTogether(_ attributes: JSONObject, _ wanted: String) throws {
        let model = try model("abc")
        #expect {
            try model.run(.task(Generate.self), attributes, arguments: ["a"])
        } throws: { "\($0)".contains(wanted) }
    }
}
