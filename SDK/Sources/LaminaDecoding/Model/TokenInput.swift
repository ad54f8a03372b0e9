import LaminaSDK

/// An input of tokens, and those of its vocabulary that mean something.
public struct TokenInput: Sendable {
    public let name: String
    public let begin, end, padding: Int64?
    /// Tokens that there are; a model may give logits for more, which stand for none.
    public let vocabulary: Int

    public init(_ model: TaskModel, _ name: String) {
        self.name = name
        begin = model.special(.begin, for: name)
        end = model.special(.end, for: name)
        padding = model.special(.padding, for: name)
        vocabulary = model.vocabularySize(for: name) ?? .max
    }

    /// What no answer contains.
    public var forbidden: [Int64] { [padding, begin].compactMap { $0 } }
}

/// Texts as tokens side by side, filled up to the longest of them.
public struct TokenBatch {
    /// [N, T], int64.
    public let tokens: TensorBuffer
    /// [N], int64.
    public let lengths: TensorBuffer

    public init(_ texts: [[Int64]], padding: Int64 = 0) {
        let longest = texts.map(\.count).max() ?? 0
        tokens = TensorBuffer(.int64, [texts.count, longest])
        lengths = TensorBuffer(.int64, [texts.count])
        for (row, text) in texts.enumerated() {
            lengths.tensor.int64s[row] = Int64(text.count)
            for step in 0..<longest {
                tokens.tensor.int64s[row * longest + step] = step < text.count ? text[step] : padding
            }
        }
    }

    /// Indices of texts that run side by side, `size` at most.
    ///
    /// - Parameter together: whether the model is told their lengths; else these have to be the same.
    public static func groups(_ texts: [[Int64]], together: Bool, size: Int) -> [[Int]] {
        var order = Array(texts.indices)
        if !together { order.sort { (texts[$0].count, $0) < (texts[$1].count, $1) } }
        var groups: [[Int]] = []
        for index in order {
            if let last = groups.last, last.count < size,
                together || texts[last[0]].count == texts[index].count
            {
                groups[groups.count - 1].append(index)
            } else {
                groups.append([index])
            }
        }
        return groups
    }
}
