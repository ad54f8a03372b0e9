import LaminaSDK

/// Attention of a decoder to an encoder's states: a weighted mean of the memory per query, and what is made of it.
///
/// Query h [N, Tq, Hq], memory m [N, Tk, Hk], lengths [N] (int64; how many steps of each memory count, all by default).
///
///     scores    dot      h · m                                                     (needs Hq = Hk)
///               general  hᵀ W m                                                    W: score_weight [Hq, Hk]
///               concat   vᵀ tanh(W [h; m])             v: score_vector [U], W: score_weight [U, Hq + Hk]
///     weights   global   a = softmax(scores) over the steps s < length
///               local    a_s = softmax(scores) over |s − p| ≤ window, times exp(−(s − p)² / 2σ²), σ = window / 2
///                        p = length · sigmoid(vᵀ tanh(W h)),  v: position_vector [U], W: position_weight [U, Hq]
///     context   c = Σ_s a_s m_s
///     output    tanh(W [c; h]),  W: output_weight [U, Hk + Hq]; with attentional: false the context itself
///
/// Output 0 is [N, Tq, U], or [N, Tq, Hk]; output 1 the weights [N, Tq, Tk], 0 for steps that do not count. Global
/// weights add up to 1. Local ones do not, as in the paper: the Gaussian comes after the softmax. There p is a real number
/// and positions count from 0; the window moves with p but has no gradient, the Gaussian passes one on to p. A memory of
/// length 0 has weights and a context of 0. What the memory holds beyond a length has no influence, but has to be finite. A
/// length below 0 or above Tk fails with LAMINA_ERROR_DATA.
///
/// Luong, Pham, Manning: Effective Approaches to Attention-based Neural Machine Translation (2015), equations 5 to 10,
/// which have no biases; concat is that of Bahdanau, Cho, Bengio (2014), too, whose decoder asks with the state before.
struct Attention: Layer {
    static let name = "attention"
    static let documentation = "Attention of queries to a memory: dot, general or concat score; global or local."
    static let attributes: [AttributeSchema] = [
        .string(
            "score", default: "general", choices: ["dot", "general", "concat"], "how a query is compared with a step"),
        .string(
            "scope", default: "global", choices: ["global", "local"],
            "all steps, or a window around a predicted position"),
        .integer("window", default: 10, 1...1e6, "steps on either side of the predicted position; for scope: local"),
        .integer(
            "units", default: nil, 1...1e9,
            "size of the attentional state, and of the hidden layers of concat and local; default: the query's"),
        .bool("attentional", default: true, "output tanh(W [context; query]) rather than the context"),
        .bool("bias", default: false, "adds biases, which the paper has not, to the layers with tanh"),
    ]
    static let inputs: [Port] = [
        Port("query", .required, "a decoder's states [N, Tq, Hq]"),
        Port("memory", .required, "an encoder's states [N, Tk, Hk]"),
        Port("lengths", .optional, "how many steps of each memory count [N], int64"),
    ]

    enum Score: String { case dot, general, concat }

    let score: Score
    let isLocal: Bool
    let window: Int
    let units: Int?
    let isAttentional: Bool
    let hasBias: Bool

    init(_ attributes: Attributes) {
        score = Score(rawValue: attributes.string("score"))!
        isLocal = attributes.string("scope") == "local"
        window = attributes.integer("window")
        units = attributes.optionalInteger("units")
        isAttentional = attributes.bool("attentional")
        hasBias = attributes.bool("bias")
    }

    func infer(_ inference: Inference) throws {
        let (query, memory) = try (sequence(inference, 0, "query"), sequence(inference, 1, "memory"))
        let host = inference.host
        guard query[0] == memory[0] else {
            throw PluginError.shape(
                "the memory has shape \(host.text(memory)), the query \(host.text(query)): wanted the same batch",
                input: 1)
        }
        if inference.isConnected(2) {
            try inference.require(2, .int64)
            guard inference.shape(2) == [query[0]] else {
                throw PluginError.shape(
                    "the lengths have shape \(host.text(inference.shape(2))), wanted [\(host.text(query[0]))], one "
                        + "per sample", input: 2)
            }
        }
        let querySize = try inference.literal(query[2], "the query's last dimension, on which parameters depend,")
        let memorySize = try inference.literal(memory[2], "the memory's last dimension, on which parameters depend,")
        guard querySize > 0, memorySize > 0 else {
            throw PluginError.shape(
                "the query has \(querySize) features, the memory \(memorySize): wanted at least 1 each")
        }
        guard score != .dot || querySize == memorySize else {
            throw PluginError.shape(
                "the query has \(querySize) features, the memory \(memorySize): score dot needs as many; use general "
                    + "or concat", input: 1)
        }
        let sizes = (query: querySize, memory: memorySize, units: units ?? querySize)
        for parameter in AttentionParameters(self).declared { try parameter.declare(inference, sizes) }
        try inference.addOutput(.float32, [query[0], query[1], Dimension(isAttentional ? sizes.units : memorySize)])
        try inference.addOutput(.float32, [query[0], query[1], memory[1]])
    }

    private func sequence(_ inference: Inference, _ index: Int, _ what: String) throws -> [Dimension] {
        try inference.require(index, .float32)
        let shape = inference.shape(index)
        guard shape.count == 3 else {
            throw PluginError.shape(
                "the \(what) has shape \(inference.host.text(shape)), wanted [N, time, features]", input: index)
        }
        return shape
    }

    func plan(_ planning: Planning) -> any PlannedLayer { AttentionPlan(self, planning) }
}

/// The parameters that a setting has, in their order, and where each stands.
struct AttentionParameters {
    typealias Sizes = (query: Int, memory: Int, units: Int)

    struct Parameter {
        let name: String
        let shape: (Sizes) -> [Int]
        /// How many numbers a sum over the parameter has: the values start uniform within ±1/√fanIn.
        let fanIn: (Sizes) -> Int
        var isBias = false

        func declare(_ inference: Inference, _ sizes: Sizes) throws {
            let bound = 1 / Double(fanIn(sizes)).squareRoot()
            try inference.addParameter(
                name, shape(sizes), initializer: "core.uniform", ["low": .real(-bound), "high": .real(bound)],
                noDecay: isBias)
        }
    }

    private(set) var declared: [Parameter] = []
    private(set) var scoreWeight = -1
    private(set) var scoreBias: Int?
    private(set) var scoreVector = -1
    private(set) var positionWeight = -1
    private(set) var positionBias: Int?
    private(set) var positionVector = -1
    private(set) var outputWeight = -1
    private(set) var outputBias: Int?

    init(_ layer: Attention) {
        let hasBias = layer.hasBias
        switch layer.score {
        case .dot: break
        case .general:
            scoreWeight = add(Parameter(name: "score_weight", shape: { [$0.query, $0.memory] }, fanIn: { $0.memory }))
        case .concat:
            scoreWeight = add(
                Parameter(
                    name: "score_weight", shape: { [$0.units, $0.query + $0.memory] }, fanIn: { $0.query + $0.memory }))
            if hasBias {
                scoreBias = add(
                    Parameter(
                        name: "score_bias", shape: { [$0.units] }, fanIn: { $0.query + $0.memory }, isBias: true))
            }
            scoreVector = add(Parameter(name: "score_vector", shape: { [$0.units] }, fanIn: { $0.units }))
        }
        if layer.isLocal {
            positionWeight = add(
                Parameter(name: "position_weight", shape: { [$0.units, $0.query] }, fanIn: { $0.query }))
            if hasBias {
                positionBias = add(
                    Parameter(name: "position_bias", shape: { [$0.units] }, fanIn: { $0.query }, isBias: true))
            }
            positionVector = add(Parameter(name: "position_vector", shape: { [$0.units] }, fanIn: { $0.units }))
        }
        if layer.isAttentional {
            outputWeight = add(
                Parameter(
                    name: "output_weight", shape: { [$0.units, $0.memory + $0.query] }, fanIn: { $0.memory + $0.query })
            )
            if hasBias {
                outputBias = add(
                    Parameter(
                        name: "output_bias", shape: { [$0.units] }, fanIn: { $0.memory + $0.query }, isBias: true))
            }
        }
    }

    private mutating func add(_ parameter: Parameter) -> Int {
        declared.append(parameter)
        return declared.count - 1
    }
}
