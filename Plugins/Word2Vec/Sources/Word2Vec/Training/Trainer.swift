import CWord2Vec
import LaminaSDK

/// Trains word vectors in steps of some chunks of the corpus, on the host's threads and without locks.
///
/// Random numbers depend on seed, epoch and chunk alone, and so do learning rates: where training stopped is two numbers,
/// and with one thread (`isDeterministic`) it goes on as if it had not.
final class Trainer {
    /// How far training has come.
    struct Progress: Equatable, Sendable {
        var epoch = 0
        /// The next chunk of the epoch.
        var chunk = 0
        /// Words read so far, in all epochs.
        var words = 0
    }

    /// What is trained, [rows, dimension] each; see `Settings.inputRows` and `outputRows`. The caller's.
    struct Matrices {
        let input: UnsafeMutablePointer<Float>
        let output: UnsafeMutablePointer<Float>
    }

    /// What a step did.
    struct Report {
        var words = 0
        /// The sum of some losses, from every 16th window, and their number: one per input vector.
        var loss = 0.0
        var losses = 0
        var rate = 0.0
    }

    /// A step reads about 4 MiB, some hundred milliseconds of work; see `Settings.chunkBytes`.
    static let chunksPerStep = 64

    let corpus: Corpus
    let vocabulary: Vocabulary
    /// `epochs` may grow between steps.
    var settings: Settings
    private(set) var progress = Progress()
    let subwords: SubwordTable?
    private let host: Host
    private var model = lamina_word2vec()
    private let noise: AliasTable?
    private let tree: HuffmanTree?
    private let thresholds: [UInt32]
    private let tallies: UnsafeMutablePointer<ChunkTally>

    private struct ChunkTally {
        var tally = lamina_word2vec_tally()
        var words = 0
        var isWithoutMemory = false
    }

    init(_ corpus: Corpus, _ vocabulary: Vocabulary, _ settings: Settings, host: Host) {
        self.corpus = corpus
        self.vocabulary = vocabulary
        self.settings = settings
        self.host = host
        thresholds = SubSampling.thresholds(counts: vocabulary.counts, threshold: settings.sample)
        tallies = .allocate(capacity: Self.chunksPerStep)
        noise =
            settings.objective == .negativeSampling
            ? AliasTable(counts: vocabulary.counts, exponent: settings.exponent) : nil
        tree = settings.objective == .hierarchicalSoftmax ? HuffmanTree(counts: vocabulary.counts) : nil
        subwords = settings.subwords?.table(vocabulary.words)
        model.dimension = Int64(settings.dimension)
        model.words = Int64(vocabulary.count)
        model.window = Int64(settings.window)
        model.is_bag = settings.architecture == .bagOfWords ? 1 : 0
        model.negatives = Int64(settings.negatives)
        model.negative_weight = Float(settings.negativeWeight)
        model.noise = noise.map { UnsafePointer($0.slots) }
        model.longest_path = Int64(tree?.longestPath ?? 0)
        model.objective = Int32(settings.objective.raw.rawValue)
    }

    deinit { tallies.deallocate() }

    /// Uniform numbers within ±1 / dimension, and zeros, as gensim begins.
    func initialize(_ matrices: Matrices) {
        let dimension = settings.dimension
        var state = Self.randomState(settings.seed, 0, 0)
        let scale = 2 / Float(dimension)
        for i in 0..<settings.inputRows(words: vocabulary.count) * dimension {
            matrices.input[i] = (Float(lamina_word2vec_random(&state) >> 40) * 0x1p-24 - 0.5) * scale
        }
        matrices.output.update(repeating: 0, count: settings.outputRows(words: vocabulary.count) * dimension)
    }

    var isFinished: Bool { progress.epoch >= settings.epochs }

    /// Goes on from there.
    func resume(_ progress: Progress) throws {
        guard progress.epoch >= 0, progress.chunk >= 0, progress.words >= 0, progress.chunk < corpus.chunkCount else {
            throw PluginError.data(
                "the saved state is at chunk \(progress.chunk) of epoch \(progress.epoch), but the corpus "
                    + "'\(corpus.path)' has \(corpus.chunkCount) chunks: is it another file than before?")
        }
        self.progress = progress
    }

    /// Trains on the next chunks. Throws `.memory`.
    func step(_ matrices: Matrices) throws -> Report {
        guard !isFinished else { return Report() }
        let first = progress.chunk
        let count = min(Self.chunksPerStep, corpus.chunkCount - first)
        for i in 0..<count { tallies[i] = ChunkTally() }
        let range = corpus.chunk(first).lowerBound..<corpus.chunk(first + count - 1).upperBound
        corpus.prefetch(range.upperBound..<min(range.upperBound + range.count, corpus.bytes.count))
        withTables { model in
            (model.input, model.output) = (matrices.input, matrices.output)
            if settings.isDeterministic {
                for i in 0..<count { train(&model, chunk: first + i, tally: tallies + i) }
            } else {
                let shared = Shared(trainer: self, model: model, first: first)
                host.parallelFor(count, grain: 1) { begin, end in
                    var model = shared.model
                    for i in begin..<end {
                        shared.trainer.train(&model, chunk: shared.first + i, tally: shared.trainer.tallies + i)
                    }
                }
            }
        }
        // Last, as it reads where chunks begin.
        defer { corpus.release(range) }
        return try finish(first, count)
    }

    private struct Shared: @unchecked Sendable {
        let trainer: Trainer
        let model: lamina_word2vec
        let first: Int
    }

    /// The model with its tables, for as long as `body` runs.
    private func withTables(_ body: (inout lamina_word2vec) -> Void) {
        var model = model
        let (starts, nodes, labels) = (tree?.starts ?? [], tree?.nodes ?? [], tree?.labels ?? [])
        let (gramStarts, grams) = (subwords?.starts ?? [], subwords?.rows ?? [])
        starts.withUnsafeBufferPointer { starts in
            nodes.withUnsafeBufferPointer { nodes in
                labels.withUnsafeBufferPointer { labels in
                    gramStarts.withUnsafeBufferPointer { gramStarts in
                        grams.withUnsafeBufferPointer { grams in
                            model.path_starts = starts.baseAddress
                            model.path_nodes = nodes.baseAddress
                            model.path_labels = labels.baseAddress
                            model.gram_starts = subwords == nil ? nil : gramStarts.baseAddress
                            model.grams = grams.baseAddress
                            body(&model)
                        }
                    }
                }
            }
        }
    }

    private func train(_ model: inout lamina_word2vec, chunk: Int, tally: UnsafeMutablePointer<ChunkTally>) {
        let sentenceBytes = SentenceReader.longestSentence * 4
        let scratchBytes = Int(lamina_word2vec_scratch(&model))
        guard let scratch = try? host.scratch(bytes: scratchBytes + sentenceBytes) else {
            tally.pointee.isWithoutMemory = true
            return
        }
        let sentence = (scratch + scratchBytes).assumingMemoryBound(to: Int32.self)
        var random = Self.randomState(settings.seed, progress.epoch + 1, chunk)
        thresholds.withUnsafeBufferPointer { thresholds in
            var reader = SentenceReader(
                corpus, corpus.chunk(chunk), vocabulary, thresholds: thresholds.baseAddress!)
            while true {
                let count = reader.next(into: sentence, random: &random)
                if count < 0 { break }
                lamina_word2vec_train(
                    &model, sentence, Int64(count), Float(rate(at: reader.start)), &random, scratch,
                    &tally.pointee.tally)
            }
            tally.pointee.words = reader.wordsRead
        }
    }

    private func finish(_ first: Int, _ count: Int) throws -> Report {
        var report = Report()
        for i in 0..<count {
            guard !tallies[i].isWithoutMemory else {
                throw PluginError.memory("no memory for the scratch space of a thread; lower window or negative")
            }
            report.words += tallies[i].words
            report.loss += tallies[i].tally.loss
            report.losses += Int(tallies[i].tally.losses)
        }
        report.rate = rate(at: corpus.chunk(first).lowerBound)
        progress.words += report.words
        progress.chunk = first + count
        if progress.chunk == corpus.chunkCount {
            progress.chunk = 0
            progress.epoch += 1
        }
        return report
    }

    /// The learning rate at a byte of this epoch. Bytes stand for words: they are known without having read those before.
    private func rate(at position: Int) -> Double {
        settings.rate - (settings.rate - settings.lastRate) * share(at: position)
    }

    private func share(at position: Int) -> Double {
        (Double(progress.epoch) + Double(position) / Double(corpus.bytes.count)) / Double(settings.epochs)
    }

    /// How much of the whole training is done, 0 to 1.
    var fraction: Double {
        isFinished ? 1 : share(at: progress.chunk == 0 ? 0 : corpus.chunk(progress.chunk).lowerBound)
    }

    /// Where the random numbers of a chunk begin.
    private static func randomState(_ seed: UInt64, _ epoch: Int, _ chunk: Int) -> UInt64 {
        var state = seed
        for part in [UInt64(epoch), UInt64(chunk)] {
            state = lamina_word2vec_random(&state) ^ part
        }
        return lamina_word2vec_random(&state)
    }
}

extension Settings.Objective {
    var raw: lamina_word2vec_objective {
        switch self {
        case .negativeSampling: LAMINA_WORD2VEC_NEGATIVE_SAMPLING
        case .hierarchicalSoftmax: LAMINA_WORD2VEC_HIERARCHICAL_SOFTMAX
        case .fullSoftmax: LAMINA_WORD2VEC_FULL_SOFTMAX
        }
    }
}
