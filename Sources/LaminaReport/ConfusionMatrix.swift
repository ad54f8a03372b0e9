/// How often each class was taken for which: the confusion matrix of a classifier.
public struct ConfusionMatrix: Sendable {
    public let classes: [String]
    /// Row-major; rows are the true classes, columns the predicted ones. From 0 to 10^15.
    public let counts: [Double]

    /// A matrix of `counts`, row-major with a row per true class; nil when that is no square.
    ///
    /// Classes without a name are named by their index, and names without a class are dropped. Counts that are negative
    /// or NaN are taken as 0, and those above 10^15 as that.
    public init?(classes: [String], counts: [Double]) {
        let size = Int(Double(counts.count).squareRoot())
        guard size > 0, size * size == counts.count else { return nil }
        self.classes = (0..<size).map { $0 < classes.count ? classes[$0] : "\($0)" }
        self.counts = counts.map { $0 > 0 ? min($0, 1e15) : 0 }
    }

    public var size: Int { classes.count }

    /// The sum of all counts.
    public var total: Double { counts.reduce(0, +) }

    /// The sum of the diagonal: how many were classified rightly.
    public var right: Double { (0..<size).reduce(0) { $0 + counts[$1 * size + $1] } }

    /// `right` / `total`; nil without any sample.
    public var accuracy: Double? { total > 0 ? right / total : nil }

    /// The share of each cell in its row, the samples of one true class: 0 in a row without samples.
    var shares: [Double] {
        var shares = counts
        for row in 0..<size {
            let range = row * size..<(row + 1) * size
            let sum = counts[range].reduce(0, +)
            for index in range { shares[index] = sum > 0 ? counts[index] / sum : 0 }
        }
        return shares
    }
}
