import Glibc
import LaminaSDK

/// Words with their vectors, [words, dimension], for questions and for files.
final class WordVectors {
    let words: WordTable
    let dimension: Int
    let values: UnsafePointer<Float>
    private let owned: UnsafeMutablePointer<Float>?

    var count: Int { words.count }

    /// `values` stay the caller's and must outlive this.
    init(_ words: WordTable, dimension: Int, values: UnsafePointer<Float>) {
        self.words = words
        self.dimension = dimension
        self.values = values
        owned = nil
    }

    /// `values` are memory of `malloc`, which becomes this object's.
    init(_ words: WordTable, dimension: Int, adopting values: UnsafeMutablePointer<Float>) {
        self.words = words
        self.dimension = dimension
        self.values = UnsafePointer(values)
        owned = values
    }

    deinit { free(owned) }

    func vector(_ index: Int) -> UnsafeBufferPointer<Float> {
        UnsafeBufferPointer(start: values + index * dimension, count: dimension)
    }

    /// The number of a word. Throws `.data` with words that are spelt alike.
    func index(_ word: String) throws -> Int {
        if let index = words.index(of: word) { return index }
        let near = Spelling.nearest(to: word, in: words)
        let hint = near.isEmpty ? "" : "; did you mean \(near.map { "'\($0)'" }.joined(separator: ", "))?"
        throw PluginError.data("'\(word)' is not in the vocabulary of \(count) words\(hint)")
    }
}
