import Foundation
import LaminaFormats
import Testing

/// Sequences from sequences and text from text, through the command: training, then tasks in new processes.
@Suite("Tasks on sequences", .needs("Core", "Data", "RNN"))
struct SequenceTaskTests {
    private static let ones = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    private static let tens = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]

    /// "forty two" and "42", for 20 to 99 that end in another digit than 0.
    private func pairs() -> [(String, String)] {
        (20..<100).filter { $0 % 10 != 0 }.map { ("\(Self.tens[$0 / 10 - 2]) \(Self.ones[$0 % 10])", "\($0)") }
    }

    private func translator(_ folder: Folder, lengths: Bool = true) throws {
        try folder.trainTranslator(
            pairs(), source: "data.words",
            block: "rnn.encoder_decoder: { source_vocabulary: 32, target_vocabulary: 16, units: 32 }", lengths: lengths,
            learningRate: 0.01, epochs: 40, batch: 16)
    }

    @Test func translation() throws {
        let folder = try Folder()
        try translator(folder)
        try folder.lamina("selftest", "m.lamina").succeeded()
        let greedy = try folder.lamina("task", "m.lamina", "translate", "--file", "lines.tsv", "--format", "json")
        greedy.succeeded()
        let beam = try folder.lamina(
            "task", "m.lamina", "translate", "--file", "lines.tsv", "--beam", "4", "--format", "json")
        beam.succeeded()
        let (left, right) = try (greedy.rows(), beam.rows())
        #expect(left.count == 73 && right.count == 73)
        #expect(try left[72]["exact_match"].number() > 0.9)
        for (greedy, beam) in zip(left, right).dropLast() {
            // Rows beside each other are computed together, which rounds differently.
            #expect(try beam["log_probability"].number() >= greedy["log_probability"].number() - 1e-4)
        }

        // All options at once; three rows per text, and one that sums up.
        let best = try folder.lamina(
            "task", "m.lamina", "translate", "forty two", "--beam", "5", "--n-best", "3", "--length-penalty", "0.6",
            "--file", "lines.tsv", "--attention", "a.svg")
        best.succeeded()
        let lines = best.output.split(separator: "\n").map { $0.split(separator: "\t") }
        #expect(lines.count == 3 * 73 + 1 && lines[0][2] == "42" && lines.prefix(3).map { $0[1] } == ["1", "2", "3"])
        // A cell stays a cell, whatever the text says.
        let odd = try folder.lamina("task", "m.lamina", "translate", "forty\ttwo\u{1B}[2J")
        #expect(odd.output.hasPrefix("forty two [2J\t") && odd.output.split(separator: "\t").count == 3, "\(odd)")
        let drawing = String(decoding: try folder.bytes("a.svg"), as: UTF8.self)
        #expect(drawing.contains(">forty<") && drawing.contains("&lt;eos&gt;") && drawing.hasSuffix("</svg>\n"))
    }

    /// A model that is told no lengths has learned from rows with padding, and gets such again.
    @Test func translationWithoutLengths() throws {
        let folder = try Folder()
        try translator(folder, lengths: false)
        let answer = try folder.lamina("task", "m.lamina", "translate", "--file", "lines.tsv", "--format", "json")
        answer.succeeded()
        #expect(try (answer.rows().last?["exact_match"]).number() > 0.9)
        // As many answers as there can be: none of them has a token that the vocabulary lacks.
        let wide = try folder.lamina("task", "m.lamina", "translate", "forty two", "--beam", "64", "--n-best", "64")
        wide.succeeded()
    }

    @Test func whatTranslationRefuses() throws {
        let folder = try Folder()
        try translator(folder)
        for (arguments, wanted, code) in [
            (["translate"], "there is no text to translate", 2),
            (["translate", "a", "--n-best", "2"], "raise beam", 2),
            (["translate", "a", "--beam", "0"], "beam", 2), (["translate", "--file", "none.tsv"], "none.tsv", 4),
            (["translat"], "did you mean 'translate'?", 2),
            (["translate", "a", "--bean", "2"], "did you mean '--beam'?", 2),
            (["generate", "a"], "only a model of one input of tokens", 4),
        ] {
            let outcome = try folder.lamina(["task", "m.lamina"] + arguments)
            #expect(outcome.status == Int32(code), "\(arguments): \(outcome.errors)")
            #expect(outcome.errors.contains(wanted), "\(arguments): \(outcome.errors)")
        }
        let list = try folder.lamina("task", "m.lamina")
        #expect(list.output.contains("translate") && list.output.contains("generate"))
        let help = try folder.lamina("task", "m.lamina", "translate", "--help")
        #expect(
            help.output.contains("--length-penalty") && help.output.contains("usage: lamina task MODEL translate TEXT…")
        )
    }

    /// A language model of "abcabc…"; `layers` stand between its embedding and its output.
    private func languageModel(_ folder: Folder, _ layers: String, name: String = "m", carry: String = "") throws {
        try folder.trainLanguageModel(
            name, text: String(repeating: "abc", count: 133), stream: 8,
            layers: ["- core.embedding: { count: 8, dimension: 8 }", layers, "- core.dense: { units: 8 }"],
            carry: carry, learningRate: 0.02, epochs: 30)
    }

    @Test func generation() throws {
        let folder = try Folder()
        let carry =
            "carry: { hidden: { shape: [1, N, 16], from: \"lstm:1\" }, cell: { shape: [1, N, 16], from: \"lstm:2\" } }"
        for (name, carries) in [("carried", true), ("whole", false)] {
            try languageModel(
                folder,
                """
                - rnn.lstm: { units: 16 }
                  name: lstm
                  from: [embedding_1\(carries ? ", ~, hidden, cell" : "")]
                """, name: name, carry: carries ? carry : "")
            let task = ["task", name + ".lamina", "generate", "ab", "--length", "10"]
            let certain = try folder.lamina(task + ["--temperature", "0"])
            #expect(certain.output == "abcabcabcabc\n", "\(name): \(certain.errors)")
            let random = try folder.lamina(task + ["--temperature", "5", "--seed", "7"])
            #expect(try folder.lamina(task + ["--temperature", "5", "--seed", "7"]).output == random.output)
            #expect(try folder.lamina(task + ["--temperature", "5", "--seed", "8"]).output != random.output)
            let several = try folder.lamina(task + ["--samples", "3", "--format", "json"])
            #expect(try several.rows().count == 3)
        }
    }

    /// A block of layers of other plugins: its own plugin's tasks are offered all the same.
    @Test(.needs("CNN")) func tasksOfABlockWhoseLayersAreOthers() throws {
        let folder = try Folder()
        try languageModel(folder, "- rnn.tcn: { filters: [16], kernel: 3 }")
        let certain = try folder.lamina("task", "m.lamina", "generate", "ab", "--length", "4", "--temperature", "0")
        #expect(certain.output == "abcabc\n", "\(certain.errors)")
    }
}
