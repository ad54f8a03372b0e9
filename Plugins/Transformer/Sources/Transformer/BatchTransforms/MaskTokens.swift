import LaminaSDK

/// BERT's task: some tokens are hidden from the model, which has to say what they were.
///
/// Of each row's n ordinary tokens, max(1, round(share · n)) are chosen. A chosen token becomes the mask token (with
/// probability mask_share), a random ordinary token (random_share), or stays. The target, which has the input's shape,
/// becomes the original token where one was chosen, and `ignore_index` elsewhere, which `core.cross_entropy` leaves
/// out. Padding, begin, end, the unknown and the mask token are never chosen, nor drawn at random. The mask token is
/// `mask`, or the one that the vocabulary calls <mask> or [MASK], or else its unknown token. What happens to a batch
/// follows from the run's seed and the batch's number; in validation and evaluation, from its number alone. Devlin,
/// Chang, Lee, Toutanova: BERT, NAACL 2019, section 3.1.
final class MaskTokens: BatchTransform {
    static let name = "mask_tokens"
    static let changesEvaluation = true
    static let documentation = "Hides some tokens of an input and makes them the target, as BERT does."
    static let attributes: [AttributeSchema] = [
        .string("input", default: "", "the input of tokens; by default the only one that is text"),
        .real("share", default: 0.15, 0...1, "of a row's tokens, how many are chosen: at least one"),
        .real("mask_share", default: 0.8, 0...1, "of the chosen, how many become the mask token"),
        .real("random_share", default: 0.1, 0...1, "of the chosen, how many become a random token; the rest stays"),
        .integer(
            "mask", default: nil, 0...1e12, "the mask token's id; default: that of <mask>, [MASK], or the unknown token"
        ),
        .integer("ignore_index", default: -100, "the target where no token was chosen"),
    ]

    private let input: String
    private let share, maskShare, randomShare: Double
    private let mask: Int?
    private let ignored: Int64
    /// The same through a run.
    private var vocabulary: MaskVocabulary?

    init(_ attributes: Attributes) throws {
        input = attributes.string("input")
        share = attributes.real("share")
        (maskShare, randomShare) = (attributes.real("mask_share"), attributes.real("random_share"))
        mask = attributes.optionalInteger("mask")
        ignored = Int64(attributes.integer("ignore_index"))
        guard maskShare + randomShare <= 1 + 1e-9 else {
            throw PluginError.attribute(
                "mask_share is \(maskShare) and random_share \(randomShare), wanted at most 1 together")
        }
    }

    func apply(_ batch: TrainingBatch, host: Host) throws {
        let (name, tokens) = try self.tokens(of: batch)
        let target = try self.target(of: batch, name, tokens)
        let vocabulary = try self.vocabulary ?? MaskVocabulary(batch.model, input: name, mask: mask)
        self.vocabulary = vocabulary
        let (rows, count) = (tokens.size(0), tokens.size(1))
        guard rows * count > 0 else { return }
        // For every token: its place among those to choose, what becomes of it, and the random token.
        var bits = [UInt32](repeating: 0, count: 3 * rows * count)
        host.bits(batch.random, into: &bits, count: bits.count)
        var hasChosen = false
        for row in 0..<rows {
            let (ids, wanted) = (tokens.int64s + row * count, target.int64s + row * count)
            for step in chosen(ids, bits[(row * count)..<((row + 1) * count)], vocabulary) {
                let place = row * count + step
                wanted[step] = ids[step]
                ids[step] = replacement(
                    ids[step], bits[rows * count + place], bits[2 * rows * count + place], vocabulary)
                hasChosen = true
            }
        }
        guard hasChosen else {
            throw PluginError.data("'\(name)' has no token to hide in a whole batch: all are padding or special ones")
        }
    }

    /// Sets nothing but the target's `ignored`; returns the steps that are chosen: those with the smallest keys.
    private func chosen(_ ids: UnsafePointer<Int64>, _ keys: ArraySlice<UInt32>, _ vocabulary: MaskVocabulary) -> [Int]
    {
        let ordinary = keys.indices.lazy.map { $0 - keys.startIndex }.filter { vocabulary.isOrdinary(ids[$0]) }
        let ordered = ordinary.map { (keys[keys.startIndex + $0], $0) }.sorted { $0 < $1 }
        if ordered.isEmpty { return [] }
        return ordered.prefix(max(1, Int((share * Double(ordered.count)).rounded()))).map(\.1)
    }

    private func replacement(
        _ id: Int64, _ kind: UInt32, _ draw: UInt32, _ vocabulary: MaskVocabulary
    ) -> Int64 {
        let number = Double(kind) / 4_294_967_296
        if number < maskShare { return vocabulary.mask }
        return number < maskShare + randomShare ? vocabulary.ordinary(draw) ?? id : id
    }

    // MARK: Tensors

    private func tokens(of batch: TrainingBatch) throws -> (String, Tensor) {
        let texts = batch.inputs.filter { batch.model.vocabularySize(for: $0.name) != nil }
        let names = batch.inputs.map { "'\($0.name)'" }.joined(separator: ", ")
        guard input.isEmpty else {
            guard let found = batch.inputs.first(where: { $0.name == input }) else {
                throw PluginError.attribute("the model has no input '\(input)': its inputs are \(names)")
            }
            guard texts.contains(where: { $0.name == input }) else {
                throw PluginError.attribute("the input '\(input)' is no text, whose tokens could be hidden")
            }
            return try checked(found)
        }
        guard texts.count == 1 else {
            throw PluginError.attribute(
                texts.isEmpty
                    ? "none of the model's inputs \(names) is text, whose tokens could be hidden"
                    : "the inputs \(texts.map { "'\($0.name)'" }.joined(separator: ", ")) are text: name one, as in "
                        + "input: \(texts[0].name)")
        }
        return try checked(texts[0])
    }

    private func checked(_ input: (name: String, tensor: Tensor)) throws -> (String, Tensor) {
        guard input.tensor.dtype == .int64, input.tensor.rank == 2 else {
            throw PluginError.data("the input '\(input.name)' has shape \(input.tensor.shape), wanted tokens [N, time]")
        }
        return (input.name, input.tensor)
    }

    /// The target, with nothing in it that counts.
    private func target(of batch: TrainingBatch, _ name: String, _ tokens: Tensor) throws -> Tensor {
        guard let target = batch.target, target.dtype == .int64, target.shape == tokens.shape else {
            let got = batch.target.map { "of type \($0.dtype?.name ?? "unknown") and shape \($0.shape)" } ?? "missing"
            throw PluginError.data(
                "the target is \(got), wanted int64 of shape \(tokens.shape): fill it from the same text as '\(name)'")
        }
        for index in 0..<target.count { target.int64s[index] = ignored }
        return target
    }
}

/// What of a vocabulary matters when tokens are hidden.
struct MaskVocabulary {
    let mask: Int64
    private let size: Int
    /// Tokens that are no content, in their order.
    private let special: [Int64]

    init(_ model: TaskModel, input: String, mask: Int?) throws {
        size = model.vocabularySize(for: input) ?? 0
        if let mask {
            guard mask < size else {
                throw PluginError.attribute(
                    "mask is \(mask), but the vocabulary of '\(input)' has \(size) tokens: wanted 0 to \(size - 1)")
            }
            self.mask = Int64(mask)
        } else {
            let named = try (0..<Int64(size)).first {
                let token = try model.token($0, for: input)
                return token == "<mask>" || token == "[MASK]"
            }
            guard let found = named ?? model.special(.unknown, for: input) else {
                throw PluginError.attribute(
                    "the vocabulary of '\(input)' has no token <mask>, [MASK] or for unknown ones: name one, as in "
                        + "mask: \(max(0, size - 1))")
            }
            self.mask = found
        }
        special = Set(SpecialToken.allCases.compactMap { model.special($0, for: input) } + [self.mask]).sorted()
    }

    func isOrdinary(_ id: Int64) -> Bool { !special.contains(id) }

    /// An ordinary token, each as probable as the others; nil: there is none.
    func ordinary(_ draw: UInt32) -> Int64? {
        let count = size - special.count
        if count <= 0 { return nil }
        var id = Int64((UInt64(draw) * UInt64(count)) >> 32)
        for other in special where other <= id { id += 1 }
        return id
    }
}
