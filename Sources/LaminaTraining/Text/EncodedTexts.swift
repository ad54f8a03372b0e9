import LaminaFormats
import LaminaRecipe

/// All texts of a field as ids, one behind the other.
///
/// They are made when the data is opened: faults of the data show before training, lengths are known for bucketing, and
/// a batch is only copied.
final class EncodedTexts: @unchecked Sendable {
    private(set) var ids: [Int32] = []
    private var ends: [Int] = []

    init(_ source: DataSource, field: String, _ tokenizer: TextTokenizer) throws(TrainingError) {
        ends.reserveCapacity(source.count)
        let chunk = 1024
        for start in stride(from: 0, to: source.count, by: chunk) {
            let indices = (start..<min(start + chunk, source.count)).map { Int64($0) }
            try source.readTexts(field, indices) { (text) throws(TrainingError) in
                let before = self.ids.count
                try tokenizer.encode(text, into: &self.ids)
                guard self.ids.count > before else {
                    throw TrainingError(
                        .data,
                        "\(source.id): sample \(self.ends.count + 1) has no text in field '\(field)': "
                            + "\(text.isEmpty ? "it is empty" : "the tokenizer finds no token in it"); leave it out of the data"
                    )
                }
                self.ends.append(self.ids.count)
            }
        }
    }

    var count: Int { ends.count }

    func range(_ index: Int) -> Range<Int> { (index == 0 ? 0 : ends[index - 1])..<ends[index] }

    func length(_ index: Int) -> Int { range(index).count }

    func withIDs(_ index: Int, _ body: (UnsafeBufferPointer<Int32>) -> Void) {
        ids.withUnsafeBufferPointer { body(UnsafeBufferPointer(rebasing: $0[range(index)])) }
    }
}
