import Foundation
import LaminaFormats
import LaminaSDK
import LaminaTesting
import Testing

@testable import Word2Vec

/// Procedures and tasks through the C ABI, as a host runs them.
@Suite struct ComponentTests {
    private typealias Saved = (json: String, parameters: [TensorValue], states: [TensorValue])

    /// The parameters that the definition's nodes have.
    private func parameters(_ procedure: ProcedureHarness) throws -> [TensorValue] {
        try procedure.definition.nodes.map { node in
            guard case .integer(let count)? = node.attributes["count"],
                case .integer(let dimension)? = node.attributes["dimension"]
            else { throw CocoaError(.coderValueNotFound) }
            #expect(node.component == "core.embedding")
            return .filled(.float32, [Int(count), Int(dimension)], 1)
        }
    }

    private func recipe(_ path: String, _ more: [(String, JSON)] = []) -> JSONObject {
        JSONObject(
            [
                ("corpus", .string(path)), ("dimensions", 16), ("min_count", 1), ("sample", 0), ("deterministic", true),
                ("learning_rate", 0.05),
            ] + more)
    }

    private func train(_ procedure: ProcedureHarness) throws -> Int {
        var words = 0.0
        var last = ProcedureProgress()
        repeat {
            last = try procedure.step()
            words += last.items
            #expect(last.lossCount > 0 && last.lossSum > 0)
        } while !last.isFinished
        #expect(last.fraction == 1)
        try procedure.publish()
        return Int(words)
    }

    @Test(arguments: [Component.procedure(SkipGram.self), .procedure(BagOfWords.self)], [false, true])
    func trainsAModelThatAnswers(_ component: Component, _ hasSubwords: Bool) throws {
        let folder = try Folder()
        let path = try folder.file("corpus.txt", topics(sentences: 3000))
        let more: [(String, JSON)] = hasSubwords ? [("subwords", [2, 4]), ("buckets", 500)] : []
        let procedure = try ProcedureHarness(component, recipe(path, more))
        let definition = procedure.definition
        #expect(definition.inputs.map(\.name) == (hasSubwords ? ["words", "buckets"] : ["words"]))
        #expect(definition.outputs.map(\.name) == (hasSubwords ? ["vectors", "ngrams"] : ["vectors"]))
        #expect(definition.states.map(\.name) == (hasSubwords ? ["output", "input"] : ["output"]))
        #expect(definition.progress.last?.fraction == 1)
        try procedure.start(try parameters(procedure), seed: 3, epochs: 8)
        #expect(try train(procedure) == 8 * 8 * 3000)

        let names = ["vectors.weight", "ngrams.weight"]
        let task = TaskHarness(
            parameters: procedure.parameters.enumerated().map { (names[$0.offset], $0.element) },
            assets: definition.assets)
        let near = try task.run(.task(Nearest.self), ["top": 3], arguments: ["t3w1"])
        #expect(near.rows.count == 3)
        for row in near.rows { #expect(row["word"]?.text().contains("t3") == true) }
        let odd = try task.run(.task(DoesntMatch.self), arguments: ["t1w0", "t1w1", "t2w0", "t1w2"])
        #expect(odd.rows[0]["word"] == "t2w0")
        // Only parts of words tell anything of unknown ones.
        if hasSubwords {
            let unknown = try task.run(.task(Nearest.self), ["top": 1], arguments: ["t5w3w3"])
            #expect(unknown.rows[0]["word"]?.text().contains("t5") == true)
        } else {
            let text = failure { _ = try task.run(.task(Nearest.self), arguments: ["t5w3w3"]) }
            #expect(text.contains("'t5w3w3' is not in the vocabulary of 96 words; did you mean"))
        }
    }

    @Test(arguments: [Component.procedure(SkipGram.self), .procedure(BagOfWords.self)], [false, true])
    func resumesWithTheSameBits(_ component: Component, _ hasSubwords: Bool) throws {
        let folder = try Folder()
        // More than one step per epoch.
        let path = try folder.file("corpus.txt", topics(sentences: 110_000))
        let more: [(String, JSON)] = hasSubwords ? [("subwords", [3, 3]), ("buckets", 50)] : []
        let attributes = recipe(path, more)
        func harness() throws -> ProcedureHarness { try ProcedureHarness(component, attributes) }
        let whole = try harness()
        try whole.start(try parameters(whole), seed: 1, epochs: 1)
        _ = try train(whole)
        let first = try harness()
        try first.start(try parameters(first), seed: 1, epochs: 1)
        #expect(try !first.step().isFinished)
        try first.publish()
        let saved = try first.save()
        let second = try harness()
        try second.restore(saved, seed: 1, epochs: 1)
        _ = try train(second)
        #expect(second.parameters == whole.parameters)
        #expect(second.states == whole.states)

        // As many bytes and words, but others.
        var edited = topics(sentences: 110_000)
        edited.replaceSubrange(edited.range(of: "t0w0")!, with: "t1w0")
        _ = try folder.file("corpus.txt", edited)
        let changed = try harness()
        #expect(failure { try changed.restore(saved) }.contains("or their counts are others than when"))
        _ = try folder.file("corpus.txt", topics(sentences: 110_000))
        if !hasSubwords {
            let costly = try ProcedureHarness(component, recipe(path, [("loss", "full_softmax")]))
            #expect(failure { try costly.restore(saved) }.contains("stopped with another loss"))
        }
        let longer = try folder.file("corpus.txt", topics(sentences: 110_001))
        #expect(longer == path)
        let other = try harness()
        #expect(failure { try other.restore(saved) }.contains("resume with the same file, or train without --resume"))
        let damaged: Saved = ("{\"epoch\": 0}", saved.parameters, saved.states)
        #expect(failure { try other.restore(damaged) }.contains("damaged"))
    }

    /// A word costs as much as the vocabulary is large: steps read the less.
    @Test func stepsOfTheFullSoftmaxAreShort() throws {
        let folder = try Folder()
        let path = try folder.file("corpus.txt", topics(sentences: 20_000))
        let procedure = try ProcedureHarness(.procedure(SkipGram.self), recipe(path, [("loss", "full_softmax")]))
        try procedure.start(try parameters(procedure))
        let progress = try procedure.step()
        #expect(!progress.isFinished && progress.fraction < 0.5)
    }

    @Test func refusesWhatCannotBe() throws {
        let folder = try Folder()
        let path = try folder.file("corpus.txt", "a b c\n")
        func told(_ more: [(String, JSON)]) -> String {
            failure { _ = try ProcedureHarness(.procedure(SkipGram.self), recipe(path, more)) }
        }
        #expect(told([]) == "")
        #expect(told([("subwords", [4, 3])]).contains("wanted the shortest length, then the longest"))
        #expect(told([("subwords", [3, 4]), ("loss", "full_softmax")]).contains("in cbow alone"))
        #expect(told([("min_learning_rate", 0.5)]).contains("above learning_rate (0.05)"))
        #expect(told([("loss", "softmax")]).contains("full_softmax"))
        let many = try folder.file("many.txt", (0..<70_000).map { "w\($0) " }.joined())
        let text = failure {
            _ = try ProcedureHarness(
                .procedure(SkipGram.self), ["corpus": .string(many), "min_count": 1, "loss": "full_softmax"])
        }
        #expect(text.contains("full_softmax is for up to 65536 words, the corpus has 70000"))
    }

    /// Words of one gender and of the other; see `QuestionTests`.
    private func model() -> TaskHarness {
        let values: [Float] = [1, 0, 1, 1, 0, -1, 0, 1, 1, 0, 1, -1, 2.1, 0.3, 2]
        return TaskHarness(
            parameters: [("vectors.weight", TensorValue([5, 3], values))],
            assets: ["vocab.txt": Array("king 9\nqueen 8\nman 7\nwoman 6\nprince 5\n".utf8)])
    }

    @Test func questions() throws {
        let analogy = try model().run(.task(Analogy.self), arguments: ["man", "king", "woman"])
        #expect(analogy.rows[0]["word"] == "queen")
        let product = try model().run(.task(Analogy.self), ["by": "product"], arguments: ["man", "king", "woman"])
        #expect(product.rows[0]["word"] == "queen")
        #expect(
            failure { _ = try model().run(.task(Analogy.self), arguments: ["man"]) }.contains(
                "got 1 words, wanted three"))
        let similarity = try model().run(.task(Similarity.self), arguments: ["king", "man"])
        guard case .number(let cosine)? = similarity.rows[0]["similarity"] else {
            Issue.record("no number")
            return
        }
        #expect(abs(cosine - 0.5) < 1e-6)
        #expect(failure { _ = try model().run(.task(Similarity.self), arguments: ["king"]) }.contains("wanted two"))
        #expect(
            failure { _ = try model().run(.task(DoesntMatch.self), arguments: ["king", "man"]) }.contains(
                "three or more"))
        #expect(failure { _ = try model().run(.task(Nearest.self)) }.contains("wanted one word or more"))
        let near = try model().run(.task(Nearest.self), ["top": 2], arguments: ["king", "man"])
        #expect(near.rows.count == 2 && near.rows[0]["word"] == "prince")
    }

    @Test func modelsWithoutWords() {
        let empty = failure { _ = try TaskHarness().run(.task(Nearest.self), arguments: ["a"]) }
        #expect(empty.contains("holds no word vectors"))
        let weight = ("vectors.weight", TensorValue([2, 1], [1, 2]))
        let short = TaskHarness(parameters: [weight], assets: ["vocab.txt": Array("a 1\n".utf8)])
        #expect(failure { _ = try short.run(.task(Nearest.self), arguments: ["a"]) }.contains("has 1 words"))
        let double = TaskHarness(parameters: [weight], assets: ["vocab.txt": Array("a 1\na 1\n".utf8)])
        #expect(failure { _ = try double.run(.task(Nearest.self), arguments: ["a"]) }.contains("line 2"))
    }

    @Test func damagedModels() throws {
        let folder = try Folder()
        let words = ["vocab.txt": Array("a 1\nb 1\n".utf8)]
        let infinite = TaskHarness(parameters: [("vectors.weight", TensorValue([2, 1], [1, .nan]))], assets: words)
        let map = failure { _ = try infinite.run(.task(Map.self), arguments: [folder.path + "/map.svg"]) }
        #expect(map.contains("the vector of 'b' has numbers that are not finite: the model is damaged"))
        for (shortest, longest) in [(1, Int.max), (1, 101), (3, 2), (0, 3)] {
            let json = "{\"shortest\": \(shortest), \"longest\": \(longest), \"buckets\": 2}"
            let endless = TaskHarness(
                parameters: [
                    ("vectors.weight", TensorValue([2, 1], [1, 2])), ("ngrams.weight", TensorValue([2, 1], [1, 2])),
                ], assets: words.merging(["subwords.json": Array(json.utf8)]) { $1 })
            let text = failure { _ = try endless.run(.task(Nearest.self), arguments: ["unknown"]) }
            #expect(text.contains("n-grams of \(shortest) to \(longest) letters in 2 buckets: wanted 1 to 100"))
        }
    }

    @Test func evaluatesBothForms() throws {
        let folder = try Folder()
        let pairs = try folder.file("pairs.tsv", "king\tprince\t9\nking\tqueen\t1\nking\tman\t4\nking\tx\t2\n")
        let row = try model().run(.task(Evaluate.self), arguments: [pairs]).rows[0]
        #expect(row["pairs"] == 4 && row["unknown_percent"]?.text() == "25.0")
        // The header of WordSim-353 as it is published has four words, too.
        let published = "Word 1,Word 2,Human (mean)\nking,prince,9\nking,queen,1\nking,man,4\n"
        let combined = try model().run(.task(Evaluate.self), arguments: [folder.file("combined.csv", published)])
        #expect(combined.rows[0]["pairs"] == 3 && combined.rows[0]["unknown_percent"]?.text() == "0.0")
        let analogies = try folder.file("analogies.txt", ": one\nman king woman queen\n: two\nman king woman man\n")
        let rows = try model().run(.task(Evaluate.self), arguments: [analogies]).rows
        #expect(rows.map { $0["section"] } == ["one", "two", "all"])
        #expect(rows[2]["accuracy_percent"]?.text() == "50.0")
        #expect(failure { _ = try model().run(.task(Evaluate.self)) }.contains("got 0 files, wanted one"))
        let none = try folder.file("none.tsv", "x\ty\t1\ny\tx\t2\n")
        #expect(
            failure { _ = try model().run(.task(Evaluate.self), arguments: [none]) }.contains("0 are in the vocabulary")
        )
    }

    @Test func exportsMapsAndImports() throws {
        let folder = try Folder()
        for format in VectorFormat.allCases {
            let path = folder.path + "/vectors"
            let answer = try model().run(.task(Export.self), ["form": .string(format.rawValue)], arguments: [path])
            #expect(answer.files == [path])
            let procedure = try ProcedureHarness(
                .procedure(ImportVectors.self), ["path": .string(path), "form": .string(format.rawValue)])
            try procedure.start(try parameters(procedure))
            #expect(try procedure.step().isFinished)
            #expect(procedure.parameters[0].floats == [1, 0, 1, 1, 0, -1, 0, 1, 1, 0, 1, -1, 2.1, 0.3, 2])
            let task = TaskHarness(
                parameters: [("vectors.weight", procedure.parameters[0])], assets: procedure.definition.assets)
            #expect(try task.run(.task(Nearest.self), ["top": 1], arguments: ["king"]).rows[0]["word"] == "prince")
        }
        let map = folder.path + "/map.svg"
        _ = try model().run(.task(Map.self), arguments: [map, "king", "queen", "prince"])
        let svg = try String(contentsOfFile: map, encoding: .utf8)
        #expect(svg.contains(">queen</text>") && !svg.contains(">man</text>"))
        _ = try model().run(.task(Map.self), ["top": 2, "skip": 2], arguments: [map])
        #expect(try String(contentsOfFile: map, encoding: .utf8).contains(">woman</text>"))
        #expect(
            failure { _ = try model().run(.task(Map.self), ["skip": 4], arguments: [map]) }.contains("lower --skip"))
        #expect(failure { _ = try model().run(.task(Map.self)) }.contains("is the file to write, as in words.svg"))
    }
}
