import Foundation
import LaminaFormats
import LaminaSDK
import LaminaTesting
import Testing

@testable import Transformer

@Suite struct RotaryTests {
    @Test func rules() {
        var cases: [LayerCase] = []
        for interleaved in [false, true] {
            let flag: JSON = .bool(interleaved)
            cases += [
                LayerCase(["heads": 2, "interleaved": flag], .normal([3, 5, 12])),
                LayerCase(["heads": 1, "interleaved": flag], .normal([2, 3, 70])),
                LayerCase(["heads": 3, "size": 2, "interleaved": flag], .normal([2, 4, 15])),
                LayerCase(["heads": 2, "packed": true, "interleaved": flag], .normal([2, 3, 12])),
                LayerCase(
                    ["heads": 4, "key_heads": 2, "packed": true, "size": 4, "interleaved": flag], .normal([2, 3, 40])),
            ]
        }
        cases += [
            LayerCase(["heads": 2], .normal([3, 0, 4])),
            LayerCase(["heads": 2, "base": 100], .normal([0, 3, 4])),
            LayerCase(rejects: "wanted [N, time, features]", ["heads": 2], .normal([2, 8])),
            LayerCase(rejects: "wanted a multiple of 3, its heads", ["heads": 3], .normal([2, 2, 8])),
            LayerCase(
                rejects: "wanted a multiple of 8: 4 heads and twice 2", ["heads": 4, "key_heads": 2, "packed": true],
                .normal([2, 2, 12])),
            LayerCase(rejects: "a head has 3 features, wanted an even number", ["heads": 2], .normal([2, 2, 6])),
            LayerCase(rejects: "size is 3, wanted an even number", ["heads": 1, "size": 3], .normal([2, 2, 6])),
            LayerCase(rejects: "a head has 4 features", ["heads": 2, "size": 6], .normal([2, 2, 8])),
            LayerCase(rejects: "has type int64", ["heads": 2], .integers([2, 3, 4], 0..<5)),
        ]
        let faults = checkLayer(.layer(Rotary.self), cases: cases)
        #expect(faults.isEmpty, "\(faults.joined(separator: "\n"))")
    }

    private func turn(_ x: TensorValue, _ attributes: JSONObject) throws -> [Float] {
        try LayerHarness(.layer(Rotary.self), attributes).predict([x]).outputs[0].floats
    }

    /// Products depend on the distance of two steps alone, which is what the layer is for.
    @Test(arguments: [false, true])
    func productsDependOnTheDistance(_ interleaved: Bool) throws {
        let (steps, size) = (40, 18)
        let (query, key) = (TensorValue.normal([size], seed: 1).floats, TensorValue.normal([size], seed: 2).floats)
        func turned(_ vector: [Float]) throws -> [Float] {
            try turn(
                TensorValue([1, steps, size], (0..<steps).flatMap { _ in vector }),
                ["heads": 1, "interleaved": .bool(interleaved)])
        }
        let (q, k) = try (turned(query), turned(key))
        func product(_ i: Int, _ j: Int) -> Double {
            (0..<size).reduce(0) { $0 + Double(q[i * size + $1]) * Double(k[j * size + $1]) }
        }
        for i in 0..<20 {
            #expect(abs(product(i + 7, i) - product(7, 0)) < 1e-4)
            #expect(abs(product(i, i + 13) - product(0, 13)) < 1e-4)
        }
        #expect(abs(product(7, 0) - product(0, 7)) > 1e-3)
        #expect(Array(q[..<size]) == query)
    }

    /// Both ways of pairing differ in the order of features alone.
    @Test func halvesArePairsInAnotherOrder() throws {
        let (steps, size) = (9, 38)
        let x = TensorValue.normal([1, steps, size], seed: 3)
        let pairs = try turn(x, ["heads": 1, "interleaved": true])
        let order = (0..<size).map { $0 < size / 2 ? 2 * $0 : 2 * ($0 - size / 2) + 1 }
        let reordered = (0..<steps).flatMap { t in order.map { x.floats[t * size + $0] } }
        let halves = try turn(TensorValue([1, steps, size], reordered), ["heads": 1])
        for t in 0..<steps {
            for (i, place) in order.enumerated() {
                #expect(abs(halves[t * size + i] - pairs[t * size + place]) < 1e-6)
            }
        }
    }

    /// Packed, queries and keys turn as they do alone, and values stay.
    @Test func packedIsApart() throws {
        let (steps, heads, keyHeads, depth) = (5, 4, 2, 6)
        let width = (heads + 2 * keyHeads) * depth
        let x = TensorValue.normal([2, steps, width], seed: 4)
        func columns(_ values: [Float], _ range: Range<Int>) -> [Float] {
            (0..<2 * steps).flatMap { row in range.map { values[row * width + $0] } }
        }
        let got = try turn(x, ["heads": 4, "key_heads": 2, "packed": true])
        let (q, k, v) = (0..<24, 24..<36, 36..<48)
        func alone(_ range: Range<Int>, _ heads: Int) throws -> [Float] {
            try turn(
                TensorValue([2, steps, range.count], columns(x.floats, range)), ["heads": .integer(Int64(heads))])
        }
        #expect(try columns(got, q) == alone(q, heads))
        #expect(try columns(got, k) == alone(k, keyHeads))
        #expect(columns(got, v) == columns(x.floats, v))
    }
}
