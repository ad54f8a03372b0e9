import LaminaSDK

/// The gradients of a graph's parameters: memory that is made when it is first wanted, and that networks with the same
/// parameters may share.
final class ParameterGradients {
    /// By index of the parameter; none until `make`.
    private(set) var pointers: [UnsafeMutablePointer<Float>] = []
    private var memory: AlignedMemory?

    func make(_ graph: Graph) throws(GraphError) {
        guard memory == nil else { return }
        var offsets: [Int] = []
        var total = 0  // Cannot overflow: the graph has checked the sum.
        for parameter in graph.parameters {
            offsets.append(total)
            // Nobody computes those of frozen ones.
            if !parameter.isFrozen { total += ArenaLayout.rounded(parameter.shape.reduce(4, *)) }
        }
        let memory = try AlignedMemory(bytes: total, purpose: "the gradients")
        self.memory = memory
        pointers = offsets.map { (memory.base + $0).assumingMemoryBound(to: Float.self) }
    }
}
