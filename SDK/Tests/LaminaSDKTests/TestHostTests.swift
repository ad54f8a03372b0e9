import CLamina
import LaminaSDK
import Synchronization
import Testing

@testable import LaminaTesting

/// The services of the test host, as the ABI defines them.
@Suite struct TestHostTests {
    @Test(arguments: [(1, false), (1, true), (3, false), (3, true)])
    func parallelForCoversTheRangeInChunks(threads: Int, shuffled: Bool) {
        let host = TestHost()
        (host.threads, host.shufflesChunks) = (threads, shuffled)
        let seen = Mutex<[Int: Int]>([:])
        host.host.parallelFor(1003, grain: 100) { begin, end in seen.withLock { $0[begin] = end } }
        #expect(
            seen.withLock { $0 }
                == Dictionary(uniqueKeysWithValues: (0...10).map { ($0 * 100, min(1003, $0 * 100 + 100)) }))
    }

    @Test func nestedCallsRunInOrderOnTheSameThread() {
        let host = TestHost()
        (host.threads, host.shufflesChunks) = (3, true)
        let wrong = Atomic<Int>(0)
        host.host.parallelFor(8, grain: 1) { _, _ in
            let thread = currentThread()
            let last = Atomic<Int>(-1)
            host.host.parallelFor(10, grain: 2) { begin, _ in
                if currentThread() != thread || begin < last.load(ordering: .relaxed) {
                    wrong.add(1, ordering: .relaxed)
                }
                last.store(begin, ordering: .relaxed)
            }
        }
        #expect(wrong.load(ordering: .relaxed) == 0)
    }

    @Test func shuffledChunksComeInAnotherOrder() {
        let host = TestHost()
        host.shufflesChunks = true
        let order = Mutex<[Int]>([])
        host.host.parallelFor(50, grain: 1) { begin, _ in order.withLock { $0.append(begin) } }
        #expect(order.withLock { $0 } != Array(0..<50))
        #expect(order.withLock { $0.sorted() } == Array(0..<50))
    }

    /// All four transpositions of [[1, 2, 3], [4, 5, 6]] · [[1, 0], [0, 1], [1, 1]] = [[4, 5], [10, 11]].
    @Test func products() throws {
        let host = TestHost().host
        let (a, at): ([Float], [Float]) = ([1, 2, 3, 4, 5, 6], [1, 4, 2, 5, 3, 6])
        let (b, bt): ([Float], [Float]) = ([1, 0, 0, 1, 1, 1], [1, 0, 1, 0, 1, 1])
        for (transposeA, transposeB) in [(false, false), (true, false), (false, true), (true, true)] {
            var c = [Float](repeating: .nan, count: 4)
            try host.gemm(
                transposeA: transposeA, transposeB: transposeB, m: 2, n: 2, k: 3, a: transposeA ? at : a,
                lda: transposeA ? 2 : 3, b: transposeB ? bt : b, ldb: transposeB ? 3 : 2, c: &c, ldc: 2)
            #expect(c == [4, 5, 10, 11])
            try host.gemm(
                transposeA: transposeA, transposeB: transposeB, m: 2, n: 2, k: 3, alpha: 2, a: transposeA ? at : a,
                lda: transposeA ? 2 : 3, b: transposeB ? bt : b, ldb: transposeB ? 3 : 2, beta: 1, c: &c, ldc: 2)
            #expect(c == [12, 15, 30, 33])
        }
        var batched = [Float](repeating: 0, count: 4)
        try host.gemm(
            m: 1, n: 1, k: 1, a: a, lda: 1, b: b, ldb: 1, c: &batched, ldc: 1, batch: 3, strideA: 2, strideB: 0,
            strideC: 1)
        #expect(batched == [1, 3, 5, 0])
        #expect(throws: PluginError.self) {
            try host.gemm(m: 2, n: 2, k: 3, a: a, lda: 1, b: b, ldb: 2, c: &batched, ldc: 2)
        }
    }

    @Test func dimensionsHaveANormalForm() throws {
        let test = TestHost()
        let host = test.host
        let n = test.symbol("N")
        let (one, two, three) = (Dimension(1), Dimension(2), Dimension(3))
        let left = try host.multiply(host.add(n, one), two)
        #expect(try left == host.add(host.multiply(two, n), two))
        #expect(host.text(left) == "N·2 + 2")
        #expect(try host.subtract(left, left) == Dimension(0))
        #expect(try host.floorDivide(left, two) == host.add(n, one))
        #expect(try host.floorDivide(host.multiply(n, three), n) == three)
        let half = try host.floorDivide(host.add(n, three), two)
        #expect(half.isSymbolic)
        for batch in [0, 1, 2, 7, 8] {
            #expect(test.value(of: half, where: ["N": batch]) == (batch + 3) / 2)
            #expect(test.value(of: left, where: ["N": batch]) == 2 * batch + 2)
        }
        let shrunk = try host.subtract(n, three)
        #expect(test.value(of: shrunk, where: ["N": 5]) == 2)
        #expect(test.value(of: shrunk, where: ["N": 2]) == nil)
        #expect(throws: PluginError.self) { try host.subtract(two, three) }
        #expect(throws: PluginError.self) { try host.floorDivide(n, Dimension(0)) }
        #expect(throws: PluginError.self) { try host.multiply(Dimension(Int.max), two) }
    }

    @Test func randomNumbersDependOnTheirPositionAlone() {
        let host = TestHost().host
        let random = lamina_random(seed: 5, stream: 2, offset: 10)
        var (whole, part) = ([Float](repeating: 0, count: 100), [Float](repeating: 0, count: 40))
        host.normal(random, into: &whole, count: 100)
        host.normal(random, first: 33, into: &part, count: 40)
        #expect(part == Array(whole[33..<73]))
        host.uniform(random, into: &whole, count: 100)
        host.uniform(random, first: 33, into: &part, count: 40)
        #expect(part == Array(whole[33..<73]))
        #expect(whole.allSatisfy { 0..<1 ~= $0 })
        let mean = TensorValue.normal([10_000], seed: 3).floats.reduce(0, +) / 10_000
        #expect(abs(mean) < 0.05)
    }

    @Test func logIsKept() {
        let host = TestHost()
        host.host.log(LAMINA_LOG_WARNING, "careful")
        #expect(host.log == [.init(level: LAMINA_LOG_WARNING, text: "careful")])
    }

    @Test func replacedScratchIsPoisoned() throws {
        let host = TestHost()
        let first = try host.host.scratch(bytes: 16).assumingMemoryBound(to: Float.self)
        first[0] = 1
        let second = try host.host.scratch(bytes: 16).assumingMemoryBound(to: Float.self)
        #expect(first[0].isNaN)
        second[4] = 2
        #expect(host.endCall() == ["writes outside of the scratch memory: 1 bytes past its end (it has 16)"])
    }
}
