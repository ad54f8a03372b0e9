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
    private let text: SessionText
    private let parts: SessionParts
    private var hasWarnedOfData = false
    /// Other models that were opened for the component.
    private var others: [(path: String, session: ModelSession)] = []
    /// Copies of files that are in no archive yet.
    private var assets: [(name: String, bytes: UnsafeRawBufferPointer)] = []
    /// The first fault of what the component has asked for or answered: nearer to the cause than what it makes of it.
    private var ownFailure: LaminaError?
    /// Also those of other models that it has opened.
    var failure: LaminaError? {
        ownFailure ?? others.lazy.compactMap { other in other.session.failure?.of(other.path) }.first
    }
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
        let definition = model.graph.definition.json.bytes()
        graphText = .allocate(capacity: definition.count)
        _ = graphText.initialize(from: definition)
        labels = .allocate(capacity: model.labels.count)
        _ = labels.initialize(from: model.labels.map { UnsafePointer(strdup($0)!) })
        link = model.link.flatMap { strdup($0) }
        data = SessionData(model, for: id)
        text = SessionText(model, for: id)
        parts = SessionParts(model, for: id)
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
                evaluate: { sink, evaluation, out in
                    ModelSession.at(sink).give(out) { session in
                        guard let evaluation = lamina_task_evaluation(evaluation) else {
                            throw session.fault("asks for an evaluation that is none")
                        }
                        return try session.parts.evaluate(evaluation)
                    }
                },
                graph: lamina_string(UnsafeBufferPointer(graphText)),
                encode: { sink, input, whole, bytes, ids in
                    ModelSession.at(sink).with(input) { text, input in
                        try text.encode(bytes.bytes, input, isWhole: whole != 0, ids)
                    }
                },
                decode: { sink, input, count, ids, out in
                    ModelSession.at(sink).with(input) { text, input in
                        try text.decode(ids, count: count, input, out)
                    }
                },
                token: { sink, input, id, out in
                    ModelSession.at(sink).with(input) { text, input in try text.token(id, input, out) }
                },
                special: { sink, input, token in
                    ModelSession.at(sink).ask(input) { tokenizer in
                        Int64(SpecialToken(rawValue: token).flatMap { tokenizer.special($0) } ?? -1)
                    }
                },
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
        parts.parametersChanged()
    }

    /// To be called before what has nothing to do with the faults so far.
    func forgetFailure() {
        (ownFailure, lacksSteps) = (nil, false)
        others.forEach { $0.session.forgetFailure() }
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
            guard let out else { throw fault("asks for values and takes none") }
            out.pointee = try body(self)
        }
    }

    private func attemptOpen(
        _ path: UnsafePointer<CChar>?, _ out: UnsafeMutablePointer<UnsafePointer<lamina_task_model>?>?
    ) -> lamina_status {
        attempt {
            guard let path = path.map({ String(cString: $0) }), let out else {
                throw fault("opens a model and names none")
            }
            others.append((path, ModelSession(try Model.open(path, registry: model.registry), for: id)))
            out.pointee = others[others.count - 1].session.raw
        }
    }

    /// What only a mistake of the component can have brought about.
    func fault(_ text: String) -> LaminaError { .bug(of: id, text) }

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

    private func with(
        _ input: UnsafePointer<CChar>?, _ body: (SessionText, String) throws -> Void
    ) -> lamina_status {
        attempt {
            guard let input else { throw fault("asks for the text of no input") }
            try body(text, String(cString: input))
        }
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
}
