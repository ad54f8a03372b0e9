import LaminaFormats
import LaminaGraph
import LaminaHost
import LaminaRecipe

/// The tensors that a dataset's texts become: encoded, with a layout each.
final class TextTensors: @unchecked Sendable {
    /// One per entry of `data.text`.
    let layouts: [TextLayout]
    private let encoded: [EncodedTexts]
    /// By the name of the entry that they belong to.
    let tokenizers: [String: TextTokenizer]
    /// The samples that are used, when some are too long for that; nil: all.
    let kept: [Int64]?
    /// The longest row of each entry.
    let longestRows: [Int]

    /// - Parameters:
    ///   - known: tokenizers that were made before; others learn their vocabulary from this source.
    ///   - samples: from which of it; nil: all.
    init(
        _ source: DataSource, _ entries: [Recipe.TextEntry], inputs: [GraphDefinition.Input],
        known: [String: TextTokenizer], learnedFrom samples: [Int64]? = nil, registry: Registry
    ) throws(TrainingError) {
        for entry in entries where !source.textFields.contains(entry.field) {
            throw TrainingError(.recipe, source.missingText(entry.field, "'data.text.\(entry.name)'"))
        }
        var tokenizers = known
        for entry in entries {
            guard let component = entry.tokenizer, tokenizers[entry.name] == nil else { continue }
            var fields: [String] = []
            for user in entries where entries.owner(of: user) == entry.name && !fields.contains(user.field) {
                fields.append(user.field)
            }
            tokenizers[entry.name] = try TextTokenizer.train(
                component, on: source, fields: fields, samples: samples, registry: registry)
        }
        self.tokenizers = tokenizers
        var made: [(field: String, owner: String, texts: EncodedTexts)] = []
        var (encoded, layouts): ([EncodedTexts], [TextLayout]) = ([], [])
        for (entry, group) in zip(entries, entries.groups) {
            guard let owner = entries.owner(of: entry), let tokenizer = tokenizers[owner] else {
                throw TrainingError(.recipe, "'data.text.\(entry.name)' has no tokenizer")
            }
            if let same = made.first(where: { $0.field == entry.field && $0.owner == owner }) {
                encoded.append(same.texts)
            } else {
                let texts = try EncodedTexts(source, field: entry.field, tokenizer)
                made.append((entry.field, owner, texts))
                encoded.append(texts)
            }
            layouts.append(
                try TextLayout(entry, tokenizer, input: inputs.first { $0.name == entry.name }, group: group))
        }
        (self.encoded, self.layouts) = (encoded, layouts)
        let kept = try Self.keep(source, layouts, encoded, runtime: registry.runtime)
        self.kept = kept
        var longest = [Int](repeating: 1, count: entries.count)
        for sample in kept ?? (0..<Int64(source.count)).map({ $0 }) {
            for index in layouts.indices {
                let length = layouts[index].length(encoded[index].length(Int(sample)))
                let group = layouts[index].group
                longest[group] = max(longest[group], length)
            }
        }
        longestRows = layouts.map { $0.rowLength(longest[$0.group]) }
    }

    /// What `too_long` says of texts that are.
    private static func keep(
        _ source: DataSource, _ layouts: [TextLayout], _ encoded: [EncodedTexts], runtime: Runtime
    ) throws(TrainingError) -> [Int64]? {
        var skipped: Set<Int64> = []
        for (layout, texts) in zip(layouts, encoded) where layout.maximum < .max && layout.entry.stream == nil {
            let long = (0..<Int64(source.count)).filter {
                layout.fullLength(texts.length(Int($0))) > layout.maximum
            }
            guard let first = long.first else { continue }
            let length = layout.fullLength(texts.length(Int(first)))
            switch layout.entry.tooLong {
            case .error:
                throw TrainingError(
                    .data,
                    "\(source.id): sample \(first + 1) has \(length) tokens for '\(layout.entry.name)', at most "
                        + "\(layout.maximum) are allowed; set too_long: cut or skip, or raise maximum")
            case .skip: skipped.formUnion(long)
            case .cut: break
            }
            runtime.logHandler(
                2,
                "\(source.id): \(long.count) of \(source.count) texts for '\(layout.entry.name)' have more than "
                    + "\(layout.maximum) tokens and \(layout.entry.tooLong == .cut ? "were cut" : "are left out")")
        }
        return skipped.isEmpty ? nil : (0..<Int64(source.count)).filter { !skipped.contains($0) }
    }

    /// The stream of an entry, when it is one.
    func stream(lanes: Int) throws(TrainingError) -> TextStream? {
        guard let layout = layouts.first, let steps = layout.entry.stream else { return nil }
        return try TextStream(encoded[0], end: layout.end, steps: steps, lanes: lanes)
    }

    /// The number of tokens of a sample's texts together: what samples of one batch should have alike.
    func length(_ sample: Int64) -> Int {
        var sum = 0
        for (layout, texts) in zip(layouts, encoded) { sum += layout.length(texts.length(Int(sample))) }
        return sum
    }

    /// Writes rows for samples into one tensor per entry, whose row length it sets, and lengths.
    func fill(_ samples: UnsafeBufferPointer<Int64>, _ rows: [BatchTensor], lengths: [BatchTensor]) {
        for index in layouts.indices {
            let layout = layouts[index]
            var longest = 0
            for other in layouts.indices where layouts[other].group == layout.group {
                for sample in samples {
                    longest = max(longest, layouts[other].length(encoded[other].length(Int(sample))))
                }
            }
            let rowLength = layout.rowLength(longest)
            rows[index].rowLength = rowLength
            let base = rows[index].data.assumingMemoryBound(to: Int64.self)
            let counts = lengths[index].data.assumingMemoryBound(to: Int64.self)
            for (row, sample) in samples.enumerated() {
                encoded[index].withIDs(Int(sample)) { layout.fill(base + row * rowLength, rowLength, $0) }
                counts[row] = Int64(layout.length(encoded[index].length(Int(sample))))
            }
        }
    }
}
