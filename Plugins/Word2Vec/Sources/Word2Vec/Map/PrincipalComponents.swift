import CWord2Vec

/// The two directions along which points differ most, and where the points are on them.
///
/// K. Pearson: On Lines and Planes of Closest Fit to Systems of Points in Space, 1901. By power iteration, the second
/// direction orthogonal to the first. Signs are those that make a direction's largest component positive.
struct PrincipalComponents {
    /// Per point its two coordinates.
    private(set) var coordinates: [(x: Double, y: Double)]
    /// The share of all variance that each direction has.
    private(set) var shares: (x: Double, y: Double)

    init(_ points: [[Double]]) {
        let dimension = points.first?.count ?? 0
        var mean = [Double](repeating: 0, count: dimension)
        for point in points { for j in 0..<dimension { mean[j] += point[j] / Double(points.count) } }
        let centred = points.map { point in (0..<dimension).map { point[$0] - mean[$0] } }
        let total = centred.reduce(0) { $0 + Self.dot($1, $1) }
        let first = Self.direction(centred, orthogonalTo: nil)
        let second = Self.direction(centred, orthogonalTo: first)
        coordinates = centred.map { (Self.dot($0, first), Self.dot($0, second)) }
        let x = coordinates.reduce(0) { $0 + $1.x * $1.x }
        let y = coordinates.reduce(0) { $0 + $1.y * $1.y }
        shares = total > 0 ? (x / total, y / total) : (0, 0)
    }

    private static func dot(_ a: [Double], _ b: [Double]) -> Double {
        var sum = 0.0
        for i in a.indices { sum += a[i] * b[i] }
        return sum
    }

    private static func direction(_ points: [[Double]], orthogonalTo other: [Double]?) -> [Double] {
        let dimension = points.first?.count ?? 0
        // A random start: a point, for one, may lie on a lesser direction, and nothing leads away from there.
        var random: UInt64 = 1
        var v = (0..<dimension).map { _ in Double(lamina_word2vec_random(&random) >> 11) * 0x1p-52 - 1 }
        for _ in 0..<2000 {
            if let other {
                let along = dot(v, other)
                for j in 0..<dimension { v[j] -= along * other[j] }
            }
            let norm = dot(v, v).squareRoot()
            guard norm > 1e-12 else { return [Double](repeating: 0, count: dimension) }
            for j in 0..<dimension { v[j] /= norm }
            var next = [Double](repeating: 0, count: dimension)
            for point in points {
                let along = dot(point, v)
                for j in 0..<dimension { next[j] += along * point[j] }
            }
            if let other {
                let along = dot(next, other)
                for j in 0..<dimension { next[j] -= along * other[j] }
            }
            let length = dot(next, next).squareRoot()
            if length <= 1e-12 { break }
            var change = 0.0
            for j in 0..<dimension {
                let moved = next[j] / length
                change += (moved - v[j]) * (moved - v[j])
                v[j] = moved
            }
            if change < 1e-22 { break }
        }
        let largest = v.max { abs($0) < abs($1) } ?? 0
        return largest < 0 ? v.map { -$0 } : v
    }
}
