import CWord2Vec

/// Character n-grams of words, hashed into a fixed number of rows, so that words with like parts share what they learn and
/// unknown words have a vector, too.
///
/// The n-grams of "where" for n = 3: <wh, whe, her, ere, re>. P. Bojanowski et al.: Enriching Word Vectors with Subword
/// Information, 2017.
struct Subwords: Equatable {
    /// Lengths in characters, with the marks of the word's ends.
    let lengths: ClosedRange<Int>
    let buckets: Int

    /// Letters of the longest n-grams that may be wanted.
    static let longestGram = 100

    /// The buckets of a word's n-grams, repeated ones included: by FNV-1a of 32 bits, as in fastText.
    func buckets(of word: UnsafeBufferPointer<UInt8>) -> [Int] {
        let bytes = [UInt8(ascii: "<")] + word + [UInt8(ascii: ">")]
        // Where characters start; bytes 10xxxxxx go on with one.
        let starts = bytes.indices.filter { bytes[$0] & 0xc0 != 0x80 } + [bytes.count]
        var result: [Int] = []
        for first in 0..<starts.count - 1 {
            for length in lengths where first + length < starts.count {
                // The marks alone say nothing.
                if length == 1, first == 0 || first == starts.count - 2 { continue }
                var hash: UInt32 = 2_166_136_261
                for byte in bytes[starts[first]..<starts[first + length]] {
                    // fastText takes bytes as signed.
                    hash = (hash ^ UInt32(bitPattern: Int32(Int8(bitPattern: byte)))) &* 16_777_619
                }
                result.append(Int(hash) % buckets)
            }
        }
        return result
    }

    /// Per word the rows that its vector is the mean of: its own, then the n-grams', which come behind all words'.
    func table(_ words: WordTable) -> SubwordTable {
        var (starts, rows): ([Int64], [Int32]) = ([0], [])
        for index in 0..<words.count {
            rows.append(Int32(index))
            for bucket in buckets(of: words.word(index)) { rows.append(Int32(words.count + bucket)) }
            starts.append(Int64(rows.count))
        }
        return SubwordTable(starts: starts, rows: rows)
    }
}

/// Rows per word, one list behind the other: word w's are rows[starts[w] ..< starts[w + 1]].
struct SubwordTable {
    let starts: [Int64]
    let rows: [Int32]

    /// to[w, :] = the mean of word w's rows of `from`.
    func compose(_ from: UnsafePointer<Float>, _ to: UnsafeMutablePointer<Float>, dimension: Int) {
        for word in 0..<starts.count - 1 {
            let (begin, end) = (Int(starts[word]), Int(starts[word + 1]))
            let vector = to + word * dimension
            for j in 0..<dimension { vector[j] = 0 }
            for row in rows[begin..<end] {
                let source = from + Int(row) * dimension
                for j in 0..<dimension { vector[j] += source[j] }
            }
            for j in 0..<dimension { vector[j] /= Float(end - begin) }
        }
    }
}
