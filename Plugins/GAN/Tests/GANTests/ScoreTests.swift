import Foundation
import Testing

@testable import GAN

/// Scores against closed forms.
@Suite struct ScoreTests {
    @Test func inceptionScoreOfClearAndEvenSamples() {
        let clear = (0..<200).map { sample in (0..<10).map { $0 == sample % 10 ? 1.0 : 0 } }
        let score = InceptionScore.of(clear, splits: 10)
        #expect(abs(score.mean - 10) < 1e-9 && score.deviation < 1e-9)
        let unsure = [[Double]](repeating: [Double](repeating: 0.1, count: 10), count: 50)
        #expect(abs(InceptionScore.of(unsure, splits: 5).mean - 1) < 1e-12)
        let one = [[Double]](repeating: [1, 0, 0], count: 7)
        #expect(abs(InceptionScore.of(one, splits: 100).mean - 1) < 1e-12)
        // Two classes, surely told, one of them three times as often: exp of the entropy of (¾, ¼).
        let uneven = (0..<40).map { $0 % 4 == 0 ? [1.0, 0] : [0, 1.0] }
        #expect(abs(InceptionScore.of(uneven, splits: 1).mean - exp(-0.75 * log(0.75) - 0.25 * log(0.25))) < 1e-12)
    }

    /// Features with independent columns: the distance is the sum of those of the columns, (μ₁ − μ₂)² + (σ₁ − σ₂)².
    @Test func frechetDistanceOfIndependentFeatures() {
        func moments(_ shift: Float, _ scale: Float) -> FeatureMoments {
            var moments = FeatureMoments(size: 3)
            // All combinations of ±1: the columns are uncorrelated.
            var rows: [Float] = []
            for row in 0..<8 {
                for column in 0..<3 {
                    let sign: Float = (row >> column) & 1 == 0 ? 1 : -1
                    rows.append(shift + sign * scale * Float(column + 1))
                }
            }
            rows.withUnsafeBufferPointer { moments.add($0.baseAddress!, rows: 8) }
            return moments
        }
        let (a, b) = (moments(0, 1), moments(2, 3))
        // Deviations of ±s over n rows are s · √(n / (n − 1)).
        let spread: Double = (1.0 + 4.0 + 9.0) * 4.0 * 8.0 / 7.0
        let wanted: Double = 12.0 + spread
        #expect(abs(a.frechetDistance(to: b) - wanted) < 1e-6 && abs(b.frechetDistance(to: a) - wanted) < 1e-6)
        #expect(a.frechetDistance(to: a) < 1e-6)
    }

    @Test func eigenvaluesOfASymmetricMatrix() {
        // A tridiagonal matrix of 2 and -1: 2 − 2 cos(kπ/(n + 1)).
        let n = 9
        var matrix = SymmetricMatrix(size: n)
        for i in 0..<n {
            matrix[i, i] = 2
            if i > 0 { (matrix[i, i - 1], matrix[i - 1, i]) = (-1, -1) }
        }
        let wanted = (1...n).map { 2 - 2 * cos(Double($0) * .pi / Double(n + 1)) }
        for (got, want) in zip(matrix.eigenvalues().sorted(), wanted.sorted()) { #expect(abs(got - want) < 1e-12) }
        let root = matrix.mapEigenvalues { $0.squareRoot() }
        for (got, want) in zip(root.product(root).values, matrix.values) { #expect(abs(got - want) < 1e-12) }
        #expect(SymmetricMatrix(size: 0).eigenvalues().isEmpty)
    }
}
