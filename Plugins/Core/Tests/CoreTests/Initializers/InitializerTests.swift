import Foundation
import LaminaFormats
import LaminaSDK
import LaminaTesting
import Testing

@testable import Core

@Suite struct InitializerTests {
    private func filled(_ name: String, _ shape: [Int], _ attributes: JSONObject = [:], seed: UInt64 = 1) throws
        -> [Float]
    {
        let component = try #require(CoreCatalogue.initializers.first { $0.name == name })
        return try fill(shape, with: component, attributes, seed: seed).floats
    }

    private func moments(_ values: [Float]) -> (mean: Double, deviation: Double) {
        let mean = values.reduce(0) { $0 + Double($1) } / Double(values.count)
        let variance = values.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / Double(values.count)
        return (mean, variance.squareRoot())
    }

    /// Mean within 5 standard errors, deviation within 2 %.
    private func expect(
        _ values: [Float], mean: Double, deviation: Double, _ comment: Comment? = nil,
        at location: SourceLocation = #_sourceLocation
    ) {
        let got = moments(values)
        let error = 5 * deviation / Double(values.count).squareRoot()
        #expect((got.mean - mean).magnitude < error, comment, sourceLocation: location)
        #expect((got.deviation / deviation - 1).magnitude < 0.02, comment, sourceLocation: location)
    }

    @Test func constant() throws {
        #expect(try filled("constant", [2, 3]) == [Float](repeating: 0, count: 6))
        #expect(try filled("constant", [3], ["value": -1.5]) == [-1.5, -1.5, -1.5])
    }

    @Test func uniform() throws {
        let values = try filled("uniform", [200, 300], ["low": -3, "high": 1])
        expect(values, mean: -1, deviation: 4 / 12.0.squareRoot())
        #expect(values.allSatisfy { $0 >= -3 && $0 < 1 })
        #expect(values.min()! < -2.99 && values.max()! > 0.99)
    }

    @Test func normal() throws {
        let values = try filled("normal", [200, 300], ["mean": 2, "std": 0.5])
        expect(values, mean: 2, deviation: 0.5)
        // 4.55 % lie beyond two deviations.
        let outside = Double(values.filter { ($0 - 2).magnitude > 1 }.count) / 60_000
        #expect((outside - 0.0455).magnitude < 0.005)
    }

    /// The padding row of an embedding; the others are what they would be without it.
    @Test func normalWithAZeroRow() throws {
        var wanted = try filled("normal", [4, 3])
        wanted.replaceSubrange(6..<9, with: [0, 0, 0])
        #expect(try filled("normal", [4, 3], ["zero_row": 2]) == wanted)
        #expect { try filled("normal", [4, 3], ["zero_row": 4]) } throws: { "\($0)".contains("zero_row is 4") }
        #expect { try filled("normal", [], ["zero_row": 0]) } throws: { "\($0)".contains("zero_row is 0") }
    }

    @Test func truncatedNormal() throws {
        let values = try filled("truncated_normal", [200, 300])
        // The deviation of a standard normal that is cut at ±2.
        expect(values, mean: 0, deviation: 0.87963)
        #expect(values.allSatisfy { $0.magnitude <= 2 })
        let shifted = try filled("truncated_normal", [200, 300], ["mean": 1, "std": 2, "low": 2, "high": 8])
        #expect(shifted.allSatisfy { $0 >= 2 && $0 <= 8 })
        // Mean and deviation of that law: μ + σ (φ(a) − φ(b)) / Z with a = ½, b = 3½.
        expect(shifted, mean: 3.277497, deviation: 1.022978)
    }

    /// Bounds far from the mean leave a sliver of probability; the sample must still fill it.
    @Test func truncatedNormalInTheTail() throws {
        for (low, high) in [(6.0, 7.0), (-7.0, -6.0)] {
            let values = try filled(
                "truncated_normal", [50, 100], ["low": .number(low), "high": .number(high)])
            #expect(values.allSatisfy { Double($0) >= low && Double($0) <= high })
            #expect(Set(values).count > 4000)
            #expect((moments(values).mean.magnitude - 6.158).magnitude < 0.02)
        }
        #expect(try filled("truncated_normal", [4], ["std": 0, "mean": 9]) == [2, 2, 2, 2])
    }

    @Test func quantileInvertsTheCumulative() {
        var (error, asymmetry) = (0.0, 0.0)
        for exponent in stride(from: -300.0, through: -0.31, by: 0.37) {
            let p = pow(10, exponent)
            error = max(error, (normalCumulative(normalQuantile(p)) / p - 1).magnitude)
            if p > 1e-3 { asymmetry = max(asymmetry, (normalQuantile(1 - p) + normalQuantile(p)).magnitude) }
        }
        #expect(error < 1e-12)
        #expect(asymmetry < 1e-12)
        #expect(normalQuantile(0.5) == 0)
        #expect((normalQuantile(0.975) - 1.959963984540054).magnitude < 1e-15)
    }

    @Test func xavier() throws {
        // fan_in = 30 · 6, fan_out = 40 · 6
        let shape = [40, 30, 2, 3]
        let deviation = (2.0 / (180 + 240)).squareRoot()
        expect(try filled("xavier_normal", shape), mean: 0, deviation: deviation)
        let uniform = try filled("xavier_uniform", shape, ["gain": 2])
        expect(uniform, mean: 0, deviation: 2 * deviation)
        #expect(uniform.allSatisfy { Double($0.magnitude) <= 2 * (6.0 / 420).squareRoot() })
    }

    @Test func he() throws {
        let shape = [40, 30, 2, 3]
        let gains: [(JSONObject, Double)] = [
            ([:], 2.0.squareRoot()), (["nonlinearity": "relu"], 2.0.squareRoot()), (["slope": 0.5], 1.6.squareRoot()),
            (["nonlinearity": "tanh"], 5.0 / 3), (["nonlinearity": "selu"], 0.75), (["nonlinearity": "linear"], 1),
        ]
        for (attributes, gain) in gains {
            let text: Comment = "\(attributes)"
            expect(try filled("he_normal", shape, attributes), mean: 0, deviation: gain / 180.0.squareRoot(), text)
            let uniform = try filled("he_uniform", shape, attributes)
            expect(uniform, mean: 0, deviation: gain / 180.0.squareRoot(), text)
            #expect(uniform.allSatisfy { Double($0.magnitude) <= gain * (3.0 / 180).squareRoot() * 1.000001 })
        }
        let out = try filled("he_normal", shape, ["mode": "fan_out"])
        expect(out, mean: 0, deviation: 2.0.squareRoot() / 240.0.squareRoot())
        // The weight of PyTorch's Linear: ±1 / √fan_in.
        let linear = try filled("he_uniform", [50, 100], ["slope": .number(5.0.squareRoot())])
        #expect(linear.allSatisfy { $0.magnitude <= 0.1000001 } && linear.max()! > 0.0999)
    }

    @Test(arguments: [[5, 5], [3, 8], [8, 3], [64, 64], [6, 2, 2, 3], [20, 2, 3], [1, 1], [1, 7]])
    func orthogonal(_ shape: [Int]) throws {
        let gain = 1.5
        let values = try filled("orthogonal", shape, ["gain": .number(gain)]).map { Double($0) }
        let (rows, columns) = (shape[0], shape.dropFirst().reduce(1, *))
        func at(_ vector: Int, _ i: Int) -> Double {
            rows <= columns ? values[vector * columns + i] : values[i * columns + vector]
        }
        for a in 0..<min(rows, columns) {
            for b in 0...a {
                let product = (0..<max(rows, columns)).reduce(0.0) { $0 + at(a, $1) * at(b, $1) }
                #expect((product - (a == b ? gain * gain : 0)).magnitude < 1e-6)
            }
        }
    }

    /// Neither orientation nor sign is preferred: a diagonal element is symmetric around 0.
    @Test func orthogonalIsUniform() throws {
        let corners = try (0..<2000).map { try filled("orthogonal", [3, 3], seed: UInt64($0))[0] }
        // An element of a uniform rotation in 3 dimensions is uniform in [−1, 1].
        let got = moments(corners)
        #expect(got.mean.magnitude < 5 * 0.5774 / 2000.0.squareRoot())
        #expect((got.deviation - 0.5774).magnitude < 0.03)
    }

    @Test func identity() throws {
        #expect(try filled("identity", [2, 3]) == [1, 0, 0, 0, 1, 0])
        #expect(try filled("identity", [2, 2], ["gain": 0.5]) == [0.5, 0, 0, 0.5])
    }

    private static let random = CoreCatalogue.initializers.map(\.name).filter {
        !["constant", "identity"].contains($0)
    }

    /// The seed decides everything, the number of threads nothing.
    @Test(arguments: random)
    func isReproducible(_ name: String) throws {
        let component = try #require(CoreCatalogue.initializers.first { $0.name == name })
        let shape = [151, 150]
        let first = try fill(shape, with: component, seed: 3)
        let host = TestHost()
        (host.threads, host.shufflesChunks) = (3, true)
        #expect(try fill(shape, with: component, seed: 3, host: host) == first)
        #expect(try fill(shape, with: component, seed: 4) != first)
        #expect(try fill(shape, with: component, seed: 3, stream: 1) != first)
        #expect(try fill([0, 4], with: component).floats == [])
    }

    @Test(arguments: ["he_normal", "he_uniform", "xavier_normal", "xavier_uniform", "orthogonal", "identity"])
    func shapesWithoutFansAreRefused(_ name: String) throws {
        #expect { try filled(name, [5]) } throws: {
            "\($0)".contains("core.\(name) needs a") && "\($0)".contains("[5]")
        }
    }

    @Test func boundsTheWrongWayRoundAreRefused() throws {
        for name in ["uniform", "truncated_normal"] {
            #expect { try filled(name, [5], ["low": 3, "high": 1]) } throws: { "\($0)".contains("swap them") }
        }
    }
}
