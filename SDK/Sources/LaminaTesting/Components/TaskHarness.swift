import CLamina
import LaminaFormats
import LaminaSDK
import LaminaSchema

/// Runs a task on a model that the test makes up: parameters by name, files, and a function that computes.
public struct TaskHarness {
    /// What a task has answered.
    public struct Answer {
        public var rows: [JSONObject] = []
        public var text = ""
        public var files: [String] = []
    }

    public typealias Evaluate = ([(reference: String, value: TensorValue)], [String]) throws -> [TensorValue]

    private let parameters: [(name: String, value: TensorValue)]
    private let assets: [String: [UInt8]]
    private let evaluate: Evaluate?

    /// - Parameter evaluate: what the graph makes of given values; nil: the task may not ask.
    public init(
        parameters: [(name: String, value: TensorValue)] = [], assets: [String: [UInt8]] = [:],
        evaluate: Evaluate? = nil
    ) {
        self.parameters = parameters
        self.assets = assets
        self.evaluate = evaluate
    }

    private final class Session {
        var answer = Answer()
        var assets: [String: UnsafeMutableRawBufferPointer] = [:]
        var evaluate: Evaluate?
        var outputs: TensorArray?
        var failure: (any Error)?

        deinit { assets.values.forEach { $0.deallocate() } }
        static func of(_ sink: UnsafeMutableRawPointer?) -> Session {
            Unmanaged.fromOpaque(sink!).takeUnretainedValue()
        }
        static func text(_ view: lamina_string) -> String {
            String(decoding: UnsafeRawBufferPointer(start: view.data, count: Int(view.size)), as: UTF8.self)
        }

        func compute(_ evaluation: lamina_task_evaluation) throws -> UnsafePointer<lamina_tensor> {
            guard let evaluate else { throw PluginError.internal("the test gave no function that computes") }
            let given = (0..<Int(evaluation.given_count)).map { index in
                let tensor = evaluation.values[index]
                let shape = (0..<Int(tensor.rank)).map { Int(tensor.shape[$0]) }
                let type = DataType(tensor.dtype)!
                let bytes = UnsafeRawBufferPointer(start: tensor.data, count: shape.reduce(type.size, *))
                return (String(cString: evaluation.given[index]!), TensorValue(type, shape, bytes: Array(bytes)))
            }
            let wanted = (0..<Int(evaluation.wanted_count)).map { String(cString: evaluation.wanted[$0]!) }
            let array = TensorArray(try evaluate(given, wanted), names: wanted)
            outputs = array
            return UnsafePointer(array.raw)
        }
    }

    /// Throws `AttributeError`, `CallError`, or what the test's function throws.
    public func run(
        _ component: Component, _ attributes: JSONObject = [:], arguments: [String] = [], host: TestHost = TestHost()
    ) throws -> Answer {
        let bound = try BoundComponent<lamina_task>(component, kind: LAMINA_KIND_TASK, attributes, host)
        let session = Session()
        session.evaluate = evaluate
        for (name, bytes) in assets {
            let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: max(bytes.count, 1), alignment: 64)
            copy.copyBytes(from: bytes)
            session.assets[name] = UnsafeMutableRawBufferPointer(rebasing: copy[..<bytes.count])
        }
        let own = Unmanaged.passUnretained(session).toOpaque()
        let tensors = TensorArray(parameters.map(\.value), names: parameters.map(\.name))
        let watched = WatchedTensors.readOnly(tensors)
        var sink = lamina_task_sink(
            struct_size: UInt32(MemoryLayout<lamina_task_sink>.size), reserved: 0, sink: own,
            add_row: { sink, count, cells in
                var list = lamina_attributes(
                    struct_size: UInt32(MemoryLayout<lamina_attributes>.size), count: count, items: cells)
                if let row = try? JSONObject(&list) { Session.of(sink).answer.rows.append(row) }
            },
            add_text: { Session.of($0).answer.text += Session.text($1) },
            wrote_file: { Session.of($0).answer.files.append(Session.text($1)) })
        let names = CStrings(parameters.map(\.name))
        let words = CStrings(arguments)
        let views = words.pointers.enumerated().map { index, pointer in
            lamina_string(data: pointer, size: UInt64(arguments[index].utf8.count))
        }
        let status = withExtendedLifetime((session, names, words)) {
            names.pointers.withUnsafeBufferPointer { names in
                let graph = UnsafeBufferPointer<UInt8>(start: nil, count: 0)
                var model = lamina_task_model(
                    struct_size: UInt32(MemoryLayout<lamina_task_model>.size),
                    parameter_count: Int32(parameters.count), parameters: tensors.raw,
                    parameter_names: names.baseAddress, sink: own,
                    asset: { sink, name in
                        guard let bytes = Session.of(sink).assets[String(cString: name!)] else {
                            return lamina_string(data: nil, size: 0)
                        }
                        return lamina_string(
                            data: bytes.baseAddress!.assumingMemoryBound(to: CChar.self), size: UInt64(bytes.count))
                    },
                    evaluate: { sink, evaluation, outputs in
                        do {
                            outputs!.pointee = try Session.of(sink).compute(evaluation!.pointee)
                            return LAMINA_OK
                        } catch {
                            Session.of(sink).failure = error
                            return LAMINA_ERROR_INTERNAL
                        }
                    },
                    graph: lamina_string(graph), encode: { _, _, _, _, _ in LAMINA_ERROR_UNSUPPORTED },
                    decode: { _, _, _, _, _ in LAMINA_ERROR_UNSUPPORTED },
                    token: { _, _, _, _ in LAMINA_ERROR_UNSUPPORTED }, special: { _, _, _ in -1 })
                return bound.table.pointee.run(
                    bound.raw, host.raw, bound.attributes.raw, &model, Int32(views.count), views, &sink)
            }
        }
        if let failure = session.failure { throw failure }
        try bound.finish("run", status, watched)
        return session.answer
    }
}

/// Copies of texts that end in NUL.
private final class CStrings {
    let pointers: [UnsafePointer<CChar>?]

    init(_ texts: [String]) {
        pointers = texts.map { text in
            let characters = text.utf8CString
            let memory = UnsafeMutablePointer<CChar>.allocate(capacity: characters.count)
            memory.initialize(from: Array(characters), count: characters.count)
            return UnsafePointer(memory)
        }
    }

    deinit { pointers.forEach { $0?.deallocate() } }
}
