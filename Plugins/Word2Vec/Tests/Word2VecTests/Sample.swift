import Foundation
import LaminaSDK
import LaminaTesting

@testable import Word2Vec

/// A folder for the files of one test.
final class Folder {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "word2vec-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Writes a file; returns its path.
    func file(_ name: String, _ bytes: some Sequence<UInt8>) throws -> String {
        let file = path + "/" + name
        try Data(bytes).write(to: URL(fileURLWithPath: file))
        return file
    }

    func file(_ name: String, _ text: String) throws -> String { try file(name, Array(text.utf8)) }
}

/// Memory that vectors may adopt.
func floats(_ count: Int) -> UnsafeMutablePointer<Float> {
    malloc(count * MemoryLayout<Float>.stride)!.bindMemory(to: Float.self, capacity: count)
}

/// What a closure says when it fails; "" if it does not.
func failure(_ body: () throws -> Void) -> String {
    do {
        try body()
        return ""
    } catch {
        return "\(error)"
    }
}

/// Sentences in which words of one topic stand together: word i of topic t is "t<t>w<i>", rarer with i.
func topics(sentences: Int, topics: Int = 8, words: Int = 12, seed: UInt64 = 5) -> String {
    var state = seed
    func draw(_ below: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 33) % below
    }
    return (0..<sentences).map { _ in
        let topic = draw(topics)
        return (0..<8).map { _ in "t\(topic)w\(min(draw(words), draw(words)))" }.joined(separator: " ") + "\n"
    }.joined()
}

/// A training with its matrices.
final class Trial {
    let trainer: Trainer
    let vocabulary: Vocabulary
    let input: UnsafeMutableBufferPointer<Float>
    let output: UnsafeMutableBufferPointer<Float>

    init(_ path: String, _ settings: Settings, host: TestHost, minimumCount: Int = 1, chunkBytes: Int = 4096) throws {
        let corpus = try Corpus(path: path, chunkBytes: chunkBytes)
        vocabulary = try Vocabulary.count(corpus, minimumCount: minimumCount, host: host.host)
        input = .allocate(capacity: settings.inputRows(words: vocabulary.count) * settings.dimension)
        output = .allocate(capacity: settings.outputRows(words: vocabulary.count) * settings.dimension)
        trainer = Trainer(corpus, vocabulary, settings, host: host.host)
        trainer.initialize(matrices)
    }

    deinit {
        input.deallocate()
        output.deallocate()
    }

    var matrices: Trainer.Matrices { .init(input: input.baseAddress!, output: output.baseAddress!) }

    /// Trains to the end; returns the mean losses of the steps.
    @discardableResult func run() throws -> [Double] {
        var losses: [Double] = []
        while !trainer.isFinished {
            let report = try trainer.step(matrices)
            losses.append(report.loss / Double(report.losses))
        }
        return losses
    }

    var vectors: WordVectors {
        WordVectors(vocabulary.words, dimension: trainer.settings.dimension, values: input.baseAddress!)
    }
}
