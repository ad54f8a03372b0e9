import CLaminaMath
import Testing

@Suite struct LayoutTests {
    @Test func transposesEverySize() {
        for rows in 0..<20 {
            for columns in 0..<20 {
                // A bit pattern per element, NaNs among them: bits are copied as they are.
                let x = (0..<rows * columns).map { Float(bitPattern: 0x7F80_0000 &+ UInt32($0) &* 3) }
                var y = [Float](repeating: 7, count: rows * columns + 1)
                lamina_math_transpose(x, Int64(rows), Int64(columns), &y)
                for r in 0..<rows {
                    for c in 0..<columns {
                        #expect(y[c * rows + r].bitPattern == x[r * columns + c].bitPattern, "\(rows) × \(columns)")
                    }
                }
                #expect(y[rows * columns] == 7)
            }
        }
    }

    @Test func addsTheTransposed() {
        for (rows, columns) in [(1, 9), (8, 8), (9, 17), (24, 16), (31, 10)] {
            let x = (0..<rows * columns).map { Float($0) / 4 }
            var y = (0..<rows * columns).map { Float($0) }
            lamina_math_transpose_add(x, Int64(rows), Int64(columns), &y)
            for r in 0..<rows {
                for c in 0..<columns {
                    #expect(y[c * rows + r] == Float(c * rows + r) + x[r * columns + c])
                }
            }
        }
    }

    @Test func transposesAPartAndLeavesTheRest() {
        for (rows, columns) in [(0, 3), (1, 9), (8, 8), (9, 17), (24, 16), (31, 10)] {
            let (xStride, yStride) = (columns + 3, rows + 5)
            let x = (0..<rows * xStride).map { Float($0) }
            var y = [Float](repeating: -1, count: columns * yStride)
            lamina_math_transpose_part(x, Int64(xStride), Int64(rows), Int64(columns), &y, Int64(yStride))
            for c in 0..<columns {
                for r in 0..<yStride { #expect(y[c * yStride + r] == (r < rows ? x[r * xStride + c] : -1)) }
            }
        }
    }
}
