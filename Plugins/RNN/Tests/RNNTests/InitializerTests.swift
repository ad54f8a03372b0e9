import LaminaSDK
import LaminaTesting
import RNN
import Testing

@Suite struct InitializerTests {
    private func component(_ name: String) throws -> Component {
        try #require(RNNCatalogue.initializers.first { $0.name == name })
    }

    @Test(arguments: [[12, 4], [6, 5], [9, 2]]) func gatesAreOrthonormal(_ shape: [Int]) throws {
        let values = try fill(shape, with: component("orthogonal_gates"), ["gates": 3, "gain": 2]).floats
        let (rows, columns) = (shape[0] / 3, shape[1])
        for gate in 0..<3 {
            func element(_ vector: Int, _ i: Int) -> Float {
                let (row, column) = rows <= columns ? (vector, i) : (i, vector)
                return values[(gate * rows + row) * columns + column]
            }
            for a in 0..<min(rows, columns) {
                for b in 0...a {
                    let product = (0..<max(rows, columns)).reduce(Float(0)) { $0 + element(a, $1) * element(b, $1) }
                    #expect(abs(product - (a == b ? 4 : 0)) < 1e-5)
                }
            }
        }
        #expect(Array(values.prefix(rows * columns)) != Array(values.dropFirst(rows * columns).prefix(rows * columns)))
    }

    @Test func gatesMustCutTheFirstAxis() throws {
        #expect(throws: (any Error).self) { try fill([7, 2], with: component("orthogonal_gates"), ["gates": 3]) }
        #expect(throws: (any Error).self) { try fill([7], with: component("gate_bias"), ["gates": 3, "gate": 0]) }
        #expect(throws: (any Error).self) { try fill([6], with: component("gate_bias"), ["gates": 3, "gate": 3]) }
    }

    @Test func oneGateGetsMore() throws {
        let values = try fill(
            [400], with: component("gate_bias"), ["gates": 4, "gate": 1, "low": -0.5, "high": 0.5, "value": 3]
        ).floats
        for (index, value) in values.enumerated() {
            #expect(abs(value - (100..<200 ~= index ? 3 : 0)) <= 0.5)
        }
        #expect(Set(values).count > 390)
    }
}
