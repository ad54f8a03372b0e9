import LaminaTesting
import Testing

@testable import Core

@Suite struct ArithmeticTests {
    /// Shapes whose gradients take every path: equal, one repeated, both repeated; cut along each kind of axis.
    static let shapes: [(left: [Int], right: [Int])] = [
        ([2, 3, 4, 5], [2, 3, 4, 5]), ([37], [37]), ([6, 19], [19]), ([2, 3, 4, 5], [3, 1, 1]),
        ([2, 3, 4, 5], [1, 3, 1, 1]),
        ([4, 3, 2], [4, 1, 1]), ([3, 5], []), ([4, 1, 3], [1, 5, 1]), ([2, 300], [300]), ([2, 3, 4, 5], [5]),
        ([3, 8, 50], [1, 8, 1]), ([2, 64, 90], [64, 90]),
    ]

    @Test(arguments: ["add", "subtract", "multiply", "divide"])
    func followsTheRules(name: String) throws {
        let component = try #require(CoreCatalogue.layers.first { $0.name == name })
        let cases = Self.shapes.flatMap { left, right in
            [
                LayerCase(.normal(left), .uniform(right, 0.5...2)),
                // The batch is that of the first input: here it stays as it is.
                LayerCase(.normal(right), .uniform(left, 0.5...2)).with { $0.hasBatch = false },
            ]
        }
        #expect(checkLayer(component, cases: cases) == [])
    }

    @Test(arguments: ["add", "subtract", "multiply", "divide"])
    func refusals(name: String) throws {
        let component = try #require(CoreCatalogue.layers.first { $0.name == name })
        let cases: [LayerCase] = [
            LayerCase(
                rejects:
                    "input 1 has shape [4, 2], which does not fit [4, 3] of the input before: sizes 2 and 3 of axis -1",
                [:], .normal([4, 3]), .normal([4, 2])),
            LayerCase(rejects: "input 1 has type int64, wanted float32", [:], .normal([3]), .integers([3], 0..<3)),
        ]
        #expect(checkLayer(component, cases: cases) == [])
    }

    @Test func addSeveral() {
        let cases: [LayerCase] = [
            LayerCase(.normal([4, 3]), .normal([4, 3]), .normal([4, 3]), .normal([4, 3])),
            LayerCase(.normal([3]), .normal([2, 1]), .normal([4, 1, 1])).with { $0.hasBatch = false },
            LayerCase(rejects: "there is 1 input, wanted two or more", [:], .normal([4, 3])),
        ]
        #expect(checkLayer(.layer(Add.self), cases: cases) == [])
    }
}
