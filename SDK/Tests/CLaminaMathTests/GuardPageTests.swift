import CLaminaMath
import Foundation
import Testing

/// Pages that may be used, between two that may not: touching anything beside an array ends the process.
private final class GuardedPages {
    let base: UnsafeMutableRawPointer
    let page = sysconf(Int32(_SC_PAGESIZE))

    init() {
        base = mmap(nil, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)!
        precondition(base != MAP_FAILED)
        mprotect(base, page, PROT_NONE)
        mprotect(base + 2 * page, page, PROT_NONE)
    }

    deinit { munmap(base, 3 * page) }

    /// An array of `count` floats right behind the first guard, or right before the last.
    func floats(_ count: Int, atEnd: Bool) -> UnsafeMutablePointer<Float> {
        (base + (atEnd ? 2 * page - count * 4 : page)).bindMemory(to: Float.self, capacity: count)
    }
}

@Suite struct GuardPageTests {
    @Test(arguments: [false, true]) func kernelsTouchNothingBesideTheirArrays(atEnd: Bool) {
        let pages = (0..<3).map { _ in GuardedPages() }
        for count in 0..<100 {
            let n = Int64(count)
            let arrays = pages.map { $0.floats(count, atEnd: atEnd) }
            let (x, y, z) = (arrays[0], arrays[1], arrays[2])
            for i in 0..<count { x[i] = Float(i) / 8 - 3 }
            for function in functions {
                function.kernel(x, y, n)
                #expect((0..<count).allSatisfy { y[$0].comparableBits == function(x[$0]).comparableBits })
            }
            for accumulate in [false, true] {
                lamina_math_relu_grad(x, y, z, n, accumulate)
                lamina_math_gelu_grad(x, y, z, n, accumulate)
                lamina_math_softmax_grad_row(x, y, z, n, accumulate)
                lamina_math_log_softmax_grad_row(x, y, z, n, accumulate)
            }
            lamina_math_softmax_row(x, y, n)
            lamina_math_log_softmax_row(x, y, n)
            lamina_math_divide(x, y, z, n)
            lamina_math_axpy(2, x, y, n)
            lamina_math_fill(1, x, n)
            #expect(lamina_math_sum(x, n) == Double(count))
            #expect(lamina_math_dot(x, x, n) == Double(count))
            #expect(lamina_math_max(x, n) == (count == 0 ? -.infinity : 1))
            lamina_random_uniform(1, 2, 3, y, n)
            lamina_random_normal(1, 2, 3, z, n)
            #expect((0..<count).allSatisfy { y[$0] < 1 && z[$0].isFinite })
        }
    }
}
