import CLamina
import Glibc
import LaminaArchive
import LaminaFormats
import LaminaGraph
import LaminaHost
import LaminaSDK
import LaminaSchema
import LaminaTraining

/// What a component may ask of a model: parameters, files, texts, any part of its graph.
final class ModelSession {
    /// Valid as long as the session lives.
    let raw: UnsafePointer<lamina_task_model>
    private let model: Model
    /// The component, for errors.
    private let id: String
    private let memory: UnsafeMutablePointer<lamina_task_model>
    private let parameters: DescriptorArray
    private let names: UnsafeMutableBufferPointer<UnsafePointer<CChar>?>
    private let graphText: UnsafeMutableBufferPointer<UInt8>
    private let labels: UnsafeMutableBufferPointer<UnsafePointer<CChar>?>
    private let link: UnsafeMutablePointer<CChar>?
    private let data: SessionData
    private var hasWarnedOfData = false
    /// Other models that were opened for the component.
    private var others: [ModelSession] = []
    /// Networks of the parts that were computed, by what is given and wanted.
    private var parts: [(key: [[GraphDefinition.Reference]], network: Network)] = []
    /// What parts have kept of the steps of sequences, by the same keys.
    private var caches: [[[GraphDefinition.Reference]]: StepCache] = [:]
    private var outputs: DescriptorArray?
    /// Copies of files that are in no archive yet.
    private var assets: [(name: String, bytes: UnsafeRawBufferPointer)] = []
    /// The first fault of what the component has asked for or answered: nearer to the cause than what it makes of it.
    private var ownFailure: LaminaError?
    /// Also those of other models that it has opened.
    var failure: LaminaError? { ownFailure ?? others.lazy.compactMap(\.failure).first }
    /// Whether it is that a layer cannot go on from the steps before; the component may know what to do.
    private(set) var lacksSteps = false

    init(_ model: Model, for id: String) {
        self.model = model
        self.id = id
        let entries = model.network.parameters.entries
        parameters = DescriptorArray(count: entries.count)
        for (index, entry) in entries.enumerated() {
            parameters.describe(
                index, TensorSpec(dtype: entry.dtype, shape: entry.shape.map(Int64.init)),
                flags: LAMINA_TENSOR_READ_ONLY)
            parameters.base[index].data = entry.data
        }
        names = .allocate(capacity: entries.count)
        _ = names.initialize(from: entries.map { UnsafePointer(strdup($0.name)!) })
        let text = model.graph.definition.json.bytes()
        graphText = .allocate(capacity: text.count)
        _ = graphText.initialize(from: text)
        labels = .allocate(capacity: model.labels.count)
        _ = labels.initialize(from: model.labels.map { UnsafePointer(strdup($0)!) })
        link = model.link.flatMap { strdup($0) }
        data = SessionData(model)
        memory = .allocate(capacity: 1)
        raw = UnsafePointer(memory)
        memory.initialize(
            to: lamina_task_model(
                struct_size: UInt32(MemoryLayout<lamina_task_model>.size), parameter_count: Int32(entries.count),
                parameters: parameters.base, parameter_names: names.baseAddress,
                sink: Unmanaged.passUnretained(self).toOpaque(),
                asset: { sink, name in
                    guard let name else { return lamina_string(data: nil, size: 0) }
                    return ModelSession.at(sink).asset(String(cString: name))
                },
                evaluate: { sink, evaluation, outputs in ModelSession.at(sink).evaluate(evaluation, outputs) },
                graph: lamina_string(UnsafeBufferPointer(graphText)),
                encode: { sink, input, whole, text, ids in
                    ModelSession.at(sink).with(input) { session, input in
                        try session.encode(text.bytes, input, isWhole: whole != 0, ids)
                    }
                },
                decode: { sink, input, count, ids, text in
                    ModelSession.at(sink).with(input) { session, input in
                        guard count >= 0, count == 0 || ids != nil else {
                            throw session.fault("\(count) tokens to decode, but none are given")
                        }
                        let ids = Array(UnsafeBufferPointer(start: ids, count: Int(count)))
                        try session.add(session.model.tokenizer(of: input).decode(ids), to: text)
                    }
                },
                token: { sink, input, id, text in
                    ModelSession.at(sink).with(input) { session, input in
                        let tokenizer = try session.model.tokenizer(of: input)
                        guard let token = try tokenizer.token(Int(id)) else {
                            throw session.fault(
                                "there is no token \(id): ids run from 0 to \(tokenizer.vocabularySize - 1)")
                        }
                        try session.add(token, to: text)
                    }
                },
                special: { sink, input, token in ModelSession.at(sink).special(input, token) },
                vocabulary_size: { sink, input in ModelSession.at(sink).ask(input) { Int64($0.vocabularySize) } },
                label_count: Int32(labels.count), reserved: 0, labels: labels.baseAddress,
                link: link.map { UnsafePointer($0) },
                prepare: { sink, raw, out in
                    ModelSession.at(sink).give(out) { session in
                        guard let raw, (1...8).contains(raw.pointee.rank), raw.pointee.shape != nil else {
                            throw session.fault("gives no samples to prepare")
                        }
                        return try session.data.prepare(raw.pointee)
                    }
                },
                read_file: { sink, path, out in
                    ModelSession.at(sink).give(out) { session in
                        guard let path else { throw session.fault("names no file to read") }
                        return try session.data.read(file: String(cString: path))
                    }
                },
                sample_count: { sink, split in ModelSession.at(sink).sampleCount(split) },
                read_samples: { sink, split, first, count, out in
                    ModelSession.at(sink).give(out) { session in
                        try session.data.read(split, first: first, count: count)
                    }
                },
                open: { sink, path, out in
                    ModelSession.at(sink).attemptOpen(path, out)
                },
                read_field: { sink, path, place, channels, isMade, out in
                    ModelSession.at(sink).give(out) { session in
                        guard let path else { throw session.fault("names no file to read") }
                        return try session.data.read(
                            file: String(cString: path), field: Int(place), channels: Int(channels), isMade: isMade != 0
                        )
                    }
                }))
    }

    deinit {
        for name in names { free(UnsafeMutablePointer(mutating: name)) }
        names.deallocate()
        for label in labels { free(UnsafeMutablePointer(mutating: label)) }
        labels.deallocate()
        free(link)
        graphText.deallocate()
        memory.deallocate()
        assets.forEach { $0.bytes.deallocate() }
    }

    /// To be called when the model's parameters hold other values than at the last evaluation.
    func parametersChanged() {
        (ownFailure, lacksSteps) = (nil, false)
        for part in parts { part.network.parametersChanged() }
    }

    /// To be called before what has nothing to do with the faults so far.
    func forgetFailure() {
        (ownFailure, lacksSteps) = (nil, false)
        others.forEach { $0.forgetFailure() }
    }

    private static func at(_ pointer: UnsafeMutableRawPointer?) -> ModelSession {
        Unmanaged<ModelSession>.fromOpaque(pointer!).takeUnretainedValue()
    }

    /// Keeps the first error.
    func attempt(_ body: () throws -> Void) -> lamina_status {
        do {
            try body()
            return LAMINA_OK
        } catch {
            guard let error = error as? GraphError, error.kind == .unsupported else {
                ownFailure = ownFailure ?? LaminaError(error)
                return LAMINA_ERROR_INTERNAL
            }
            if ownFailure == nil { (ownFailure, lacksSteps) = (LaminaError(.data, error.text), true) }
            return LAMINA_ERROR_UNSUPPORTED
        }
    }

    private func give(
        _ out: UnsafeMutablePointer<UnsafePointer<lamina_tensor>?>?,
        _ body: (ModelSession) throws -> UnsafePointer<lamina_tensor>
    ) -> lamina_status {
        attempt {
            guard let out else { throw fault("asks for samples and takes none") }
            out.pointee = try body(self)
        }
    }

    private func attemptOpen(
        _ path: UnsafePointer<CChar>?, _ out: UnsafeMutablePointer<UnsafePointer<lamina_task_model>?>?
    ) -> lamina_status {
        attempt {
            guard let path, let out else { throw fault("opens a model and names none") }
            let session = ModelSession(try Model.open(String(cString: path), registry: model.registry), for: id)
            others.append(session)
            out.pointee = session.raw
        }
    }

    /// What only a mistake of the component can have brought about.
    func fault(_ text: String) -> LaminaError { LaminaError(.internal, "\(id): \(text) (a bug of the plugin)") }

    /// -1: there are none, or none that can be read here, which a task may do without; of that people are warned once.
    private func sampleCount(_ split: Int32) -> Int64 {
        do {
            return Int64(try data.count(split) ?? -1)
        } catch {
            if !hasWarnedOfData {
                model.registry.runtime.logHandler(
                    2, "going on without the data that the model was trained on: \(LaminaError(error).text)")
            }
            hasWarnedOfData = true
            return -1
        }
    }

    private func asset(_ name: String) -> lamina_string {
        var bytes: UnsafeRawBufferPointer?
        if let known = assets.first(where: { $0.name == name }) {
            bytes = known.bytes
        } else if let own = model.assets.first(where: { $0.name == name }) {
            let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: max(own.bytes.count, 1), alignment: 64)
            copy.copyBytes(from: own.bytes)
            bytes = UnsafeRawBufferPointer(rebasing: copy[..<own.bytes.count])
            assets.append((name, bytes!))
        } else if let source = model.assetSource, source.contains("assets/" + name) {
            // A damaged file is none that is not there.
            _ = attempt {
                do {
                    bytes = try source.entry("assets/" + name)
                } catch {
                    throw LaminaError(error).inArchive(source.archive.path)
                }
            }
        }
        guard let bytes else { return lamina_string(data: nil, size: 0) }
        // An empty file is a file.
        let address = bytes.baseAddress ?? UnsafeRawPointer(parameters.base)
        return lamina_string(data: address.assumingMemoryBound(to: CChar.self), size: UInt64(bytes.count))
    }

    // MARK: Text

    private func with(
        _ input: UnsafePointer<CChar>?, _ body: (ModelSession, String) throws -> Void
    ) -> lamina_status {
        attempt {
            guard let input else { throw fault("asks for the text of no input") }
            try body(self, String(cString: input))
        }
    }

    private func encode(
        _ text: UnsafeBufferPointer<UInt8>, _ input: String, isWhole: Bool, _ sink: UnsafePointer<lamina_id_sink>?
    ) throws {
        let tokenizer = try model.tokenizer(of: input)
        let ids: [Int64]
        if isWhole, let entry = model.preprocessing.texts.first(where: { $0.name == input }) {
            let row = try tokenizer.encode(
                whole: text, for: entry, input: model.graph.definition.inputs.first { $0.name == input })
            ids = row.ids
            if let cutTo = row.cutTo {
                model.registry.runtime.logHandler(
                    2, "a text for '\(input)' has more than \(cutTo) tokens: cut as in training")
            }
        } else {
            var tokens: [Int32] = []
            try tokenizer.encode(text, into: &tokens)
            ids = tokens.map(Int64.init)
        }
        guard let sink, let add = sink.pointee.add else { throw fault("encodes a text without a sink for its tokens") }
        guard add(sink.pointee.sink, Int64(ids.count), ids) == LAMINA_OK else { throw fault("refuses tokens") }
    }

    private func add(_ text: String, to sink: UnsafePointer<lamina_text_sink>?) throws {
        guard let sink, let add = sink.pointee.add else { throw fault("decodes tokens without a sink for their text") }
        var text = text
        let status = text.withUTF8 { add(sink.pointee.sink, lamina_string($0)) }
        guard status == LAMINA_OK else { throw fault("refuses a text") }
    }

    private func special(_ input: UnsafePointer<CChar>?, _ token: Int32) -> Int64 {
        guard let token = SpecialToken(rawValue: token) else { return -1 }
        return ask(input) { Int64($0.special(token) ?? -1) }
    }

    /// -1: the input is no text. Why a text has no vocabulary is told when its call ends.
    private func ask(_ input: UnsafePointer<CChar>?, _ question: (TextTokenizer) -> Int64) -> Int64 {
        guard let name = input.map({ String(cString: $0) }),
            model.preprocessing.texts.contains(where: { $0.name == name })
        else { return -1 }
        var answer: Int64 = -1
        _ = attempt { answer = question(try model.tokenizer(of: name)) }
        return answer
    }

    // MARK: Evaluating

    private func evaluate(
        _ evaluation: UnsafePointer<lamina_task_evaluation>?,
        _ out: UnsafeMutablePointer<UnsafePointer<lamina_tensor>?>?
    ) -> lamina_status {
        attempt {
            guard let evaluation = lamina_task_evaluation(evaluation), let out else {
                throw fault("asks for an evaluation that is none")
            }
            out.pointee = UnsafePointer(try compute(evaluation).base)
        }
    }

    private func references(
        _ names: UnsafePointer<UnsafePointer<CChar>?>?, _ count: Int32
    ) throws -> [GraphDefinition.Reference] {
        guard count >= 0, count == 0 || names != nil else { throw fault("gives a list of \(count) names that is none") }
        return try (0..<Int(count)).map { index in
            guard let name = names?[index], let reference = GraphDefinition.Reference(String(cString: name)) else {
                throw fault("names a value that no graph can have: wanted NAME or NAME:OUTPUT")
            }
            return reference
        }
    }

    private func compute(_ evaluation: lamina_task_evaluation) throws -> DescriptorArray {
        let given = try references(evaluation.given, evaluation.given_count)
        let wanted = try references(evaluation.wanted, evaluation.wanted_count)
        guard !wanted.isEmpty else { throw fault("asks for an evaluation of nothing") }
        let network = try network(given: given, wanted: wanted)
        guard given.isEmpty || evaluation.values != nil else { throw fault("gives names without values") }
        let values = (0..<given.count).map { evaluation.values[$0] }
        for (index, value) in values.enumerated() {
            let input = network.graph.definition.inputs[index]
            guard (0...8).contains(value.rank), value.rank == 0 || value.shape != nil, value.data != nil,
                value.layout == LAMINA_LAYOUT_PLAIN
            else { throw fault("gives '\(given[index])' without data or shape, or not plain") }
            guard let type = DataType(value.dtype), type == input.dtype else {
                throw fault(
                    "gives '\(given[index])' as \(DataType(value.dtype)?.name ?? "an unknown type"), "
                        + "wanted \(input.dtype.name)")
            }
        }
        var request = PlanRequest(inputs: values.map { value in (0..<Int(value.rank)).map { Int(value.shape[$0]) } })
        var cache: StepCache?
        if let flags = evaluation.given_steps {
            request.steps = .init(inputs: given.indices.map { flags[$0] != 0 }, capacity: Int(evaluation.capacity))
            cache = try stepCache([given, wanted], evaluation)
        }
        let plan: Plan
        do {
            plan = try network.plan(request)
            if let cache, cache.count > 0, let rows = evaluation.rows {
                let sequences = request.steps!.inputs.firstIndex(of: true).map { request.inputs[$0][0] } ?? 0
                try cache.choose((0..<sequences).map { Int(rows[$0]) })
            }
        } catch {
            if error.kind == .unsupported { throw error }
            // The shapes are the task's, made of what people give.
            throw error.kind == .graph ? LaminaError(.data, error.text) : LaminaError(error)
        }
        for (planned, value) in zip(plan.inputs, values) {
            memcpy(planned.data, value.data, planned.count * planned.dtype.size)
        }
        try network.forward(plan, cache: cache)
        let result = DescriptorArray(count: wanted.count)
        for (index, output) in plan.outputs.enumerated() {
            result.describe(
                index, TensorSpec(dtype: output.dtype, shape: output.shape.map(Int64.init)),
                flags: LAMINA_TENSOR_READ_ONLY)
            result.base[index].data = output.data
        }
        outputs = result
        return result
    }

    /// The cache of a part, with as many steps as the evaluation says that there are.
    private func stepCache(
        _ key: [[GraphDefinition.Reference]], _ evaluation: lamina_task_evaluation
    ) throws -> StepCache {
        guard (1...1 << 32).contains(evaluation.capacity) else {
            throw fault("wants sequences of \(evaluation.capacity) steps")
        }
        if evaluation.past == 0 {
            let cache =
                caches[key].flatMap { $0.capacity == Int(evaluation.capacity) ? $0 : nil }
                ?? StepCache(capacity: Int(evaluation.capacity))
            cache.clear()
            caches[key] = cache
            return cache
        }
        guard let cache = caches[key], cache.capacity == Int(evaluation.capacity), cache.count == Int(evaluation.past)
        else {
            throw fault(
                "goes on behind \(evaluation.past) steps, but the evaluations before it have kept "
                    + "\(caches[key]?.count ?? 0) of \(caches[key]?.capacity ?? 0)")
        }
        return cache
    }

    private func network(
        given: [GraphDefinition.Reference], wanted: [GraphDefinition.Reference]
    ) throws -> Network {
        let key = [given, wanted]
        if let known = parts.first(where: { $0.key == key }) { return known.network }
        let part = try model.graph.part(wanted: wanted, given: given)
        let graph: Graph
        do {
            graph = try Graph(part.definition, registry: model.registry)
        } catch {
            // The layers are those of the model, which had them together.
            throw error.kind == .graph ? fault(error.text) : LaminaError(error)
        }
        let store = try ParameterStore(graph)
        let entries = model.network.parameters.entries
        let tensors = store.entries.map { own in
            let origin = part.origins[own.name] ?? own.name
            let entry = entries.first { $0.name == origin }!
            return (own.name, own.dtype, own.shape, UnsafeRawPointer(entry.data))
        }
        try store.borrow(tensors, owner: model.network)
        let network = Network(graph, store)
        parts.append((key, network))
        return network
    }
}
