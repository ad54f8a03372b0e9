import CLamina
import LaminaHost
import Testing

struct DimensionTableTests {
    private let table = DimensionTable()
    private var n: Int64 { table.symbol("N") }
    private func add(_ a: Int64, _ b: Int64) -> Int64 { table.compute(LAMINA_DIMENSION_ADD, a, b) }
    private func subtract(_ a: Int64, _ b: Int64) -> Int64 { table.compute(LAMINA_DIMENSION_SUBTRACT, a, b) }
    private func multiply(_ a: Int64, _ b: Int64) -> Int64 { table.compute(LAMINA_DIMENSION_MULTIPLY, a, b) }
    private func divide(_ a: Int64, _ b: Int64) -> Int64 { table.compute(LAMINA_DIMENSION_FLOOR_DIVIDE, a, b) }

    @Test func literalsAreComputed() {
        #expect(add(2, 3) == 5)
        #expect(subtract(7, 7) == 0)
        #expect(multiply(6, 7) == 42)
        #expect(divide(7, 2) == 3)
    }

    @Test func equalExpressionsAreEqual() {
        let t = table.symbol("T")
        #expect(add(n, t) == add(t, n))
        #expect(multiply(add(n, 1), 2) == add(multiply(2, n), 2))
        #expect(divide(multiply(n, 14), 14) == n)
        #expect(subtract(add(n, 5), 5) == n)
        #expect(subtract(n, n) == 0)
        #expect(table.symbol("N") == n)
    }

    @Test func whatIsNoDimensionIsRefused() {
        #expect(subtract(2, 3) == .min)
        #expect(divide(3, 0) == .min)
        #expect(multiply(.max, 2) == .min)
        #expect(add(-99, 1) == .min)
        #expect(table.compute(77, 1, 1) == .min)
    }

    @Test func theSmallestCoefficientIsNoTrap() {
        // -2⁶³·N
        let half = multiply(n, 1 << 62)
        let least = subtract(subtract(0, half), half)
        #expect(subtract(0, n) < 0 && least < 0)
        let quotient = divide(least, subtract(0, n))
        #expect(quotient != 1 << 62 && table.text(least) == "-9223372036854775808·N")
    }

    @Test func expressionsStaySmall() {
        // Written out, each is more than twice as long as the one before.
        var nested = n
        var depth = 0
        while nested != .min, depth < 100 {
            nested = divide(add(nested, 1), add(nested, 2))
            depth += 1
        }
        #expect((5..<12).contains(depth))
        // A long chain of strides is fine.
        var length = n
        for _ in 0..<200 { length = divide(add(length, 1), 2) }
        #expect(table.evaluate(length, ["N": 1]) == 1)
        for _ in 0..<2000 where length != .min { length = divide(add(length, 1), 2) }
        #expect(length == .min)
    }

    @Test func valuesFollowTheNames() {
        // The length after a convolution of width 3 and stride 2.
        let length = add(divide(subtract(table.symbol("T"), 3), 2), 1)
        #expect(table.evaluate(length, ["T": 10]) == 4)
        #expect(table.evaluate(length, ["T": 2]) == nil)
        #expect(table.evaluate(length, [:]) == nil)
        #expect(table.evaluate(17, [:]) == 17)
    }

    @Test func peopleCanReadThem() {
        #expect(table.text(32) == "32")
        #expect(table.text(n) == "N")
        #expect(table.text(add(multiply(2, n), 1)) == "2·N + 1")
        #expect(table.text(divide(n, 2)) == "⌊(N) / 2⌋")
    }
}
