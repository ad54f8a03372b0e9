import CLamina
import LaminaTesting
import Testing

@testable import Data

@Suite struct RandomTests {
    @Test func samplesFollowSeedAndIndex() throws {
        let source = try open("random", ["count": 5, "shape": [2, 3], "classes": 7])
        #expect(source.description.count == 5 && source.description.classes.count == 7)
        #expect(source.description.fields.map(\.name) == ["input", "label"])
        let all = try source.read([0, 1, 2, 3, 4])
        let values = all[0].elements(as: Float.self)
        #expect(values.count == 30 && values.allSatisfy { (0..<1).contains($0) } && Set(values).count > 25)
        #expect(all[1].elements(as: Int64.self).allSatisfy { (0..<7).contains($0) })
        // Alone and in another order each sample is the same.
        let two = try source.read([3, 1])
        #expect(two[0].elements(as: Float.self) == Array(values[18..<24] + values[6..<12]))
        #expect(
            two[1].elements(as: Int64.self) == [3, 1].map { all[1].elements(as: Int64.self)[$0] })
        let other = try open("random", ["count": 5, "shape": [2, 3], "seed": 1]).read([0])
        #expect(other.count == 1 && other[0].elements(as: Float.self) != Array(values[..<6]))
    }

    @Test func everyLabelComes() throws {
        let labels = try open("random", ["count": 4000, "shape": [1], "classes": 10]).read(Array(0..<4000))[1]
        for label in 0..<10 as Range<Int64> {
            let count = labels.elements(as: Int64.self).count { $0 == label }
            #expect((300...500).contains(count), "\(count) of label \(label)")
        }
    }

    @Test func labelsOfElements() throws {
        let source = try open(
            "random", ["count": 50, "shape": [4, 5], "tokens": 9, "classes": 3, "labels": "element"])
        #expect(source.description.fields.map(\.shape) == [[4, 5], [4, 5]])
        let all = try source.read(Array(0..<50))
        let labels = all[1].elements(as: Int64.self)
        #expect(labels.count == 1000 && Set(labels) == [0, 1, 2])
        let two = try source.read([3, 1])[1].elements(as: Int64.self)
        #expect(two == Array(labels[60..<80] + labels[20..<40]))
    }

    @Test func tokensAndBinaryTargets() throws {
        let source = try open("random", ["count": 300, "shape": [20], "tokens": 50, "binary": 3])
        #expect(source.description.fields.map(\.name) == ["input", "target"])
        let all = try source.read(Array(0..<300))
        let tokens = all[0].elements(as: Int64.self)
        #expect(tokens.allSatisfy { (0..<50).contains($0) } && Set(tokens).count == 50)
        let targets = all[1].elements(as: Float.self)
        #expect(targets.count == 900 && targets.allSatisfy { $0 == 0 || $0 == 1 })
        #expect((380...520).contains(targets.count { $0 == 1 }))
        let one = try source.read([7])
        #expect(one[0].elements(as: Int64.self) == Array(tokens[140..<160]))
        #expect(one[1].elements(as: Float.self) == Array(targets[21..<24]))
    }

    @Test func refusals() {
        #expect(
            failure("random", ["count": 1, "shape": [1], "classes": 2, "binary": 1])?.text
                == "classes and binary are both given: leave out one, a sample has one target")
        #expect(
            failure("random", ["count": 1, "shape": [100_000, 100_000]])?.text
                == "shape [100000, 100000] has more than 2^31 elements")
    }
}
