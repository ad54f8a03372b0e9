import LaminaDecoding
import LaminaFormats
import LaminaSDK

/// The part of a model that makes vectors of texts, and how one vector per text comes of them.
struct TextEncoder {
    enum Pooling: String, CaseIterable { case auto, mean, first, last }

    let model: TaskModel
    let input: TokenInput
    /// The input for how many tokens count; nil: the model is told none.
    let lengths: String?
    /// The reference to the vectors.
    let layer: String
    private let pooling: Pooling
    /// Steps in front of the tokens, and which of them is a class token; nil: none.
    private let front: (count: Int, classToken: Int?)

    /// - Parameter layer: nil: the encoder's output, or a language model's before its logits.
    init(_ model: TaskModel, layer: String?, pooling: Pooling) throws {
        self.model = model
        let graph = try GraphView(model)
        let texts = graph.inputs.filter { $0.shape.count == 2 && $0.dtype == "int64" }.map(\.name)
        guard let first = texts.first, texts.count <= 2 else {
            let all = graph.inputs.map {
                "'\($0.name)' (\($0.dtype), \($0.shape.map { $0.text() }.joined(separator: " × ")))"
            }
            throw PluginError.data(
                "the model takes \(all.joined(separator: ", ")): embed is for models of texts, which take tokens (int64, N × T)"
            )
        }
        try graph.checkLengths()
        let translation: TranslationGraph?
        if texts.count == 2 {
            do {
                translation = try TranslationGraph(graph)
            } catch {
                throw PluginError.data(
                    "the model takes the texts '\(texts[0])' and '\(texts[1])', but none of them is what the other is made "
                        + "of by attention: embed is for models of one text, or of the form of transformer.encoder_decoder"
                )
            }
        } else {
            translation = nil
        }
        input = TokenInput(model, translation?.source ?? first, in: graph)
        lengths =
            translation.map(\.sourceLengths)
            ?? graph.inputs.first { $0.shape.count == 1 && $0.dtype == "int64" }?.name
        let others = translation.map { graph.dependents(of: $0.target) } ?? []
        let own = graph.dependents(of: input.name).subtracting(others)
        if let layer {
            guard let node = graph.node(GraphView.name(layer)), own.contains(node.name) else {
                let known = graph.nodes.map(\.name).filter(own.contains)
                throw PluginError.attribute(
                    "layer is '\(layer)', wanted a node that depends on '\(input.name)' alone: \(known.joined(separator: ", "))"
                )
            }
            self.layer = layer
        } else {
            guard let output = try graph.lastResidual(within: own) else {
                throw PluginError.attribute(
                    "the model has no attention with a residual, whose output would be the texts' vectors: name a layer"
                )
            }
            self.layer = output
        }
        let name = self.layer
        // A classifier that reads the first step alone has made it the text's vector.
        let readsFirst = graph.nodes.contains {
            $0.component == "core.slice" && $0.inputs.first == name && $0.attributes["axis"] == 1
                && $0.attributes["start"] ?? 0 == 0 && $0.attributes["end"] == 1
        }
        self.pooling = pooling == .auto && readsFirst ? .first : pooling
        front = graph.front(of: name)
    }

    /// The tokens of a text. Throws `.data` for one that has none, which would get the vector of padding.
    func tokens(_ text: String) throws -> [Int64] {
        let tokens = try model.encode(text, for: input.name)
        guard counting(tokens) > 0 else {
            throw PluginError.data("a text has no tokens: leave out empty ones, here '\(text)'")
        }
        return tokens
    }

    /// A vector per text of tokens, all of one batch.
    func vectors(_ texts: [[Int64]]) throws -> [[Float]] {
        let batch = try input.batch(texts)
        let steps = batch.tokens.tensor.size(1)
        // What puts a step in front may be no layer of this family.
        let fronts = [0, front.count == 0 ? 1 : front.count]
        var given = [(reference: input.name, tensor: batch.tokens.tensor)]
        if let lengths { given.append((lengths, batch.lengths.tensor)) }
        let output = try withExtendedLifetime(batch) { try model.evaluate([layer], given: given)[0] }
        let rank = output.rank
        guard output.dtype == .float32, rank == 2 || rank == 3, output.size(0) == texts.count,
            rank == 2 || fronts.contains(output.size(1) - steps)
        else {
            throw PluginError.data(
                "'\(layer)' gives \(output.shape) for \(texts.count) texts of \(steps) tokens, wanted a vector per token or "
                    + "per text: name another layer")
        }
        let width = output.size(rank - 1)
        return texts.enumerated().map { row, text in
            if rank == 2 { return Array(UnsafeBufferPointer(start: output.floats + row * width, count: width)) }
            let added = output.size(1) - steps
            let classToken = added == 0 ? nil : front.count == 0 ? 0 : front.classToken
            let first = output.floats + row * output.size(1) * width
            func step(_ index: Int) -> [Float] {
                Array(UnsafeBufferPointer(start: first + index * width, count: width))
            }
            let count = counting(text)
            switch pooling {
            case .first: return step(0)
            case .auto where classToken != nil: return step(classToken!)
            case .last: return step(added + count - 1)
            case .auto, .mean:
                var sums = [Double](repeating: 0, count: width)
                for index in added..<added + count {
                    for feature in 0..<width { sums[feature] += Double(first[index * width + feature]) }
                }
                return sums.map { Float($0 / Double(count)) }
            }
        }
    }

    /// Tokens without the padding at the end, which models that are told no lengths get as well.
    private func counting(_ text: [Int64]) -> Int {
        guard let padding = input.padding else { return text.count }
        return (text.lastIndex { $0 != padding } ?? -1) + 1
    }
}

extension GraphView {
    /// The sum of the last residual connection behind an attention, with the norm that follows it and what adapts either:
    /// what an encoder gives.
    fileprivate func lastResidual(within names: Set<String>) throws -> String? {
        guard let attention = try attentions().last(where: { names.contains($0.name) }) else { return nil }
        let behind = dependents(of: attention.name).intersection(names)
        guard let sum = nodes.last(where: { $0.component == "core.add" && behind.contains($0.name) }) else {
            return nil
        }
        let end = adapted(sum.name)
        let norm = nodes.first { node in
            ["core.layer_norm", "transformer.rms_norm"].contains(node.component) && node.inputs.first == end
        }
        return norm.map { adapted($0.name) } ?? end
    }

    /// What takes the place of a node's output where layers that adapt it stand behind it.
    private func adapted(_ name: String) -> String {
        let next = nodes.first { node in
            switch node.component {
            case "transformer.adapter", "transformer.prompt": node.input(0) == name
            case "transformer.lora": node.input(1) == name
            default: false
            }
        }
        return next.map { adapted($0.name) } ?? name
    }

    /// What class tokens and prompts put in front of the sequence that a value is.
    fileprivate func front(of reference: String) -> (count: Int, classToken: Int?) {
        let sources = sources(of: reference)
        var front: (count: Int, classToken: Int?) = (0, nil)
        for node in nodes where sources.contains(node.name) && node.addedSteps > 0 {
            let isClassToken = node.component == "transformer.class_token"
            // A prompt at 1 leaves what is first there; all others stand before it.
            let at = node.attributes["at"] == 1 && !isClassToken ? 1 : 0
            front.classToken = isClassToken ? 0 : front.classToken.map { $0 < at ? $0 : $0 + node.addedSteps }
            front.count += node.addedSteps
        }
        return front
    }
}
