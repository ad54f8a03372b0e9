import Glibc
import LaminaDecoding
import LaminaFormats
import LaminaSDK

/// An attention of a model's graph: what it takes, and which steps see which.
///
/// The layer itself never stores its weights; those of a text are computed here from queries and keys, as its formula says.
struct AttentionNode {
    let name: String
    /// References; `key` is nil where the query holds query, key and value side by side.
    let query: String
    let key, lengths: String?
    let heads, keyHeads: Int
    let isCausal, hasSlopes: Bool
    let window: Int?
    let scale: Double?

    static let component = "transformer.dot_product_attention"

    /// nil: the node is no attention. Throws `.data` for one that cannot be read.
    init?(_ node: GraphView.Node) throws {
        guard node.component == Self.component, let query = node.input(0) else { return nil }
        (name, self.query) = (node.name, query)
        (key, lengths) = (node.input(1), node.input(3))
        do {
            func value<Value: JSONReadable>(_ name: String) throws(JSONError) -> Value? {
                guard let json = node.attributes[name], json != .null else { return nil }
                return try Value(json: json, at: name)
            }
            heads = try value("heads") ?? 1
            keyHeads = try value("key_heads") ?? heads
            isCausal = try value("causal") ?? false
            hasSlopes = try value("alibi") ?? false
            window = try value("window")
            scale = try value("scale")
        } catch {
            throw PluginError.data("the attention '\(node.name)' cannot be read: \(error)")
        }
        guard heads > 0, keyHeads > 0, heads % keyHeads == 0 else {
            throw PluginError.data("the attention '\(node.name)' has \(heads) heads and \(keyHeads) of the key")
        }
    }

    /// The name as people know the attention: without the part that the block gives each of them.
    var title: String { name.hasSuffix(".attention") ? String(name.dropLast(".attention".count)) : name }

    /// Weights [Tq, Tk] of one head for the only sample of query [1, Tq, H · D] and key [1, Tk, G · D]; without a key both are
    /// in the query.
    ///
    /// - Parameter counting: how many keys count; nil: all.
    func weights(_ query: Tensor, _ key: Tensor?, head: Int, counting: Int? = nil) throws -> [[Float]] {
        let key = key ?? query
        let isPacked = self.key == nil
        guard query.rank == 3, key.rank == 3, query.dtype == .float32, key.dtype == .float32, query.size(0) == 1,
            key.size(0) == 1, query.size(2) % (isPacked ? heads + 2 * keyHeads : heads) == 0
        else {
            throw PluginError.data(
                "the attention '\(name)' takes \(query.shape) and \(key.shape), wanted [1, T, features]")
        }
        let size = query.size(2) / (isPacked ? heads + 2 * keyHeads : heads)
        let (queries, keys) = (query.size(1), key.size(1))
        let (queryStride, keyStride) = (query.size(2), key.size(2))
        let from = (isPacked ? heads * size : 0) + head / (heads / keyHeads) * size
        guard from + size <= keyStride else {
            throw PluginError.data("the attention '\(name)' has \(keyStride) features of the key for heads of \(size)")
        }
        let scale = self.scale ?? 1 / Double(size).squareRoot()
        let slope = hasSlopes ? Double(DotProductAttentionPlan.slope(head, of: heads)) : 0
        return (0..<queries).map { row in
            let position = row + keys - queries
            let q = query.floats + row * queryStride + head * size
            let scores = (0..<keys).map { column -> Double in
                let distance = abs(position - column)
                if isCausal && column > position || distance >= window ?? .max || column >= counting ?? keys {
                    return -.infinity
                }
                let k = key.floats + column * keyStride + from
                var product = 0.0
                for index in 0..<size { product += Double(q[index]) * Double(k[index]) }
                return scale * product - slope * Double(distance)
            }
            let largest = scores.max() ?? 0
            // A step that sees none has no weights.
            guard largest > -.infinity else { return [Float](repeating: 0, count: keys) }
            let exponentials = scores.map { exp($0 - largest) }
            let sum = exponentials.reduce(0, +)
            return exponentials.map { Float($0 / sum) }
        }
    }
}

extension GraphView {
    /// The attentions, in the order of the graph.
    func attentions() throws -> [AttentionNode] { try nodes.compactMap { try AttentionNode($0) } }

    /// Throws `.data` for attention that is told an input's lengths, but has keys in front that these do not count.
    ///
    /// It would leave out as many real steps at the end.
    func checkLengths() throws {
        for attention in try attentions() {
            guard let lengths = attention.lengths, inputs.contains(where: { $0.name == lengths }) else { continue }
            let sources = sources(of: attention.key ?? attention.query)
            guard let added = nodes.first(where: { sources.contains($0.name) && $0.addedSteps > 0 }) else { continue }
            throw PluginError.data(
                "the attention '\(attention.title)' is told '\(lengths)', which do not count what '\(added.name)' "
                    + "(\(added.component)) puts in front: the last real tokens would not be seen. Leave out the lengths, "
                    + "or that node")
        }
    }

    /// The most steps that learned positions allow of what depends on `input`; nil: as many as one wants.
    func context(of input: String) -> Int? {
        let names = dependents(of: input)
        return nodes.compactMap { node -> Int? in
            guard node.component == "transformer.learned_positions", names.contains(node.name),
                case .integer(let count)? = node.attributes["count"]
            else { return nil }
            return Int(count)
        }.min()
    }
}

extension GraphView.Node {
    /// Steps that it puts in front of a sequence.
    var addedSteps: Int {
        switch component {
        case "transformer.class_token": return 1
        case "transformer.prompt" where attributes["replace"] != true:
            guard case .integer(let count)? = attributes["count"] else { return 10 }
            return Int(count)
        default: return 0
        }
    }
}
