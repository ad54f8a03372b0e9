import LaminaRecipe

/// All texts as one stream of ids, for models that predict the token that comes next.
///
/// The stream is cut into `lanes` of equal length, side by side; a batch is a window of `steps` ids of every lane, and the
/// next batch continues where it ends. What does not fill a window in every lane is left out. Sample i is window i / lanes of
/// lane i mod lanes, so samples in their order make whole batches.
struct TextStream: Sendable {
    let steps: Int
    let lanes: Int
    let windows: Int
    private let ids: [Int32]
    private let laneLength: Int

    /// - Parameters:
    ///   - end: put behind each text.
    ///   - lanes: at most; as many as the stream fills.
    init(_ texts: EncodedTexts, end: Int64?, steps: Int, lanes wanted: Int) throws(TrainingError) {
        var ids = texts.ids
        if let end {
            ids.removeAll(keepingCapacity: true)
            for index in 0..<texts.count {
                texts.withIDs(index) { ids.append(contentsOf: $0) }
                ids.append(Int32(end))
            }
        }
        // The last id is only predicted.
        let usable = ids.count - 1
        guard usable >= steps else {
            throw TrainingError(
                .data,
                "the texts have \(ids.count) tokens, a stream of windows of \(steps) needs \(steps + 1) or more: "
                    + "lower 'stream'")
        }
        self.ids = ids
        self.steps = steps
        lanes = min(max(wanted, 1), usable / steps)
        laneLength = usable / lanes
        windows = laneLength / steps
    }

    var count: Int { windows * lanes }

    /// Whether a batch that begins with this sample goes on where the one before ended.
    func continues(_ sample: Int64) -> Bool { sample >= lanes }

    /// Writes windows, and the ids that follow each of their ids.
    func fill(
        _ samples: UnsafeBufferPointer<Int64>, _ rows: UnsafeMutablePointer<Int64>,
        _ following: UnsafeMutablePointer<Int64>
    ) {
        for (row, sample) in samples.enumerated() {
            let start = Int(sample) % lanes * laneLength + Int(sample) / lanes * steps
            for step in 0..<steps {
                rows[row * steps + step] = Int64(ids[start + step])
                following[row * steps + step] = Int64(ids[start + step + 1])
            }
        }
    }
}
