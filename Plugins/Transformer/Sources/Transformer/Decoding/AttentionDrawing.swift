import LaminaDecoding
import LaminaSDK

/// Which attention a task draws: `attention` (a file), `layer` and `head`.
struct AttentionDrawing {
    static let path = AttributeSchema.path(
        "attention", optional: true, "An SVG file to draw the attention of the first text to.")
    static let attributes: [AttributeSchema] = [
        .integer("layer", default: nil, 0...1e6, "The attention to draw, counted from 0; default: the last."),
        .integer("head", default: nil, 0...65535, "Its head to draw, counted from 0; default: all, side by side."),
    ]

    let path: String?
    private let layer, head: Int?

    init(_ attributes: Attributes) throws {
        path = attributes.optionalString("attention")
        layer = attributes.optionalInteger("layer")
        head = attributes.optionalInteger("head")
        guard path != nil || layer == nil && head == nil else {
            throw PluginError.attribute("layer and head say which attention is drawn: give --attention FILE, too")
        }
    }

    /// Throws `.attribute` where there is no such attention, and for more cells than can be shown: before anything is
    /// computed for it.
    func check(_ nodes: [AttentionNode], rows: Int = 0, columns: Int = 0) throws {
        let node = try chosen(nodes)
        try AttentionMap.check(maps: head == nil ? node.heads : 1, rows: rows, columns: columns)
    }

    private func chosen(_ nodes: [AttentionNode]) throws -> AttentionNode {
        let index = layer ?? nodes.count - 1
        guard nodes.indices.contains(index) else {
            throw PluginError.attribute(
                "layer is \(index), wanted 0 to \(nodes.count - 1): so many attentions there are")
        }
        let node = nodes[index]
        if let head, head >= node.heads {
            throw PluginError.attribute("head is \(head), wanted 0 to \(node.heads - 1): '\(node.title)' has no more")
        }
        return node
    }

    /// The maps of the heads that are wanted, four beside each other.
    ///
    /// - Parameters:
    ///   - nodes: the attentions that there are to choose from.
    ///   - given: one text, as inputs of the model.
    ///   - shape: how many tokens ask, and how many are looked at.
    func panels(
        _ nodes: [AttentionNode], of model: TaskModel, given: [(reference: String, tensor: Tensor)],
        shape: (rows: Int, columns: Int)
    ) throws -> [[AttentionMap.Panel]] {
        try check(nodes, rows: shape.rows, columns: shape.columns)
        let node = try chosen(nodes)
        let outputs = try model.evaluate([node.query] + (node.key.map { [$0] } ?? []), given: given)
        let panels = try (head.map { [$0] } ?? Array(0..<node.heads)).map { head in
            AttentionMap.Panel(
                "\(node.title), head \(head)",
                try node.weights(
                    outputs[0], node.key == nil ? nil : outputs[1], head: head,
                    counting: node.lengths == nil ? nil : shape.columns))
        }
        return stride(from: 0, to: panels.count, by: 4).map { Array(panels[$0..<min($0 + 4, panels.count)]) }
    }
}
