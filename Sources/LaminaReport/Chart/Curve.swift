/// One line of a chart: a value per epoch, with gaps where it is missing or not finite.
struct Curve {
    /// What the legend calls it: "train", "validation".
    let name: String
    let values: [Double?]
    let color: String
    /// What the legend adds: where the lowest loss was.
    var note = ""

    /// The last value measured, if it is any number.
    var last: Double? { values.last { $0 != nil } ?? nil }

    /// Colours that people with any colour vision tell apart. Source: Okabe and Ito, "Color Universal Design", 2008.
    static let palette = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8A7A00"]

    /// The same colour for the same data in every panel.
    static func color(data: String) -> String? {
        switch data {
        case "train": palette[0]
        case "validation": palette[1]
        case "test": palette[2]
        default: nil
        }
    }

    /// Runs of points without a gap between them, thinned to what `width` pixels can show.
    ///
    /// Of every bucket of epochs the least and the greatest value stay, so that no peak is lost.
    func runs(epochs: [Int], isDrawable: (Double) -> Bool, width: Double) -> [[(epoch: Int, value: Double)]] {
        var runs: [[(epoch: Int, value: Double)]] = []
        var run: [(epoch: Int, value: Double)] = []
        for (epoch, value) in zip(epochs, values) {
            if let value, isDrawable(value) {
                run.append((epoch, value))
            } else if !run.isEmpty {
                runs.append(run)
                run = []
            }
        }
        if !run.isEmpty { runs.append(run) }
        let bucket = Int((Double(epochs.count) / (width * 2)).rounded(.up))
        return bucket <= 2 ? runs : runs.map { Self.thinned($0, bucket) }
    }

    private static func thinned(_ run: [(epoch: Int, value: Double)], _ bucket: Int) -> [(epoch: Int, value: Double)] {
        guard run.count > 2 else { return run }
        var kept = [run[0]]
        for start in stride(from: 1, to: run.count - 1, by: bucket) {
            let range = start..<min(start + bucket, run.count - 1)
            let least = range.min { run[$0].value < run[$1].value }!
            let greatest = range.max { run[$0].value < run[$1].value }!
            kept.append(run[min(least, greatest)])
            if least != greatest { kept.append(run[max(least, greatest)]) }
        }
        return kept + [run[run.count - 1]]
    }
}
