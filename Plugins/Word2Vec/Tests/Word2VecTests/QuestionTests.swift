import LaminaTesting
import Testing

@testable import Word2Vec

@Suite struct QuestionTests {
    private let host = TestHost()

    /// Words on a plane, with a third axis for gender.
    private func sample() -> WordVectors {
        let entries: [(String, [Float])] = [
            ("king", [1, 0, 1]), ("queen", [1, 0, -1]), ("man", [0, 1, 1]), ("woman", [0, 1, -1]),
            ("prince", [2.1, 0.3, 2]), ("apple", [-3, 0.1, 0]), ("nothing", [0, 0, 0]),
        ]
        let words = WordTable()
        let values = floats(3 * entries.count)
        for (i, entry) in entries.enumerated() {
            Array(entry.0.utf8).withUnsafeBufferPointer { _ = words.insert($0) }
            for j in 0..<3 { values[3 * i + j] = entry.1[j] }
        }
        return WordVectors(words, dimension: 3, adopting: values)
    }

    @Test func nearestWords() throws {
        let vectors = sample()
        let questions = WordQuestions(vectors, host: host.host)
        let near = questions.nearest(to: 0, 3)
        #expect(near.map { vectors.words[$0.index] } == ["prince", "man", "queen"])
        #expect(abs(near[0].score - 0.994396) < 1e-5)
        #expect(abs(near[1].score - 0.5) < 1e-6)
        #expect(questions.nearest(to: 0, 100).count == 6)
        #expect(questions.nearest(to: 6, 1)[0].score == 0)
        #expect(abs(questions.similarity(0, 1)) < 1e-6)
        #expect(WordQuestions.best([1, 3, 3, .nan, 2], 3, without: [4]).map(\.index) == [1, 2, 0])
        #expect(WordQuestions.best([1], 0, without: []) == [])
        let scores = (0..<5000).map { Float($0 * $0 % 1013) }
        for count in [1, 2, 7, 1000, 4999, 10_000] {
            let order = scores.indices.filter { $0 != 3 }.sorted { (scores[$1], $0) < (scores[$0], $1) }
            #expect(WordQuestions.best(scores, count, without: [3]).map(\.index) == Array(order.prefix(count)))
        }
        // Neither overflow nor underflow of the squares' product.
        #expect(abs(WordQuestions.cosine([3e15, 0], [3e15, 0]) - 1) < 1e-6)
        #expect(abs(WordQuestions.cosine([1e-16, 0], [1e-16, 0]) - 1) < 1e-6)
    }

    @Test func analogies() throws {
        let vectors = sample()
        let questions = WordQuestions(vectors, host: host.host)
        #expect(vectors.words[questions.analogy(2, 0, 3, 1)[0].index] == "queen")
        #expect(vectors.words[questions.analogyByProducts(2, 0, 3, 1)[0].index] == "queen")
        // (1 + cos)/2 of queen with king, woman, man: 0.5, 0.75, 0.25.
        #expect(abs(questions.analogyByProducts(2, 0, 3, 1)[0].score - 0.5 * 0.75 / 0.251) < 1e-4)
    }

    @Test func whatDoesNotMatch() throws {
        let questions = WordQuestions(sample(), host: host.host)
        let agreement = questions.agreement([0, 4, 5, 1])
        #expect(agreement.indices.min { agreement[$0] < agreement[$1] } == 2)
    }

    @Test func unknownWordsAndTheirLikes() throws {
        let vectors = sample()
        #expect(try vectors.index("queen") == 1)
        #expect(
            failure { _ = try vectors.index("quen") }
                == "'quen' is not in the vocabulary of 7 words; did you mean 'queen'?")
        #expect(failure { _ = try vectors.index("Man") }.contains("did you mean 'man'"))
        #expect(failure { _ = try vectors.index("xylophone") } == "'xylophone' is not in the vocabulary of 7 words")
        #expect(failure { _ = try vectors.index("") }.contains("'' is not in the vocabulary"))
    }

    @Test func correlationsAgreeWithSciPy() throws {
        let x: [Double] = [1, 2, 2, 3, 10, -4, 2, 7.5]
        let y: [Double] = [0.3, 0.1, 0.4, 0.4, 0.9, -1, 0.4, 0.2]
        #expect(Correlation.ranks(x) == [2, 4, 4, 6, 8, 1, 4, 7])
        #expect(abs(try #require(Correlation.pearson(x, y)) - 0.7956705577460954) < 1e-12)
        #expect(abs(try #require(Correlation.spearman(x, y)) - 0.6) < 1e-12)
        let a: [Double] = [
            7, 0, 1, 2, 1, 7, 7, 5, 0, 0, 2, 3, 5, 4, 2, 1, 6, 6, 0, 1, 4, 3, 7, 4, 3, 3, 5, 5, 1, 6, 6, 8, 7, 2, 2, 5,
            5, 6, 7, 2,
        ]
        let b: [Double] = [
            18, 0, 1, 13, 12, 10, 8, 8, 0, 10, 9, 10, 7, 9, 4, 10, 11, 6, 3, 9, 10, 7, 10, 5, 10, 10, 11, 16, 12, 8, 13,
            15, 9, 5, 7, 13, 8, 14, 14, 4,
        ]
        #expect(abs(try #require(Correlation.pearson(a, b)) - 0.5344615465230892) < 1e-12)
        #expect(abs(try #require(Correlation.spearman(a, b)) - 0.4494854653335213) < 1e-12)
        #expect(Correlation.spearman([1, 1, 1], [1, 2, 3]) == nil)
        #expect(Correlation.pearson([1], [1]) == nil)
    }

    @Test func pairsOfWords() throws {
        let folder = try Folder()
        let simlex = try folder.file(
            "simlex.txt", "word1\tword2\tPOS\tScore\nKing\tqueen\tN\t5\nman\tking\tN\t7\nx\ty\tV\t1\r\n")
        let pairs = try WordPairs(path: simlex)
        #expect(pairs.pairs[0] == .init(first: "King", second: "queen", score: 5))
        let result = pairs.evaluate(WordQuestions(sample(), host: host.host))
        #expect(result.pairs == 3 && result.unknown == 1)
        #expect(abs(try #require(result.spearman) - 1) < 1e-12)
        let csv = try folder.file("pairs.csv", "\u{FEFF}# a comment\nking, queen, 5\n\nman,king,7\nman,apple,1\n")
        #expect(try WordPairs(path: csv).pairs.count == 3)
        let bad = try folder.file("bad.tsv", "a\tb\t1\na\tb\n")
        #expect(failure { _ = try WordPairs(path: bad) }.contains("bad.tsv:2: wanted two words and a number"))
        let empty = try folder.file("empty.tsv", "# nothing\n")
        #expect(failure { _ = try WordPairs(path: empty) }.contains("holds 0 pairs"))
        let invalid = try folder.file("invalid.tsv", [0xff, 0xfe, 0x0a])
        #expect(failure { _ = try WordPairs(path: invalid) }.contains("is not UTF-8"))
    }

    @Test func sectionsOfAnalogies() throws {
        let folder = try Folder()
        let path = try folder.file(
            "questions.txt", ": gender\nman king woman queen\nMan King Woman apple\n: other\nman king woman emperor\n")
        let results = try AnalogyQuestions(path: path).evaluate(sample(), limit: 1000, host: host.host)
        #expect(
            results == [
                .init(section: "gender", questions: 2, unknown: 0, right: 1),
                .init(section: "other", questions: 1, unknown: 1, right: 0),
            ])
        // With the three most frequent words only, 'woman' is unknown.
        #expect(try AnalogyQuestions(path: path).evaluate(sample(), limit: 3, host: host.host)[0].unknown == 2)
        let bad = try folder.file("bad.txt", ": s\na b c\n")
        #expect(failure { _ = try AnalogyQuestions(path: bad) }.contains("bad.txt:2: wanted four words"))
        let none = try folder.file("none.txt", ": s\n")
        #expect(failure { _ = try AnalogyQuestions(path: none) }.contains("holds no questions"))
    }

    @Test func mapShowsTheLargestDifferences() throws {
        // 3 · (1, 2, 2)/3 and 1 · (2, 1, -2)/3: variances 9 and 1.
        let points: [[Double]] = [
            [1, 2, 2], [-1, -2, -2], [2.0 / 3, 1.0 / 3, -2.0 / 3], [-2.0 / 3, -1.0 / 3, 2.0 / 3],
        ]
        let components = PrincipalComponents(points.map { $0.map { $0 + 5 } })
        let expected = [(3.0, 0.0), (-3, 0), (0, 1), (0, -1)]
        // Signs follow the largest component of a direction, which for the second one may be either.
        let sign = components.coordinates[2].y > 0 ? 1.0 : -1
        for (got, wanted) in zip(components.coordinates, expected) {
            #expect(abs(got.x - wanted.0) < 1e-9 && abs(got.y * sign - wanted.1) < 1e-9)
        }
        #expect(abs(components.shares.x - 0.9) < 1e-12 && abs(components.shares.y - 0.1) < 1e-12)
        // The farthest points lie on the second direction.
        let far: [[Double]] = [[5, 0], [-5, 0]] + (0..<100).map { [0, $0 % 2 == 0 ? 4 : -4] }
        #expect(PrincipalComponents(far).coordinates.suffix(100).allSatisfy { abs(abs($0.x) - 4) < 1e-6 })
        // Where there is one direction alone, there is no second.
        #expect(PrincipalComponents([[1], [2], [4]]).coordinates.allSatisfy { $0.y == 0 })
        let svg = WordMap([[1, 0], [0, 1], [1, 1]], words: ["a<b", "x&y", "no\u{FFFE}"]).svg
        #expect(svg.contains(">a&lt;b</text>") && svg.contains(">x&amp;y</text>") && svg.contains(">no\u{FFFD}<"))
        #expect(WordMap([[1, 0]], words: ["one"]).svg.contains("cx=\"450.0\""))
        #expect(!WordMap([[1, 1], [1, 1]], words: ["a", "b"]).svg.contains("nan"))
    }
}
