/// How well two lists of numbers agree.
enum Correlation {
    /// Pearson's coefficient of linear correlation; nil if there are fewer than two, or all of one list are equal.
    static func pearson(_ x: [Double], _ y: [Double]) -> Double? {
        precondition(x.count == y.count, "as many numbers in both lists")
        guard x.count >= 2 else { return nil }
        let (meanX, meanY) = (x.reduce(0, +) / Double(x.count), y.reduce(0, +) / Double(y.count))
        var (xx, yy, xy) = (0.0, 0.0, 0.0)
        for (x, y) in zip(x, y) {
            xx += (x - meanX) * (x - meanX)
            yy += (y - meanY) * (y - meanY)
            xy += (x - meanX) * (y - meanY)
        }
        guard xx > 0, yy > 0 else { return nil }
        return xy / (xx.squareRoot() * yy.squareRoot())
    }

    /// Spearman's: Pearson's of the ranks, where equal numbers share the mean of their ranks.
    static func spearman(_ x: [Double], _ y: [Double]) -> Double? { pearson(ranks(x), ranks(y)) }

    /// Ranks from 1.
    static func ranks(_ x: [Double]) -> [Double] {
        let order = x.indices.sorted { x[$0] < x[$1] }
        var ranks = [Double](repeating: 0, count: x.count)
        var begin = 0
        while begin < order.count {
            var end = begin + 1
            while end < order.count, x[order[end]] == x[order[begin]] { end += 1 }
            for i in begin..<end { ranks[order[i]] = Double(begin + 1 + end) / 2 }
            begin = end
        }
        return ranks
    }
}
