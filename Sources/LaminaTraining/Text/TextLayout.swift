import LaminaGraph
import LaminaRecipe
import LaminaSDK

/// How the ids of a text become a row of a batch: what is put around it, where it is cut, how long rows are.
struct TextLayout {
    let entry: Recipe.TextEntry
    /// nil: nothing is put there.
    let begin: Int64?
    let end: Int64?
    let padding: Int64
    /// Tokens at most, with begin and end.
    let maximum: Int
    /// Of a model whose rows have a fixed length.
    let fixed: Int?
    /// Entries with equal numbers have rows of one length.
    let group: Int

    /// - Parameter input: the model's input that it fills; nil: the target.
    init(
        _ entry: Recipe.TextEntry, _ tokenizer: TextTokenizer, input: GraphDefinition.Input?, group: Int
    ) throws(TrainingError) {
        self.entry = entry
        self.group = group
        func special(_ token: SpecialToken, _ name: String, _ key: String) throws(TrainingError) -> Int64 {
            guard let id = tokenizer.special(token) else {
                throw TrainingError(
                    .recipe,
                    "the vocabulary of '\(entry.name)' (\(tokenizer.component.id)) has no token \(name): \(key)")
            }
            return Int64(id)
        }
        begin = entry.begin ? try special(.begin, "<bos>", "leave 'begin' out") : nil
        end = entry.end ? try special(.end, "<eos>", "leave 'end' out") : nil
        // Without a token of its own, whatever has id 0: who reads the rows has to know their lengths anyway.
        padding = Int64(tokenizer.special(.padding) ?? 0)
        if case .fixed(let size)? = input?.shape.last, input?.shape.count == 2 { fixed = size } else { fixed = nil }
        if let fixed, let maximum = entry.maximum, maximum > fixed {
            throw TrainingError(
                .recipe,
                "'\(entry.name)': maximum is \(maximum), but the model's input has room for \(fixed) tokens: lower it")
        }
        maximum = min(entry.maximum ?? .max, fixed ?? .max)
        guard maximum > entry.added else {
            throw TrainingError(.recipe, "'\(entry.name)': \(maximum) tokens leave no room for a text")
        }
    }

    /// How many tokens a text of `count` has with what is put around it, when it is not cut.
    func fullLength(_ count: Int) -> Int { count + entry.added }

    func length(_ count: Int) -> Int { min(fullLength(count), maximum) }

    /// Whether a text of so many tokens is cut; throws `.data` where the recipe wants no texts to be cut.
    func cuts(_ count: Int, _ name: String) throws(TrainingError) -> Bool {
        let length = fullLength(count)
        if length <= maximum { return false }
        guard entry.tooLong == .cut else {
            throw TrainingError(
                .data, "\(name): the text has \(length) tokens, the model takes at most \(maximum) for '\(entry.name)'")
        }
        return true
    }

    /// The length of rows for texts with at most `longest` tokens, each with what is put around it.
    func rowLength(_ longest: Int) -> Int {
        fixed ?? (longest + entry.round - 1) / entry.round * entry.round
    }

    /// Writes a row.
    func fill(_ row: UnsafeMutablePointer<Int64>, _ rowLength: Int, _ ids: UnsafeBufferPointer<Int32>) {
        var position = 0
        if let begin {
            row[0] = begin
            position = 1
        }
        for id in ids.prefix(maximum - entry.added) {
            row[position] = Int64(id)
            position += 1
        }
        if let end {
            row[position] = end
            position += 1
        }
        while position < rowLength {
            row[position] = padding
            position += 1
        }
    }
}

extension TextTokenizer {
    /// The ids of a text as an input gets them: with what the recipe puts around it, and cut where training cuts.
    ///
    /// - Returns: the ids, and the greatest number of them if the text had more.
    public func encode(
        whole text: UnsafeBufferPointer<UInt8>, for entry: Recipe.TextEntry, input: GraphDefinition.Input?
    ) throws(TrainingError) -> (ids: [Int64], cutTo: Int?) {
        let layout = try TextLayout(entry, self, input: input, group: 0)
        var ids: [Int32] = []
        try encode(text, into: &ids)
        let isCut = try layout.cuts(ids.count, "a text")
        // Who is not told where texts end has learned from rows with padding behind them.
        let own = layout.length(ids.count)
        let length = entry.lengthName == nil ? layout.rowLength(own) : own
        let row = [Int64](unsafeUninitializedCapacity: max(length, 1)) { row, count in
            ids.withUnsafeBufferPointer { layout.fill(row.baseAddress!, length, $0) }
            count = length
        }
        return (row, isCut ? layout.maximum : nil)
    }
}

extension [Recipe.TextEntry] {
    /// Numbers that are equal for entries over the same field.
    var groups: [Int] { map { entry in firstIndex { $0.field == entry.field }! } }
}
