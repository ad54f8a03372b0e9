import LaminaDecoding
import LaminaSDK

/// Where a model of `rnn.encoder_decoder` is cut for decoding: the encoder runs once, the decoder token by token.
struct DecoderGraph {
    /// Inputs of the model.
    let source, target: String
    let sourceLengths: String?
    /// What the decoder takes from the encoder at every step: values by reference.
    let memory: [String]
    /// The states with which it begins: hidden, and cell for lstm.
    let states: [String]
    /// Lengths of the target's tokens, when the decoder's layer is told them.
    let targetLengths: String?
    let logits: String
    /// The states after a step.
    let nextStates: [String]
    /// nil: there is no attention.
    let weights: String?

    private static let cells = ["rnn.lstm", "rnn.gru", "rnn.elman"]

    init(_ graph: GraphView) throws {
        func lacks(_ what: String) -> PluginError {
            .data("the model has no \(what): only models of the block rnn.encoder_decoder can translate")
        }
        guard
            let rnn = graph.nodes.last(where: {
                Self.cells.contains($0.component) && ($0.name == "decoder.rnn" || $0.name.hasSuffix(".decoder.rnn"))
            })
        else { throw lacks("recurrent layer of a decoder") }
        let prefix = String(rnn.name.dropLast("rnn".count))
        guard let embedding = graph.node(prefix + "embedding"), let tokens = embedding.input(0),
            graph.inputs.contains(where: { $0.name == tokens })
        else { throw lacks("embedding of target tokens that are an input of the model") }
        guard graph.node(prefix + "output") != nil else { throw lacks("output layer of a decoder") }
        target = tokens
        logits = prefix + "output"
        let hasCellState = rnn.component == "rnn.lstm"
        var states: [String] = []
        for port in 2..<(hasCellState ? 4 : 3) {
            guard let state = rnn.input(port) else { throw lacks("states to begin with") }
            states.append(state)
        }
        self.states = states
        nextStates = states.indices.map { "\(rnn.name):\($0 + 1)" }
        targetLengths = rnn.input(1)
        weights = graph.node(prefix + "attention").map { "\($0.name):1" }

        // All that nodes of the decoder take from outside and that does not change from step to step.
        var memory: [String] = []
        for node in graph.nodes where node.name.hasPrefix(prefix) {
            for case let reference? in node.inputs {
                let isOwn = GraphView.name(reference).hasPrefix(prefix)
                let isKnown = reference == tokens || states.contains(reference) || reference == targetLengths
                if !isOwn, !isKnown, !memory.contains(reference) { memory.append(reference) }
            }
        }
        self.memory = memory
        // The encoder's tokens, and the input of lengths that its layers are told.
        let others = graph.inputs.filter { $0.name != tokens && $0.name != rnn.input(1) }
        guard let source = others.first(where: { $0.shape.count == 2 }) else { throw lacks("input of source tokens") }
        self.source = source.name
        sourceLengths = others.first { $0.shape.count == 1 }?.name
    }
}
