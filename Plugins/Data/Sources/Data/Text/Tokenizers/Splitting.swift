/// How a text falls into the pieces that a vocabulary is about; each is what a `pre_tokenizer` of tokenizer.json does.
enum Splitting: Equatable {
    /// The whole text is one piece.
    case none
    /// At white space, which is left out ("WhitespaceSplit").
    case whitespace
    /// The same, and every punctuation mark is a piece of its own ("BertPreTokenizer").
    case punctuation
    /// Runs of word characters and runs of others, without white space ("Whitespace").
    case wordsAndSymbols
    /// GPT-2's pieces, white space included: nothing is lost ("ByteLevel"). Radford et al., 2019.
    case byteLevel

    /// Calls `body` with each piece's place in the text, in order.
    func forEachPiece(
        _ text: UnsafeBufferPointer<UInt8>, _ body: (Range<Int>) throws -> Void
    ) rethrows {
        switch self {
        case .none: if !text.isEmpty { try body(0..<text.count) }
        case .whitespace: try words(text, isolating: [], body)
        case .punctuation: try words(text, isolating: .punctuation, body)
        case .wordsAndSymbols: try wordsAndSymbols(text, body)
        case .byteLevel:
            var position = 0
            while position < text.count {
                let end = Self.byteLevelEnd(text, position)
                try body(position..<end)
                position = end
            }
        }
    }

    private func words(
        _ text: UnsafeBufferPointer<UInt8>, isolating: ScalarClass, _ body: (Range<Int>) throws -> Void
    ) rethrows {
        var (start, position) = (0, 0)
        while position < text.count {
            let scalar = TextScalar(text, at: position)
            let kind = ScalarClass.of(scalar.scalar)
            let end = position + scalar.length
            let isAlone = !kind.isDisjoint(with: isolating)
            if kind.contains(.space) || isAlone {
                if start < position { try body(start..<position) }
                if isAlone { try body(position..<end) }
                start = end
            }
            position = end
        }
        if start < position { try body(start..<position) }
    }

    private func wordsAndSymbols(
        _ text: UnsafeBufferPointer<UInt8>, _ body: (Range<Int>) throws -> Void
    ) rethrows {
        var (start, position) = (0, 0)
        var before: ScalarClass = .space
        while position < text.count {
            let scalar = TextScalar(text, at: position)
            let kind = ScalarClass.of(scalar.scalar).intersection([.space, .word])
            if kind != before {
                if start < position, !before.contains(.space) { try body(start..<position) }
                (start, before) = (position, kind)
            }
            position += scalar.length
        }
        if start < position, !before.contains(.space) { try body(start..<position) }
    }

    /// Where the piece that begins at `start` ends, after
    /// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`.
    static func byteLevelEnd(_ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int {
        if text[start] == UInt8(ascii: "'"), let end = contractionEnd(text, start) { return end }
        var position = start
        if text[start] == UInt8(ascii: " "), start + 1 < text.count { position += 1 }
        let first = TextScalar(text, at: position)
        let kind = runClass(first.scalar)
        if kind != .space {
            return runEnd(text, position + first.length, kind)
        }
        // White space: without its last one, which belongs to what follows, unless it is alone or at the end.
        var (end, last) = (start, start)
        while end < text.count {
            let scalar = TextScalar(text, at: end)
            guard ScalarClass.of(scalar.scalar).contains(.space) else { break }
            (last, end) = (end, end + scalar.length)
        }
        return end == text.count || last == start ? end : last
    }

    private static func contractionEnd(_ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int? {
        guard start + 1 < text.count else { return nil }
        switch text[start + 1] {
        case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"): return start + 2
        case let first where start + 2 < text.count:
            let pair = (first, text[start + 2])
            let isKnown =
                pair == (UInt8(ascii: "r"), UInt8(ascii: "e")) || pair == (UInt8(ascii: "v"), UInt8(ascii: "e"))
                || pair == (UInt8(ascii: "l"), UInt8(ascii: "l"))
            return isKnown ? start + 3 : nil
        default: return nil
        }
    }

    /// The classes of which runs are made: letters, numbers, white space, all else.
    @inline(__always)
    private static func runClass(_ scalar: Unicode.Scalar?) -> ScalarClass {
        ScalarClass.of(scalar).intersection([.space, .letter, .number])
    }

    private static func runEnd(_ text: UnsafeBufferPointer<UInt8>, _ start: Int, _ kind: ScalarClass) -> Int {
        var position = start
        while position < text.count {
            let scalar = TextScalar(text, at: position)
            guard runClass(scalar.scalar) == kind else { break }
            position += scalar.length
        }
        return position
    }
}
