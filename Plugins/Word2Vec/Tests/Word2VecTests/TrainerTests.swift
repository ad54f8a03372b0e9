import LaminaTesting
import Testing

@testable import Word2Vec

@Suite struct TrainerTests {
    static let all: [(Settings.Architecture, Settings.Objective)] =
        [Settings.Architecture.skipGram, .bagOfWords].flatMap { architecture in
            [Settings.Objective.negativeSampling, .hierarchicalSoftmax, .fullSoftmax].map { (architecture, $0) }
        }

    private func settings(_ architecture: Settings.Architecture, _ objective: Settings.Objective) -> Settings {
        var settings = Settings()
        settings.architecture = architecture
        settings.objective = objective
        settings.dimension = 20
        settings.sample = 0
        settings.rate = 0.05
        settings.epochs = 6
        settings.isDeterministic = true
        return settings
    }

    @Test(arguments: all) func findsTopics(_ architecture: Settings.Architecture, _ objective: Settings.Objective)
        throws
    {
        let folder = try Folder()
        let host = TestHost()
        host.threads = 2
        var settings = settings(architecture, objective)
        settings.isDeterministic = false
        let trial = try Trial(folder.file("corpus.txt", topics(sentences: 4000)), settings, host: host)
        let losses = try trial.run()
        #expect(losses.last! < 0.95 * losses.first!)
        #expect(trial.trainer.progress == .init(epoch: 6, chunk: 0, words: 6 * 8 * 4000))
        // Nearly all words' neighbours are of their topic.
        let questions = WordQuestions(trial.vectors, host: host.host)
        let words = trial.vocabulary.words
        let right = (0..<words.count).count {
            words[questions.nearest(to: $0, 1)[0].index].prefix(2) == words[$0].prefix(2)
        }
        #expect(right >= words.count * 9 / 10)
    }

    @Test(arguments: all) func sameBitsAgainAndWhenResumed(
        _ architecture: Settings.Architecture, _ objective: Settings.Objective
    ) throws {
        let folder = try Folder()
        let path = try folder.file("corpus.txt", topics(sentences: 6000))
        var settings = settings(architecture, objective)
        settings.epochs = 2
        settings.sample = 1e-2
        // Several steps per epoch; a deterministic training takes no notice of threads.
        let (one, other) = (TestHost(), TestHost())
        other.threads = 2
        let whole = try Trial(path, settings, host: one, chunkBytes: 1024)
        let losses = try whole.run()
        #expect(losses.count > 4)
        let first = try Trial(path, settings, host: other, chunkBytes: 1024)
        for _ in 0..<3 { _ = try first.trainer.step(first.matrices) }
        let second = try Trial(path, settings, host: other, chunkBytes: 1024)
        _ = second.input.update(from: first.input)
        _ = second.output.update(from: first.output)
        try second.trainer.resume(first.trainer.progress)
        #expect(try second.run() == Array(losses[3...]))
        #expect(Array(second.input) == Array(whole.input))
        #expect(Array(second.output) == Array(whole.output))
        #expect(second.trainer.progress == whole.trainer.progress)

        // With one thread there is no other order anyway.
        settings.isDeterministic = false
        let alone = try Trial(path, settings, host: one, chunkBytes: 1024)
        try alone.run()
        #expect(Array(alone.input) == Array(whole.input))

        settings.seed = 2
        let another = try Trial(path, settings, host: one, chunkBytes: 1024)
        try another.run()
        #expect(Array(another.input) != Array(whole.input))
    }

    @Test func learningRateFalls() throws {
        let folder = try Folder()
        var settings = settings(.skipGram, .negativeSampling)
        settings.epochs = 2
        let trial = try Trial(
            folder.file("corpus.txt", topics(sentences: 6000)), settings, host: TestHost(), chunkBytes: 1024)
        var rates: [Double] = []
        while !trial.trainer.isFinished { rates.append(try trial.trainer.step(trial.matrices).rate) }
        #expect(rates.first == 0.05)
        #expect(zip(rates, rates.dropFirst()).allSatisfy { $0 > $1 })
        #expect(rates.last! < 0.01)
    }

    @Test func refusesAStateOfAnotherCorpus() throws {
        let folder = try Folder()
        let trial = try Trial(
            folder.file("corpus.txt", "a b a b\n"), settings(.skipGram, .negativeSampling), host: TestHost())
        let text = failure { try trial.trainer.resume(.init(epoch: 1, chunk: 7, words: 3)) }
        #expect(text.contains("is at chunk 7 of epoch 1"))
        #expect(text.contains("has 1 chunks: is it another file"))
    }
}
