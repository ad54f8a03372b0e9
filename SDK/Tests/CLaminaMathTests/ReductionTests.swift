import CLaminaMath
import Testing

@Suite struct ReductionTests {
    /// Integers have exact sums, so that any missing, doubled or foreign element shows.
    @Test(arguments: 0..<140) func everyElementCountsOnce(count: Int) {
        let a = (0..<count).map { Float($0 * 37 % 101 - 50) } + [1e30]
        let b = (0..<count).map { Float($0 * 53 % 89 - 40) } + [1e30]
        let n = Int64(count)
        #expect(lamina_math_sum(a, n) == a.dropLast().reduce(0) { $0 + Double($1) })
        #expect(lamina_math_sum_squares(a, n) == a.dropLast().reduce(0) { $0 + Double($1) * Double($1) })
        #expect(lamina_math_dot(a, b, n) == zip(a, b).dropLast().reduce(0) { $0 + Double($1.0) * Double($1.1) })
        #expect(lamina_math_max(a, n) == (a.dropLast().max() ?? -.infinity))
    }

    @Test func maximumIsFoundAtEveryPlaceAndNaNWins() {
        for count in 1..<100 {
            for place in 0..<count {
                var x = (0..<count).map { -Float($0) - 1 }
                x[place] = -0.5
                #expect(lamina_math_max(x, Int64(count)) == -0.5)
                x[place] = .nan
                #expect(lamina_math_max(x, Int64(count)).isNaN)
            }
        }
    }

    /// The documented order: 32 lanes, then halves; written out here with scalars, for the same bits.
    @Test(arguments: [1, 31, 32, 33, 100, 1000, 4099]) func orderIsTheDocumentedOne(count: Int) {
        var x = [Float](repeating: 0, count: count)
        lamina_random_normal(1, 2, 3, &x, Int64(count))
        var lanes = [Double](repeating: 0, count: 32)
        for (i, value) in x.enumerated() { lanes[i % 32] += Double(value) }
        while lanes.count > 1 {
            let half = lanes.count / 2
            lanes = (0..<half).map { lanes[$0] + lanes[$0 + half] }
        }
        #expect(lamina_math_sum(x, Int64(count)) == lanes[0])
    }
}
