import CLamina
import LaminaFormats
import LaminaSDK
import LaminaSchema

/// Runs a task on a model that the test makes up: parameters by name, files, a function that computes, tokenizers.
public struct TaskHarness {
    /// What a task has answered.
    public struct Answer {
        public var rows: [JSONObject] = []
        public var text = ""
        public var files: [String] = []
        /// What it told of how far it was: parts of one.
        public var progress: [Double] = []
    }

    /// How texts become tokens of an input of the model.
    public struct TextInput {
        let tokenizer: TokenizerHarness
        let begin, end: Bool

        /// - Parameters:
        ///   - begin: whether the model's recipe puts `<bos>` before a whole text.
        ///   - end: whether it puts `<eos>` behind it.
        public init(_ tokenizer: TokenizerHarness, begin: Bool = false, end: Bool = false) {
            (self.tokenizer, self.begin, self.end) = (tokenizer, begin, end)
        }
    }

    /// A file that the task wants read as training made a field of such files; see `TaskModel.read(file:field:channels:isMade:)`.
    public struct FieldRequest: Equatable {
        public var path: String
        public var place, channels: Int
        public var isMade: Bool

        public init(path: String, place: Int, channels: Int, isMade: Bool) {
            (self.path, self.place, self.channels, self.isMade) = (path, place, channels, isMade)
        }
    }

    public typealias Read = (FieldRequest) throws -> TensorValue
    public typealias Evaluate = ([(reference: String, value: TensorValue)], [String]) throws -> [TensorValue]

    private let parameters: [(name: String, value: TensorValue)]
    private let assets: [String: [UInt8]]
    private let graph: String
    private let texts: [String: TextInput]
    private let read: Read?
    private let evaluate: Evaluate?

    /// - Parameters:
    ///   - graph: the content of `graph.json`.
    ///   - texts: the inputs of the model that are text, by name.
    ///   - evaluate: what the graph makes of given values; nil: the task may not ask. It is asked for whole sequences, where
    ///     the task computes step by step, too.
    ///   - read: the samples of a file; nil: the task may not read any.
    public init(
        parameters: [(name: String, value: TensorValue)] = [], assets: [String: [UInt8]] = [:], graph: String = "",
        texts: [String: TextInput] = [:], evaluate: Evaluate? = nil, read: Read? = nil
    ) {
        self.parameters = parameters
        self.assets = assets
        self.graph = graph
        self.texts = texts
        self.evaluate = evaluate
        self.read = read
    }

    /// Throws `AttributeError`, `CallError`, or what the test's function or tokenizer throws.
    public func run(
        _ component: Component, _ attributes: JSONObject = [:], arguments: [String] = [], host: TestHost = TestHost()
    ) throws -> Answer {
        let bound = try BoundComponent<lamina_task>(component, kind: LAMINA_KIND_TASK, attributes, host)
        let session = self.session()
        var sink = TaskSession.sink(Unmanaged.passUnretained(session).toOpaque())
        let words = CStrings(arguments)
        let views = words.pointers.enumerated().map { index, pointer in
            lamina_string(data: pointer, size: UInt64(arguments[index].utf8.count))
        }
        try call("run", bound, session) { model in
            withExtendedLifetime(words) {
                bound.table.pointee.run(
                    bound.raw, host.raw, bound.attributes.raw, model, Int32(views.count), views, &sink)
            }
        }
        return session.answer
    }

    func session() -> TaskSession { TaskSession(assets, texts, read, evaluate) }

    /// Calls `body` with the model, and throws what went wrong: nearest to the cause first.
    func call<Table>(
        _ name: String, _ bound: BoundComponent<Table>, _ session: TaskSession, writing written: WatchedTensors...,
        body: (UnsafePointer<lamina_task_model>) -> lamina_status
    ) throws {
        let tensors = TensorArray(parameters.map(\.value), names: parameters.map(\.name))
        let watched = WatchedTensors.readOnly(tensors)
        let names = CStrings(parameters.map(\.name))
        let content = Array(graph.utf8)
        let status = withExtendedLifetime((session, names)) {
            names.pointers.withUnsafeBufferPointer { names in
                content.withUnsafeBufferPointer { content in
                    var model = TaskSession.model(
                        Unmanaged.passUnretained(session).toOpaque(), graph: lamina_string(content))
                    model.parameter_count = Int32(parameters.count)
                    (model.parameters, model.parameter_names) = (UnsafePointer(tensors.raw), names.baseAddress)
                    return body(&model)
                }
            }
        }
        do {
            try bound.finish(name, status, [watched] + written)
        } catch {
            if let failure = session.failure { throw failure }
            throw error
        }
        if let failure = session.failure { throw failure }
        try session.checkOutputs()
    }
}

/// Copies of texts that end in NUL.
final class CStrings {
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
