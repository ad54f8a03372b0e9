import CLaminaMath
import Foundation
import Testing

@Suite struct RandomTests {
    /// Known answers of the Random123 distribution (kat_vectors, philox4x32 with 10 rounds): counter, key, output.
    static let answers: [[[UInt32]]] = [
        [[0, 0, 0, 0], [0, 0], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]],
        [
            [0xffff_ffff, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff], [0xffff_ffff, 0xffff_ffff],
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd],
        ],
        [
            [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0],
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
        ],
    ]

    @Test(arguments: answers) func knownAnswers(answer: [[UInt32]]) {
        var got = [UInt32](repeating: 0, count: 4)
        lamina_philox_block(answer[1], answer[0], &got)
        #expect(got == answer[2])
    }

    /// The vector fill against one block at a time, where the block number carries into its upper word too.
    @Test(arguments: [0, 1, 2, 3, 61, (0xffff_fffe << 2) + 1, UInt64.max - 300] as [UInt64])
    func bitsAreTheBlocksInOrder(offset: UInt64) {
        let seed: UInt64 = 0x0123_4567_89ab_cdef
        let stream: UInt64 = 0xfedc_ba98_7654_3210
        var got = [UInt32](repeating: 0, count: 257)
        lamina_random_bits(seed, stream, offset, &got, Int64(got.count))
        for (i, word) in got.enumerated() {
            let element = offset + UInt64(i)
            let counter = [element / 4, stream].flatMap { [UInt32(truncatingIfNeeded: $0), UInt32($0 >> 32)] }
            var block = [UInt32](repeating: 0, count: 4)
            lamina_philox_block([UInt32(truncatingIfNeeded: seed), UInt32(seed >> 32)], counter, &block)
            #expect(word == block[Int(element % 4)], "element \(element)")
        }
    }

    @Test func uniformIsTheUpperBitsOfTheWords() {
        var words = [UInt32](repeating: 0, count: 1001)
        var floats = [Float](repeating: 0, count: 1001)
        lamina_random_bits(7, 9, 5, &words, 1001)
        lamina_random_uniform(7, 9, 5, &floats, 1001)
        #expect(floats == words.map { Float($0 >> 8) * 0x1p-24 })
    }

    @Test func seedsAndStreamsDiffer() {
        func words(_ seed: UInt64, _ stream: UInt64) -> [UInt32] {
            var out = [UInt32](repeating: 0, count: 64)
            lamina_random_bits(seed, stream, 0, &out, 64)
            return out
        }
        let all = [words(1, 0), words(0, 1), words(0, 0), words(1 << 32, 0), words(0, 1 << 32)]
        #expect(Set(all).count == all.count)
    }

    typealias Fill = @Sendable (UInt64, UInt64, UInt64, UnsafeMutablePointer<Float>?, Int64) -> Void

    /// Whatever the cuts, the pieces are the whole; nothing beyond a piece is written.
    @Test(arguments: [lamina_random_uniform, lamina_random_normal] as [Fill]) func piecesAreTheWhole(_ fill: Fill) {
        var whole = [Float](repeating: 0, count: 300)
        fill(3, 4, 0, &whole, 300)
        for start in 0..<70 {
            for count in [0, 1, 2, 3, 5, 31, 32, 33, 64, 100] {
                var part = [Float](repeating: -100, count: count + 1)
                fill(3, 4, UInt64(start), &part, Int64(count))
                #expect(part == Array(whole[start..<start + count]) + [-100])
            }
        }
    }

    @Test func normalIsBoxAndMullerOfTheWords() {
        let count = 4002
        var words = [UInt32](repeating: 0, count: count)
        var floats = [Float](repeating: 0, count: count)
        lamina_random_bits(7, 9, 2, &words, Int64(count))
        lamina_random_normal(7, 9, 2, &floats, Int64(count))
        for i in stride(from: 0, to: count, by: 2) {
            let u = (Double(words[i]) + 0.5) * 0x1p-32
            let v = Double(words[i + 1]) * 0x1p-32
            let radius = (-2 * log(u)).squareRoot()
            let angle = 2 * Double.pi * v
            #expect(abs(Double(floats[i]) - radius * cos(angle)) < 2e-6)
            #expect(abs(Double(floats[i + 1]) - radius * sin(angle)) < 2e-6)
        }
    }

    @Test func uniformLooksUniform() {
        let count = 1 << 20
        var x = [Float](repeating: 0, count: count)
        lamina_random_uniform(2026, 1, 0, &x, Int64(count))
        #expect(x.allSatisfy { $0 >= 0 && $0 < 1 })
        checkDistribution(x, mean: 0.5, variance: 1.0 / 12, fourth: 1.0 / 80) { $0 }
    }

    @Test func normalLooksNormal() {
        let count = 1 << 20
        var x = [Float](repeating: 0, count: count)
        lamina_random_normal(2026, 1, 0, &x, Int64(count))
        checkDistribution(x, mean: 0, variance: 1, fourth: 3) { erfc(-$0 * 0.5.squareRoot()) / 2 }
        let n = Double(count)
        let third = x.reduce(0) { $0 + Double($1) * Double($1) * Double($1) } / n
        #expect(abs(third) < 4.5 * (15 / n).squareRoot())
        let fourth = x.reduce(0) { $0 + Double($1 * $1) * Double($1 * $1) } / n
        #expect(abs(fourth - 3) < 4.5 * (96 / n).squareRoot())
    }
}

/// Mean, variance, correlation with neighbours (each within 4.5 standard errors) and the Kolmogorov–Smirnov distance to
/// the distribution function (critical value at a level of 1e-5). The samples are fixed by their seed: no flakiness.
func checkDistribution(
    _ x: [Float], mean: Double, variance: Double, fourth: Double, distribution: (Double) -> Double
) {
    let n = Double(x.count)
    let centred = x.map { Double($0) - mean }
    let sampleMean = centred.reduce(0, +) / n
    #expect(abs(sampleMean) < 4.5 * (variance / n).squareRoot(), "mean off by \(sampleMean)")
    let sampleVariance = centred.reduce(0) { $0 + $1 * $1 } / n
    let varianceError = ((fourth - variance * variance) / n).squareRoot()
    #expect(abs(sampleVariance - variance) < 4.5 * varianceError, "variance \(sampleVariance)")
    for lag in 1...5 {
        let correlation = zip(centred, centred.dropFirst(lag)).reduce(0) { $0 + $1.0 * $1.1 } / n / variance
        #expect(abs(correlation) < 4.5 / n.squareRoot(), "correlation \(correlation) at lag \(lag)")
    }
    var distance = 0.0
    for (i, value) in x.sorted().enumerated() {
        let expected = distribution(Double(value))
        distance = max(distance, abs(expected - Double(i) / n), abs(expected - Double(i + 1) / n))
    }
    #expect(distance < 2.47 / n.squareRoot(), "Kolmogorov–Smirnov distance \(distance)")
}
