import CLamina
import LaminaSDK

/// How often each piece of a corpus occurs.
struct PieceCounts {
    private let splitting: Splitting
    private let lowercases: Bool
    private(set) var pieces = ByteTable(minimumCapacity: 1 << 12)
    private(set) var counts: [Int] = []

    init(_ splitting: Splitting, lowercases: Bool = false) {
        self.splitting = splitting
        self.lowercases = lowercases
    }

    var isEmpty: Bool { counts.isEmpty }

    mutating func count(_ texts: TextFeed, host: Host) throws {
        var lowered: [UInt8] = []
        try texts.forEach { text in
            if host.isCancelled { throw PluginError.cancelled() }
            guard lowercases else { return count(text) }
            lowered.removeAll(keepingCapacity: true)
            Lowercase.append(text, to: &lowered)
            lowered.withUnsafeBufferPointer { count($0) }
        }
    }

    private mutating func count(_ text: UnsafeBufferPointer<UInt8>) {
        splitting.forEachPiece(text) { range in
            let (number, isNew) = pieces.add(UnsafeBufferPointer(rebasing: text[range]))
            if isNew { counts.append(1) } else { counts[number] += 1 }
        }
    }

    /// Pieces that are UTF-8 and occur often enough, the most frequent first, equally frequent ones by their bytes.
    func frequent(least: Int) -> [String] {
        let order = counts.indices.filter { counts[$0] >= least }.sorted {
            counts[$0] != counts[$1]
                ? counts[$0] > counts[$1] : pieces[$0].lexicographicallyPrecedes(pieces[$1])
        }
        return order.compactMap { String(validating: pieces[$0], as: UTF8.self) }
    }
}

extension PluginError {
    /// The user asked to stop.
    static func cancelled() -> PluginError { .init(LAMINA_ERROR_CANCELLED, "stopped while learning a vocabulary") }
}
