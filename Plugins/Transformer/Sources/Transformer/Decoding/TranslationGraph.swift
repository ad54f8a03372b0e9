import LaminaDecoding
import LaminaSDK

/// Where a model that makes a text of another one is cut: the encoder runs once, the decoder step by step.
///
/// Which input is the target follows from the attention between the two: its query depends on the target, its key on the
/// source alone. What nodes that depend on the target take from others is the memory: the keys and values of that attention.
struct TranslationGraph {
    let source, target: String
    /// Inputs for how many tokens count; nil: the model is told none.
    let sourceLengths, targetLengths: String?
    /// What the decoder takes from the encoder at every step: values by reference.
    let memory: [String]
    let logits: String
    /// Attention to the source.
    let attentions: [AttentionNode]
    /// Target tokens at most; nil: as many as one wants.
    let longest: Int?

    init(_ graph: GraphView) throws {
        func no(_ what: String) -> PluginError {
            .data("the model has \(what): only models of the form of transformer.encoder_decoder can translate")
        }
        let texts = graph.inputs.filter { $0.shape.count == 2 && $0.dtype == "int64" }.map(\.name)
        let lengths = graph.inputs.filter { $0.shape.count == 1 && $0.dtype == "int64" }.map(\.name)
        guard texts.count == 2, texts.count + lengths.count == graph.inputs.count else {
            let names = graph.inputs.map { "'\($0.name)'" }.joined(separator: ", ")
            throw no("the inputs \(names), not two of tokens")
        }
        let all = try graph.attentions()
        func between(_ source: String, _ target: String) -> [AttentionNode] {
            let (sources, targets) = (graph.dependents(of: source), graph.dependents(of: target))
            return all.filter { node in
                guard let key = node.key.map(GraphView.name) else { return false }
                return targets.contains(GraphView.name(node.query)) && sources.contains(key) && !targets.contains(key)
            }
        }
        let (forwards, backwards) = (between(texts[0], texts[1]), between(texts[1], texts[0]))
        guard forwards.isEmpty != backwards.isEmpty else { throw no("no attention of one text to the other") }
        (source, target) = forwards.isEmpty ? (texts[1], texts[0]) : (texts[0], texts[1])
        attentions = forwards.isEmpty ? backwards : forwards
        let targets = graph.dependents(of: target)
        let own = all.filter { targets.contains(GraphView.name($0.key ?? $0.query)) }
        if let open = own.first(where: { !$0.isCausal }) {
            throw no("the attention '\(open.title)', which lets a step of the target see later ones (causal: false)")
        }
        guard let output = graph.measured ?? graph.outputs.first?.reference, targets.contains(GraphView.name(output))
        else { throw no("no logits that depend on '\(target)'") }
        logits = output
        targetLengths = lengths.first { name in own.contains { $0.lengths == name } }
        let told = targetLengths
        sourceLengths = lengths.first { $0 != told }
        var memory: [String] = []
        for node in graph.nodes where targets.contains(node.name) {
            for case let reference? in node.inputs {
                let isKnown = targets.contains(GraphView.name(reference)) || reference == told
                if !isKnown, !memory.contains(reference) { memory.append(reference) }
            }
        }
        self.memory = memory
        longest = graph.context(of: target)
    }
}

/// A Transformer of two texts, whose encoder runs once per text.
struct AttentiveTranslator: TranslationModel {
    let model: TaskModel
    let source, target: TokenInput
    let graph: TranslationGraph
    let drawing: AttentionDrawing
    let isCached: Bool

    init(_ model: TaskModel, _ drawing: AttentionDrawing, isCached: Bool) throws {
        self.model = model
        let view = try GraphView(model)
        graph = try TranslationGraph(view)
        try view.checkLengths()
        source = TokenInput(model, graph.source, in: view)
        target = TokenInput(model, graph.target, in: view)
        (self.drawing, self.isCached) = (drawing, isCached)
        if drawing.path != nil { try drawing.check(graph.attentions) }
    }

    var takesLengths: Bool { graph.sourceLengths != nil }
    var attentionFault: String? { nil }
    var longest: Int? { graph.longest }

    /// The inputs that are the source, by name.
    private func inputs(_ batch: TokenBatch) -> [(reference: String, tensor: Tensor)] {
        [(graph.source, batch.tokens.tensor)] + (graph.sourceLengths.map { [($0, batch.lengths.tensor)] } ?? [])
    }

    func decoder(_ sources: [[Int64]], capacity: Int) throws -> any StepModel {
        let batch = try source.batch(sources)
        let inputs = inputs(batch)
        // The decoder may take an input as it is.
        let computed = graph.memory.filter { reference in !inputs.contains { $0.reference == reference } }
        var memory = inputs.filter { graph.memory.contains($0.reference) }.map {
            (reference: $0.reference, value: TensorBuffer(copying: $0.tensor))
        }
        if !computed.isEmpty {
            let outputs = try withExtendedLifetime(batch) { try model.evaluate(computed, given: inputs) }
            for (index, reference) in computed.enumerated() {
                memory.append((reference, TensorBuffer(copying: outputs[index])))
            }
        }
        return try SequenceDecoder(
            model, tokens: graph.target, logits: graph.logits, lengths: graph.targetLengths, memory: memory,
            sentences: sources.count, capacity: isCached ? capacity : nil)
    }

    func attention(of hypothesis: Hypothesis, to source: [Int64]) throws -> [[AttentionMap.Panel]] {
        guard let begin = target.begin else { return [] }
        let batch = try self.source.batch([source])
        // The step that makes a token is told the one before it.
        let asked = TokenBatch([[begin] + hypothesis.tokens.dropLast()])
        var given = inputs(batch) + [(graph.target, asked.tokens.tensor)]
        if let lengths = graph.targetLengths { given.append((lengths, asked.lengths.tensor)) }
        return try withExtendedLifetime((batch, asked)) {
            try drawing.panels(
                graph.attentions, of: model, given: given, shape: (hypothesis.tokens.count, source.count))
        }
    }
}
