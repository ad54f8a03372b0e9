/// How far from the end of a graph its parameters are, counted in blocks: what a learning rate falls with.
extension Graph {
    /// The depth of each parameter: the most changes of block on a way from a node that uses it to the end of the graph.
    ///
    /// The block of a node with parameters is its name up to the first part between dots that is a number: `layers.3` of
    /// `layers.3.linear1`. Nodes without such a number are outside of all blocks, before, between or behind them. In a graph
    /// without any, every first part of a name is a block: `fc1` of `fc1`, and of a layer `fc1.scale` that stands behind it.
    /// Nodes without parameters count nowhere. A head and a norm behind 12 blocks have depth 0, the last block 1, the first 12,
    /// vectors of patches or tokens before them 13.
    public var parameterDepths: [Int] {
        var producer: [Int: Int] = [:]
        for (index, node) in nodes.enumerated() {
            for output in 0..<node.outputCount { producer[node.firstOutput + output] = index }
        }
        let blocks = self.blocks
        var depths = Array(repeating: 0, count: parameters.count)
        // What nodes with parameters come next behind each node: their blocks, and the depth of the deepest.
        var next: [[Block: Int]] = Array(repeating: [:], count: nodes.count)
        for (index, node) in nodes.enumerated().reversed() {
            var seen = next[index]
            if let block = blocks[index] {
                let depth = seen.map { $0.value + ($0.key == block ? 0 : 1) }.max() ?? 0
                for parameter in node.parameters { depths[parameter] = max(depths[parameter], depth) }
                seen = [block: depth]
            }
            next[index] = [:]
            for case let value? in node.inputs {
                if let before = producer[value] { next[before].merge(seen, uniquingKeysWith: max) }
            }
        }
        return depths
    }

    private enum Block: Hashable {
        case named(Substring)
        /// Of nodes that are in none.
        case outside
    }

    /// The block of each node; nil: it has no parameters.
    private var blocks: [Block?] {
        let names = nodes.map { $0.parameters.isEmpty ? nil : $0.definition.name }
        let numbered = names.map { $0.flatMap(Self.numberedBlock) }
        let isNumbered = numbered.contains { $0 != nil }
        return zip(names, numbered).map { name, numbered in
            guard let name else { return nil }
            if isNumbered { return numbered.map { .named($0) } ?? .outside }
            return .named(name.prefix { $0 != "." })
        }
    }

    /// "layers.3" of "layers.3.linear1"; nil: no part between dots is a number.
    private static func numberedBlock(_ name: String) -> Substring? {
        name.split(separator: ".", omittingEmptySubsequences: false).first { part in
            !part.isEmpty && part.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        }.map { name[..<$0.endIndex] }
    }
}
