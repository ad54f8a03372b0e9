import Foundation
import LaminaGraph
import LaminaRecipe

@testable import LaminaTraining

/// A temporary file, removed with the object.
final class TextFile {
    let path: String

    init(_ text: String, ending: String = "tsv") {
        path = NSTemporaryDirectory() + "lamina-text-\(UUID().uuidString).\(ending)"
        try! text.write(toFile: path, atomically: true, encoding: .utf8)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// `count` rows of up to `longest` words and one of two classes, which a word tells.
    static func classes(_ count: Int, longest: Int = 12, seed: UInt64 = 1) -> TextFile {
        var state = seed &* 0x9e37_79b9_7f4a_7c15 | 1
        func next(_ limit: Int) -> Int {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Int((state >> 20) % UInt64(limit))
        }
        var text = "words\tclass\n"
        for sample in 0..<count {
            var words = (0..<1 + next(longest - 1)).map { _ in "w\(next(30))" }
            words.insert(sample % 2 == 0 ? "yes" : "no", at: next(words.count + 1))
            text += words.joined(separator: " ") + "\tc\(sample % 2)\n"
        }
        return TextFile(text)
    }

    /// A recipe that learns the classes.
    func recipe(
        entry: String = "maximum: 10", train: String = "epochs: 2, batch: 16, seed: 3", words: Int = 64
    ) throws -> Recipe {
        try textRecipe(
            """
            data:
              train: { reader: data.table, path: "\(path)", label: class }
              text:
                text: { from: words, tokenizer: data.words, \(entry) }
            model:
              layers:
                - core.embedding: { count: \(words), dimension: 8 }
                - core.reduce_mean: { axes: [1] }
                - core.dense: { units: 2 }
            loss: core.cross_entropy
            optimizer: { core.adam: { learning_rate: 0.02 } }
            metrics: [ core.accuracy ]
            train: { \(train) }
            """)
    }
}

func textRecipe(_ text: String) throws -> Recipe {
    try Recipe.parse("lamina: 1\n" + text + "\n", file: "text.yaml", registry: registry)
}

extension Dataset {
    /// The training data of a recipe.
    convenience init(_ recipe: Recipe, hasTarget: Bool = true, lanes: Int = 1) throws {
        let data = recipe.data!
        try self.init(
            data.train, data, for: GraphDefinition(inputs: recipe.model.inputs), hasTarget: hasTarget, lanes: lanes,
            registry: registry)
    }

    /// A batch of these samples.
    func batch(_ samples: [Int64]) throws -> Batch {
        let batch = try Batch(self, capacity: max(samples.count, 1))
        try samples.withUnsafeBufferPointer { samples in
            Result { () throws(TrainingError) in try batch.fill(samples, isTraining: false, seed: 0, step: 0) }
        }.get()
        return batch
    }
}

extension BatchTensor {
    /// Of a tensor of ids, its rows.
    var rows: [[Int64]] {
        let values = UnsafeBufferPointer(start: data.assumingMemoryBound(to: Int64.self), count: byteCount / 8)
        let size = sampleShape.reduce(1, *)
        return (0..<count).map { Array(values[$0 * size..<($0 + 1) * size]) }
    }
}
