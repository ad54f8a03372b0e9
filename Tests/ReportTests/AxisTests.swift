import Testing

@testable import LaminaReport

@Suite("Report: axes")
struct AxisTests {
    private func labels(_ values: [Double], log: Bool = false) -> [String] {
        Axis(values: values, mayBeLogarithmic: log).ticks.map(\.label)
    }

    @Test("round ticks around the values, from 0 where they come near it")
    func linear() {
        #expect(labels([0.86, 0.32]) == ["0.3", "0.4", "0.5", "0.6", "0.7", "0.8", "0.9"])
        #expect(labels([0.1, 0.9]) == ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"])
        #expect(labels([0.67, 0.93]) == ["0.65", "0.70", "0.75", "0.80", "0.85", "0.90", "0.95"])
        #expect(labels([-3, 12]) == ["−5", "0", "5", "10", "15"])
        #expect(labels([-900, -100]) == ["−1,000", "−800", "−600", "−400", "−200", "0"])
    }

    @Test("a constant is in the middle, a share not beyond 1, nothing finite is 0 … 1")
    func constant() {
        #expect(labels([5, 5]) == ["4.4", "4.6", "4.8", "5.0", "5.2", "5.4", "5.6"])
        #expect(labels([1, 1]) == ["0.90", "0.92", "0.94", "0.96", "0.98", "1.00"])
        #expect(labels([0]).first == "0.0" && labels([0]).last == "1.0")
        #expect(labels([.nan, .infinity]) == labels([]))
        #expect(labels([]).last == "1.0")
    }

    @Test("two decades and more are logarithmic where that is wanted")
    func logarithmic() {
        #expect(labels([3, 0.025], log: true) == ["0.02", "0.05", "0.1", "0.2", "0.5", "1", "2", "5"])
        #expect(labels([1e-4, 40], log: true) == ["0.0001", "0.001", "0.01", "0.1", "1", "10", "100"])
        #expect(
            !Axis(values: [1e-4, 40]).isLogarithmic && !Axis(values: [0, 40], mayBeLogarithmic: true).isLogarithmic)
        let axis = Axis(values: [0.1, 100], mayBeLogarithmic: true)
        #expect(abs(axis.position(0.1)) < 1e-12 && abs(axis.position(100) - 1) < 1e-12)
        #expect(abs(axis.position(1) - 1.0 / 3) < 1e-12)
    }

    @Test(
        "epochs are whole numbers with the first among them",
        arguments: [
            (1...1, ["1"]), (1...3, ["1", "2", "3"]), (1...20, ["1", "5", "10", "15", "20"]),
            (1...300, ["1", "50", "100", "150", "200", "250", "300"]), (9...31, ["9", "15", "20", "25", "30"]),
            (1...1000, ["1", "200", "400", "600", "800", "1,000"]),
        ])
    func epochs(range: ClosedRange<Int>, labels: [String]) {
        let ticks = Axis(epochs: range, count: range.count < 4 ? 10 : 7).ticks
        #expect(ticks.map(\.label) == labels)
    }

    @Test("any values whatever: limits hold them, ticks rise, few in number", arguments: [false, true])
    func anything(mayBeLogarithmic: Bool) {
        for seed in UInt64(0)..<3000 {
            var random = Random(seed)
            let scale = Double(sign: .plus, exponent: Int.random(in: -1074...1023, using: &random), significand: 1)
            let values = (0..<Int.random(in: 1...5, using: &random)).map { _ in
                seed % 3 == 0
                    ? Double(bitPattern: random.next())
                    : Double.random(in: -1...1, using: &random) * (seed % 3 == 1 ? scale : scale * 1e-7) + scale
            }
            let axis = Axis(values: values, mayBeLogarithmic: mayBeLogarithmic)
            #expect(axis.lower < axis.upper && (1...14).contains(axis.ticks.count), "seed \(seed): \(values)")
            #expect(zip(axis.ticks, axis.ticks.dropFirst()).allSatisfy { $0.value < $1.value }, "seed \(seed)")
            for value in values where Axis.isDrawable(value) && value.magnitude > 1e-280 {
                #expect((-1e-6...1 + 1e-6).contains(axis.position(value)), "seed \(seed): \(value) in \(values)")
            }
        }
    }

    @Test("epochs beyond all reason do not crash")
    func extremeEpochs() {
        for range in [Int.min...Int.max, Int.max...Int.max, Int.min...Int.min, -3...2] {
            let axis = Axis(epochs: range, count: 10)
            #expect(axis.lower < axis.upper && !axis.ticks.isEmpty)
        }
    }
}

/// SplitMix64: numbers that a seed gives again.
struct Random: RandomNumberGenerator {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }
}
