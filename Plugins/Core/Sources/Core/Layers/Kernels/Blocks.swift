/// Elements of a block: 1 KiB, which Swift takes from the stack where more would come from the heap.
let blockLength = 256

/// Calls `body(begin, count, block)` for consecutive pieces of `n` elements, with memory for one piece: for kernels
/// that need an intermediate array, such as exponentials, and shall still run over memory only once.
@inline(__always)
func withBlocks(_ n: Int, _ body: (_ begin: Int, _ count: Int, _ block: UnsafeMutablePointer<Float>) -> Void) {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: blockLength) { buffer in
        let block = buffer.baseAddress!
        var begin = 0
        while begin < n {
            body(begin, min(n &- begin, blockLength), block)
            begin &+= blockLength
        }
    }
}
