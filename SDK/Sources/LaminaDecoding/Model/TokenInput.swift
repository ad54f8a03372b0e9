import LaminaSDK

/// An input of tokens, and those of its vocabulary that mean something.
public struct TokenInput: Sendable {
    public let name: String
    public let begin, end, padding: Int64?
    /// Tokens that there are; a model may give logits for more, which stand for none.
    public let vocabulary: Int
    /// How many steps every row has, where the model takes no other number; nil: any.
    public let steps: Int?

    /// - Parameter graph: the model's.
    public init(_ model: TaskModel, _ name: String, in graph: GraphView) {
        let shape = graph.inputs.first { $0.name == name }?.shape ?? []
        if shape.count == 2, case .integer(let count) = shape[1] { steps = Int(count) } else { steps = nil }
        self.name = name
        begin = model.special(.begin, for: name)
        end = model.special(.end, for: name)
        padding = model.special(.padding, for: name)
        vocabulary = model.vocabularySize(for: name) ?? .max
    }

    /// What no answer contains.
    public var forbidden: [Int64] { [padding, begin].compactMap { $0 } }

    /// Texts side by side as the model takes them: filled up to its own number of steps, or to the longest of them.
    ///
    /// Throws `.data` for a text that is longer than the model takes.
    public func batch(_ texts: [[Int64]]) throws -> TokenBatch {
        let longest = texts.map(\.count).max() ?? 0
        if let steps, longest > steps {
            throw PluginError.data(
                "a text has \(longest) tokens, but '\(name)' of the model takes \(steps): shorten it, or make the model "
                    + "with 'shape: [T]', of any number")
        }
        return TokenBatch(texts, padding: padding ?? 0, steps: steps)
    }

    /// Throws `.data` where a text cannot grow token by token.
    public func checkSteps(_ what: String) throws {
        guard let steps else { return }
        throw PluginError.data(
            "'\(name)' of the model takes rows of \(steps) tokens, neither more nor fewer, so that no text can grow in it: "
                + "\(what) needs a model with 'shape: [T]'")
    }
}

/// Texts as tokens side by side, filled up to the longest of them.
public struct TokenBatch {
    /// [N, T], int64.
    public let tokens: TensorBuffer
    /// [N], int64.
    public let lengths: TensorBuffer

    /// - Parameter steps: of every row; nil: those of the longest text.
    public init(_ texts: [[Int64]], padding: Int64 = 0, steps: Int? = nil) {
        let longest = steps ?? texts.map(\.count).max() ?? 0
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
