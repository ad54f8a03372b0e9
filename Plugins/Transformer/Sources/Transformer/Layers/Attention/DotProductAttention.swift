import CTiledAttention
import Glibc
import LaminaSDK

/// Scaled dot-product attention of several heads, computed tile by tile: memory is linear in the number of steps.
///
/// Query [N, Tq, H · D], key [N, Tk, G · D], value [N, Tk, G · Dv], head h in columns h · D ..< (h + 1) · D; or all
/// three side by side in one input [N, T, (H + 2 G) · D], as a projection makes them. Head h uses key head h · G / H
/// (G: key_heads).
///
///     s_ij = scale · q_i · k_j - slope_h |p_i - j|,  p_i = i + Tk - Tq          o_i = Σ_j softmax(s_i)_j v_j
///
/// Step i sees step j when j < length, j ≤ p_i (causal) and |p_i - j| < window (window). The last query stands beside
/// the last key, so that a decoder may ask with its newest steps alone. A step that sees none has output 0. scale is
/// 1/√D unless given. slope_h is 0, or with alibi 2^(-8 (h + 1) / H); where H is no power of two, the first P heads, P
/// the next lower power, have the slopes of P heads, and the others every second one of 2 P heads. In training,
/// `dropout` of the probabilities become 0, and the others grow accordingly. lengths [N] (int64) say how many keys of a
/// sample count, from the first on: trained steps put in front of them are not counted in. A length below 0 or above Tk
/// fails with LAMINA_ERROR_DATA. Output [N, Tq, H · Dv]. Step by step, the keys
/// and values of earlier steps are kept in the plan's cache, and lengths are those of whole sequences.
///
/// Vaswani et al.: Attention Is All You Need (2017); grouped heads: Ainslie et al. (2023); ALiBi: Press et al. (2021)
/// and their code; the tiles: Dao et al.: FlashAttention (2022).
struct DotProductAttention: Layer {
    static let name = "dot_product_attention"
    static let documentation = "Scaled dot-product attention of several heads, causal, windowed or over all steps."
    static let attributes: [AttributeSchema] = [
        .integer("heads", 1...65536, "heads of the query"),
        .integer("key_heads", default: nil, 1...65536, "heads of key and value, which divide `heads`; default: heads"),
        .bool("causal", default: false, "no step sees a later one"),
        .integer("window", default: nil, 1...1e9, "a step sees steps less than this far away; default: all"),
        .bool("alibi", default: false, "scores fall with the distance, by a slope of each head's own"),
        .real("scale", default: nil, 0...1e9, "the factor on products; default: 1/√D"),
        .real("dropout", default: 0, 0...1, "the probability with which a weight becomes 0 in training"),
    ]
    static let inputs: [Port] = [
        Port("query", .required, "[N, Tq, H · D]; alone: query, key and value side by side"),
        Port("key", .optional, "[N, Tk, G · D]"),
        Port("value", .optional, "[N, Tk, G · Dv]"),
        Port("lengths", .optional, "how many keys of each sample count [N], int64"),
    ]

    let heads, keyHeads: Int
    let isCausal, hasSlopes: Bool
    let window: Int?
    let scale: Double?
    let dropout: Double

    init(_ attributes: Attributes) throws {
        heads = attributes.integer("heads")
        keyHeads = attributes.optionalInteger("key_heads") ?? heads
        isCausal = attributes.bool("causal")
        window = attributes.optionalInteger("window")
        hasSlopes = attributes.bool("alibi")
        scale = attributes.optionalReal("scale")
        dropout = attributes.real("dropout")
        guard heads % keyHeads == 0 else {
            throw PluginError.attribute("key_heads is \(keyHeads), wanted a divisor of heads, \(heads)")
        }
    }

    func infer(_ inference: Inference) throws {
        let query = try inference.sequence(0, "query")
        guard inference.isConnected(1) == inference.isConnected(2) else {
            throw PluginError.shape(
                "key and value belong together: connect both, or neither for a query that holds all")
        }
        let width = try inference.literal(query[2], "the query's last dimension")
        var outputs = width
        if inference.isConnected(1) {
            let (key, value) = try (inference.sequence(1, "key"), inference.sequence(2, "value"))
            let keyWidth = try inference.literal(key[2], "the key's last dimension")
            let valueWidth = try inference.literal(value[2], "the value's last dimension")
            guard key[0] == query[0], value[0] == query[0], key[1] == value[1] else {
                throw PluginError.shape(
                    "query, key and value have shapes \(inference.host.text(query)), \(inference.host.text(key)), "
                        + "\(inference.host.text(value)): wanted one batch, and as many keys as values", input: 1)
            }
            guard width > 0, width % heads == 0 else { throw indivisible("query", width, heads, 0) }
            guard keyWidth == width / heads * keyHeads else {
                throw PluginError.shape(
                    "the key has \(keyWidth) features, wanted \(width / heads * keyHeads): \(keyHeads) heads of "
                        + "\(width / heads)", input: 1)
            }
            guard valueWidth > 0, valueWidth % keyHeads == 0 else {
                throw indivisible("value", valueWidth, keyHeads, 2)
            }
            let (width, overflow) = (valueWidth / keyHeads).multipliedReportingOverflow(by: heads)
            guard !overflow else {
                throw PluginError.shape(
                    "the value has \(valueWidth) features in \(keyHeads) heads: \(heads) heads of the output would have "
                        + "more than there are numbers", input: 2)
            }
            outputs = width
        } else {
            let parts = heads + 2 * keyHeads
            guard width > 0, width % parts == 0 else {
                throw PluginError.shape(
                    "query, key and value side by side have \(width) features, wanted a multiple of \(parts): "
                        + "\(heads) heads and twice \(keyHeads)", input: 0)
            }
            outputs = width / parts * heads
        }
        if inference.isConnected(3) {
            try inference.require(3, .int64)
            guard inference.shape(3) == [query[0]] else {
                throw PluginError.shape(
                    "the lengths have shape \(inference.host.text(inference.shape(3))), wanted "
                        + "[\(inference.host.text(query[0]))], one per sample", input: 3)
            }
        }
        try inference.addOutput(.float32, [query[0], query[1], Dimension(outputs)])
    }

    private func indivisible(_ what: String, _ width: Int, _ heads: Int, _ input: Int) -> PluginError {
        .shape("the \(what) has \(width) features, wanted a multiple of \(heads), its heads", input: input)
    }

    func plan(_ planning: Planning) throws -> any PlannedLayer {
        if planning.cacheSteps > 0 { try checkSteps(planning) }
        return DotProductAttentionPlan(self, planning)
    }

    /// Steps see the steps before them, or a memory that is whole.
    private func checkSteps(_ planning: Planning) throws {
        let hasKeys = planning.inputCount > 1 && !planning.input(1).isAbsent
        let keysComeInSteps = hasKeys ? planning.holdsSteps(1) : true
        guard planning.holdsSteps(0), !hasKeys || planning.holdsSteps(2) == keysComeInSteps else {
            throw PluginError.unsupported(
                "step by step, queries come in steps, and keys and values together, or neither")
        }
        guard keysComeInSteps || (!isCausal && window == nil && !hasSlopes) else {
            throw PluginError.unsupported(
                "step by step, attention to a memory cannot be causal, have a window or alibi: the place of the last query "
                    + "beside the last key is not known")
        }
        guard !keysComeInSteps || isCausal else {
            throw PluginError.unsupported(
                "step by step, a step cannot see those behind it: only causal attention works so")
        }
    }
}
