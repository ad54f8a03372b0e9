/// The binary tree of the hierarchical softmax: the more frequent a word, the shorter its path from the root.
///
/// D. Huffman: A Method for the Construction of Minimum-Redundancy Codes, 1952; F. Morin, Y. Bengio: Hierarchical
/// Probabilistic Neural Network Language Model, 2005, for trees of words. Of n words, the n - 1 inner nodes are
/// numbered from the leaves up: n - 2 is the root.
struct HuffmanTree {
    /// Word w's path: the nodes starts[w] ..< starts[w + 1], from the root, and which child follows: 1 the first, 0 the
    /// second.
    private(set) var starts: [Int64]
    private(set) var nodes: [Int32] = []
    private(set) var labels: [Float] = []
    private(set) var longestPath = 0

    /// `counts` falls from the first word to the last.
    init(counts: [Int]) {
        let n = counts.count
        precondition(n >= 2, "a tree has two leaves at least")
        // Leaves from the last (rarest) to the first, and inner nodes in the order of their birth: two queues that are
        // sorted already, so that the two smallest are always at their heads.
        var weights = counts + [Int](repeating: 0, count: n - 1)
        var parents = [Int](repeating: 0, count: 2 * n - 1)
        var isFirst = [Bool](repeating: false, count: 2 * n - 1)
        var (leaf, inner) = (n - 1, n)
        for node in n..<(2 * n - 1) {
            for first in [true, false] {
                let child: Int
                if leaf >= 0, inner >= node || weights[leaf] <= weights[inner] {
                    child = leaf
                    leaf -= 1
                } else {
                    child = inner
                    inner += 1
                }
                weights[node] += weights[child]
                parents[child] = node
                isFirst[child] = first
            }
        }
        let root = 2 * n - 2
        starts = [0]
        starts.reserveCapacity(n + 1)
        var path: [(node: Int, label: Float)] = []
        for word in 0..<n {
            path.removeAll(keepingCapacity: true)
            var node = word
            while node != root {
                path.append((parents[node] - n, isFirst[node] ? 1 : 0))
                node = parents[node]
            }
            for step in path.reversed() {
                nodes.append(Int32(step.node))
                labels.append(step.label)
            }
            longestPath = max(longestPath, path.count)
            starts.append(Int64(nodes.count))
        }
    }
}
