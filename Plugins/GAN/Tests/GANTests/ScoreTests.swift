import Foundation
import LaminaFormats
import LaminaSDK
import LaminaTesting
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
        #expect(abs(InceptionScore.of(one, splits: 7).mean - 1) < 1e-12)
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

    /// Covariances that do not commute: for 2 × 2, tr (Σ₁Σ₂)^½ = (tr Σ₁Σ₂ + 2 (det Σ₁Σ₂)^½)^½.
    @Test func frechetDistanceOfDependentFeatures() {
        // Four points ±a, ±b have the covariance ⅔(aaᵀ + bbᵀ).
        func moments(_ a: [Float], _ b: [Float]) -> FeatureMoments {
            var moments = FeatureMoments(size: 2)
            for point in [a, b, a.map { -$0 }, b.map { -$0 }] { moments.add(point, rows: 1) }
            return moments
        }
        // [[2, 1], [1, 2]] and [[1, 0], [0, 4]].
        func root(_ value: Float) -> Float { value.squareRoot() }
        let (first, second) = (moments([root(3), root(0.75)], [0, 1.5]), moments([root(1.5), 0], [0, root(6)]))
        let wanted: Double = 9 - 2 * (10 + 2 * 12.0.squareRoot()).squareRoot()
        #expect(abs(first.frechetDistance(to: second) - wanted) < 1e-5)
        #expect(abs(second.frechetDistance(to: first) - wanted) < 1e-5)
    }

    /// Features that never vary, as those of dead units, and more features than samples.
    @Test func frechetDistanceOfFewSamples() {
        func moments(_ shift: Float) -> FeatureMoments {
            var moments = FeatureMoments(size: 5)
            for row in 0..<3 {
                let point = (0..<5).map { $0 < 2 ? 7 : shift + Float(($0 * row * 7) % 5) }
                moments.add(point, rows: 1)
            }
            return moments
        }
        #expect(moments(0).frechetDistance(to: moments(0)) < 1e-6)
        #expect(abs(moments(0).frechetDistance(to: moments(2)) - 12) < 1e-6)
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
        #expect(SymmetricMatrix(size: 0).eigenvalues().isEmpty)
        #expect(SymmetricMatrix(size: 3).eigenvalues() == [0, 0, 0])
        var dot = SymmetricMatrix(size: 1)
        dot[0, 0] = -4
        #expect(abs(dot.eigenvalues()[0] + 4) < 1e-14)
    }

    /// LLᵀ is the matrix, also where a row of it depends on others; LᵀAL is what loops say.
    @Test func factorsOfASymmetricMatrix() {
        // xxᵀ + yyᵀ has rank 2.
        let (n, x, y) = (4, [2.0, -1, 0, 3], [1.0, 1, 2, 0.5])
        var matrix = SymmetricMatrix(size: n)
        for i in 0..<n { for j in 0..<n { matrix[i, j] = x[i] * x[j] + y[i] * y[j] } }
        let l = matrix.choleskyFactor()
        let between = matrix.between(l)
        for i in 0..<n {
            for j in 0..<n {
                #expect(j <= i || l[i * n + j] == 0)
                let product = (0..<n).reduce(0) { $0 + l[i * n + $1] * l[j * n + $1] }
                #expect(abs(product - matrix[i, j]) < 1e-12)
                var wanted = 0.0
                for k in 0..<n { for m in 0..<n { wanted += l[k * n + i] * matrix[k, m] * l[m * n + j] } }
                #expect(abs(between[i, j] - wanted) < 1e-12)
            }
        }
        #expect((0..<n).count { l[$0 * n + $0] > 0 } == 2)
        #expect(abs(matrix.eigenvalues()[1]) < 1e-13 && abs(matrix.eigenvalues().reduce(0, +) - matrix.trace) < 1e-12)
    }

    // MARK: Points

    /// Modes of points (x, y) with their classes.
    private func modes(_ points: [(x: Float, y: Float)], _ classes: [Int64], shape: [Int]? = nil) throws
        -> [PointModes.Mode]
    {
        let (values, labels) = (
            TensorBuffer(.float32, [points.count, 2]), TensorBuffer(.int64, shape ?? [classes.count])
        )
        for (index, point) in points.enumerated() {
            (values.tensor.floats[2 * index], values.tensor.floats[2 * index + 1]) = (point.x, point.y)
        }
        for (index, label) in classes.enumerated() { labels.tensor.int64s[index] = label }
        return try withExtendedLifetime((values, labels)) {
            try PointModes(points: values.tensor, classes: labels.tensor).modes
        }
    }

    /// Each class is measured by its own points, wherever those of others lie; single points are no mode.
    @Test func modesOfPoints() throws {
        let found = try modes(
            [(-1, 0), (1, 0), (9, 9), (-3, 0), (3, 0)], [1, 1, 2, 4, 4])
        #expect(found.map(\.label) == [1, 4] && found.map(\.mean.x) == [0, 0])
        #expect(
            abs(found[0].deviation - 0.5.squareRoot()) < 1e-12 && abs(found[1].deviation - 4.5.squareRoot()) < 1e-12)
    }

    @Test(
        arguments: [
            ([0, -1], nil, "run from -1 to 0"), ([0, 1_000_000_000_000], nil, "run from 0 to 1000000000000"),
            ([0, 1], nil, "no class of the recipe's data has two points"),
            ([0, 0, 0, 0], [2, 2], "have shape [2, 2]"),
            ([], [0], "have shape [0]"),
        ] as [([Int64], [Int]?, String)])
    func refusesClassesOfPoints(_ classes: [Int64], _ shape: [Int]?, _ text: String) {
        let error = #expect(throws: PluginError.self) { try modes([(0, 0), (1, 1)], classes, shape: shape) }
        #expect(error.map { "\($0)".contains(text) } ?? false, "\(error.map { "\($0)" } ?? "")")
    }

    // MARK: Classifiers

    @Test func classesAreFoundByTheirNames() throws {
        #expect(try Classifier.numbers(of: ["b", "a"], among: ["a", "c", "b"]) == [2, 0])
        #expect(try Classifier.numbers(of: [], among: ["a", "c", "b"]) == [0, 1, 2])
        #expect(throws: PluginError.self) { try Classifier.numbers(of: ["b", "d"], among: ["a", "c", "b"]) }
    }

    @Test func outputsThatAreNoProbabilities() throws {
        #expect(try Classifier.checked([0.25, 0.745]) == [0.25, 0.745])
        for values in [[-0.1, -2.3], [0.5, 0.4], [1.2, -0.2], [.nan, 0]] {
            #expect(throws: PluginError.self) { try Classifier.checked(values) }
        }
    }

    /// Samples of which a classifier is unsure are not of all classes.
    @Test func entropyOfSeenClasses() {
        #expect(SamplePictures.entropy([[0.5, 0.3, 0.2], [0.4, 0.3, 0.3]], classes: 3) == 0)
        #expect(abs(SamplePictures.entropy([[1, 0], [0, 1], [0.9, 0.1], [0.2, 0.8]], classes: 2) - 1) < 1e-12)
        let uneven = SamplePictures.entropy([[1, 0], [1, 0], [1, 0], [0, 1]], classes: 2)
        #expect(abs(uneven - (0.25 * 2 + 0.75 * log2(4.0 / 3))) < 1e-12)
    }

    /// Every number once, and every stretch spread over all of them.
    @Test(arguments: [1, 2, 3, 10, 100, 60_000]) func orderOfSamples(_ count: Int) {
        let order = SampleOrder(count)
        let numbers = (0..<count).map { order[$0] }
        #expect(numbers.sorted() == Array(0..<count))
        for first in stride(from: 0, to: count - 20, by: 20) {
            let tenths = Set(numbers[first..<first + 20].map { $0 * 10 / count })
            #expect(tenths.count == 10, "from \(first)")
        }
    }

    /// A model of images of images would take its image for noise.
    @Test(arguments: ["generate", "interpolate", "evaluate"]) func refusesTranslators(_ name: String) throws {
        let task = try #require(GANCatalogue.tasks.first { $0.name == name })
        let model = TaskHarness(assets: ["translation.json": Array("{}".utf8)])
        let error = #expect(throws: CallError.self) {
            try model.run(task, arguments: name == "evaluate" ? [] : ["x.png"])
        }
        for text in ["makes images of images", "task MODEL translate"] {
            #expect(error?.text.contains(text) ?? false, "\(error?.text ?? "")")
        }
    }
}
