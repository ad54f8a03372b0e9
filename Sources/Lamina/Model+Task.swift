import CLamina
import Glibc
import LaminaArchive
import LaminaFormats
import LaminaGraph
import LaminaHost
import LaminaSDK
import LaminaSchema
import LaminaTraining

/// What a task answers with; rows and text come in the order in which the task gives them.
public protocol TaskObserver: AnyObject {
    func row(_ cells: JSONObject)
    func text(_ text: String)
    func wrote(file path: String)
}

extension Model {
    /// The tasks that a model offers: those of the plugins that it needs.
    public var tasks: [ComponentDescription] {
        let plugins = Set(neededPlugins)
        return registry.components(kind: LAMINA_KIND_TASK).filter { task in
            plugins.contains { task.id.hasPrefix($0 + ".") }
        }
    }

    /// Ids of the plugins that made the model and compute it.
    private var neededPlugins: [String] {
        var ids = archive?.manifest.plugins.map(\.id) ?? []
        ids += graph.definition.nodes.map { String($0.component.prefix { $0 != "." }) }
        if let procedure { ids.append(String(procedure.prefix { $0 != "." })) }
        return ids
    }

    /// The task of this name, with or without its plugin's id before it.
    public func task(named name: String) throws(LaminaError) -> ComponentDescription {
        let found = tasks.filter { $0.id == name || $0.id.hasSuffix("." + name) }
        if let task = found.first {
            guard found.count == 1 else {
                throw LaminaError(
                    .usage, "several plugins offer '\(name)': say \(found.map(\.id).joined(separator: " or "))")
            }
            return task
        }
        let names = tasks.map { String($0.id.drop { $0 != "." }.dropFirst()) }
        guard !names.isEmpty else { throw LaminaError(.usage, "no plugin of this model offers a task") }
        throw LaminaError(
            .usage,
            "this model has no task '\(name)'\(Suggestion.question(for: name, among: names)); it offers "
                + names.joined(separator: ", "))
    }

    /// Runs a task of the model's plugins.
    public func run(
        task: ComponentDescription, _ attributes: JSONObject, arguments: [String], _ observer: any TaskObserver
    ) throws(LaminaError) {
        try sorted {
            let component = try registry.load(kind: LAMINA_KIND_TASK, id: task.id)
            let bound: AttributeSet
            do {
                bound = try AttributeSet.bind(
                    component.description.attributes, attributes, pathsRelativeTo: workingFolder)
            } catch let error as AttributeError {
                throw LaminaError(.usage, "\(task.id): \(error.text)")
            }
            let session = TaskSession(self, observer)
            let status = session.run(component.table(lamina_task.self), component.raw, bound, arguments)
            if let failure = session.failure { throw failure }
            try registry.runtime.check(status, task.id)
        }
    }

    private var workingFolder: String? {
        guard let path = getcwd(nil, 0) else { return nil }
        defer { free(path) }
        return String(cString: path)
    }
}

/// One call of a task: what it may ask of the model, and where its answer goes.
private final class TaskSession {
    private let model: Model
    private let observer: any TaskObserver
    private let parameters: DescriptorArray
    private let names: [UnsafePointer<CChar>]
    /// Networks of the parts that were computed, by what is given and wanted.
    private var parts: [(key: [[GraphDefinition.Reference]], network: Network)] = []
    private var outputs: DescriptorArray?
    /// Copies of files that are in no archive yet.
    private var assets: [(name: String, bytes: UnsafeRawBufferPointer)] = []
    /// Why an evaluation failed: nearer to the cause than what the task made of it.
    private(set) var failure: LaminaError?

    init(_ model: Model, _ observer: any TaskObserver) {
        self.model = model
        self.observer = observer
        let entries = model.network.parameters.entries
        parameters = DescriptorArray(count: entries.count)
        for (index, entry) in entries.enumerated() {
            parameters.describe(
                index, TensorSpec(dtype: entry.dtype, shape: entry.shape.map(Int64.init)),
                flags: LAMINA_TENSOR_READ_ONLY)
            parameters.base[index].data = entry.data
        }
        names = entries.map { UnsafePointer(strdup($0.name)!) }
    }

    deinit {
        names.forEach { free(UnsafeMutablePointer(mutating: $0)) }
        assets.forEach { $0.bytes.deallocate() }
    }

    private static func at(_ pointer: UnsafeMutableRawPointer?) -> TaskSession {
        Unmanaged<TaskSession>.fromOpaque(pointer!).takeUnretainedValue()
    }

    func run(
        _ table: UnsafePointer<lamina_task>, _ component: UnsafePointer<lamina_component>, _ attributes: AttributeSet,
        _ arguments: [String]
    ) -> lamina_status {
        let own = Unmanaged.passUnretained(self).toOpaque()
        var sink = lamina_task_sink(
            struct_size: UInt32(MemoryLayout<lamina_task_sink>.size), reserved: 0, sink: own,
            add_row: { sink, count, cells in
                guard count >= 0, count <= 4096, count == 0 || cells != nil else { return }
                var list = lamina_attributes(
                    struct_size: UInt32(MemoryLayout<lamina_attributes>.size), count: count, items: cells)
                if let row = try? JSONObject(&list) { TaskSession.at(sink).observer.row(row) }
            },
            add_text: { sink, text in TaskSession.at(sink).observer.text(TaskSession.text(text)) },
            wrote_file: { sink, path in TaskSession.at(sink).observer.wrote(file: TaskSession.text(path)) })
        let words = arguments.map { Array($0.utf8CString) }
        let text = model.graph.definition.json.bytes()
        return text.withUnsafeBufferPointer { graph in
            words.withViews { views in
                names.map(Optional.some).withUnsafeBufferPointer { names in
                    var raw = lamina_task_model(
                        struct_size: UInt32(MemoryLayout<lamina_task_model>.size), parameter_count: Int32(names.count),
                        parameters: parameters.base, parameter_names: names.baseAddress, sink: own,
                        asset: { sink, name in
                            guard let name else { return lamina_string(data: nil, size: 0) }
                            return TaskSession.at(sink).asset(String(cString: name))
                        },
                        evaluate: { sink, evaluation, outputs in TaskSession.at(sink).evaluate(evaluation, outputs) },
                        graph: lamina_string(graph),
                        encode: { sink, input, whole, text, ids in
                            TaskSession.at(sink).with(input) { session, input in
                                try session.encode(text.bytes, input, isWhole: whole != 0, ids)
                            }
                        },
                        decode: { sink, input, count, ids, text in
                            TaskSession.at(sink).with(input) { session, input in
                                let ids = Array(UnsafeBufferPointer(start: ids, count: max(0, Int(count))))
                                try session.add(session.model.tokenizer(of: input).decode(ids), to: text)
                            }
                        },
                        token: { sink, input, id, text in
                            TaskSession.at(sink).with(input) { session, input in
                                try session.add(session.model.tokenizer(of: input).token(Int(id)) ?? "", to: text)
                            }
                        },
                        special: { sink, input, token in
                            guard let input, let token = SpecialToken(rawValue: token),
                                let tokenizer = try? TaskSession.at(sink).model.tokenizer(of: String(cString: input)),
                                let id = tokenizer.special(token)
                            else { return -1 }
                            return Int64(id)
                        })
                    return withExtendedLifetime(self) {
                        table.pointee.run(
                            component, UnsafePointer(model.registry.runtime.services), attributes.raw, &raw,
                            Int32(views.count), views.baseAddress, &sink)
                    }
                }
            }
        }
    }

    private static func text(_ view: lamina_string) -> String {
        String(decoding: UnsafeRawBufferPointer(start: view.data, count: Int(view.size)), as: UTF8.self)
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
        } else if let archive = model.archive, archive.contains("assets/" + name) {
            bytes = try? archive.entry("assets/" + name)
        }
        guard let bytes else { return lamina_string(data: nil, size: 0) }
        // An empty file is a file.
        let address = bytes.baseAddress ?? UnsafeRawPointer(parameters.base)
        return lamina_string(data: address.assumingMemoryBound(to: CChar.self), size: UInt64(bytes.count))
    }

    // MARK: Text

    private func with(
        _ input: UnsafePointer<CChar>?, _ body: (TaskSession, String) throws -> Void
    ) -> lamina_status {
        do {
            guard let input else { throw LaminaError(.internal, "a task asks for the text of no input") }
            try body(self, String(cString: input))
            return LAMINA_OK
        } catch {
            failure = failure ?? LaminaError(error)
            return LAMINA_ERROR_INTERNAL
        }
    }

    private func encode(
        _ text: UnsafeBufferPointer<UInt8>, _ input: String, isWhole: Bool, _ sink: UnsafePointer<lamina_id_sink>?
    ) throws {
        let tokenizer = try model.tokenizer(of: input)
        var ids: [Int32] = []
        try tokenizer.encode(text, into: &ids)
        let entry = model.preprocessing.texts.first { $0.name == input }
        if isWhole, let entry {
            if let maximum = entry.maximum, ids.count + entry.added > maximum {
                let what =
                    "a text has \(ids.count + entry.added) tokens, the model takes at most \(maximum) for '\(input)'"
                guard entry.tooLong == .cut else { throw LaminaError(.data, what) }
                model.registry.runtime.logHandler(2, what + ": cut as in training")
                ids.removeLast(ids.count + entry.added - maximum)
            }
            if entry.begin, let id = tokenizer.special(.begin) { ids.insert(Int32(id), at: 0) }
            if entry.end, let id = tokenizer.special(.end) { ids.append(Int32(id)) }
        }
        let wide = ids.map(Int64.init)
        _ = sink!.pointee.add(sink!.pointee.sink, Int64(wide.count), wide)
    }

    private func add(_ text: String, to sink: UnsafePointer<lamina_text_sink>?) throws {
        var text = text
        _ = text.withUTF8 { sink!.pointee.add(sink!.pointee.sink, lamina_string($0)) }
    }

    // MARK: Evaluating

    private func evaluate(
        _ evaluation: UnsafePointer<lamina_task_evaluation>?,
        _ out: UnsafeMutablePointer<UnsafePointer<lamina_tensor>?>?
    ) -> lamina_status {
        do {
            guard let evaluation, let out,
                evaluation.pointee.struct_size >= UInt32(MemoryLayout<lamina_task_evaluation>.size)
            else { throw LaminaError(.internal, "a task asks for an evaluation that is none") }
            out.pointee = UnsafePointer(try compute(evaluation.pointee).base)
            return LAMINA_OK
        } catch {
            failure = failure ?? LaminaError(error)
            return LAMINA_ERROR_INTERNAL
        }
    }

    private func references(
        _ names: UnsafePointer<UnsafePointer<CChar>?>?, _ count: Int32
    ) throws -> [GraphDefinition.Reference] {
        try (0..<Int(max(count, 0))).map { index in
            guard let name = names?[index], let reference = GraphDefinition.Reference(String(cString: name)) else {
                throw LaminaError(.internal, "a task names a value that no graph can have")
            }
            return reference
        }
    }

    private func compute(_ evaluation: lamina_task_evaluation) throws -> DescriptorArray {
        let given = try references(evaluation.given, evaluation.given_count)
        let wanted = try references(evaluation.wanted, evaluation.wanted_count)
        let network = try network(given: given, wanted: wanted)
        let values = (0..<given.count).map { evaluation.values[$0] }
        for (index, value) in values.enumerated() {
            let input = network.graph.definition.inputs[index]
            guard value.data != nil, (0...8).contains(value.rank), DataType(value.dtype) == input.dtype else {
                throw LaminaError(
                    .internal, "'\(given[index])' is given without data or as another type than \(input.dtype.name)")
            }
        }
        let shapes = values.map { value in (0..<Int(value.rank)).map { Int(value.shape[$0]) } }
        let plan: Plan
        do {
            plan = try network.plan(PlanRequest(inputs: shapes))
        } catch {
            throw error.kind == .graph ? LaminaError(.data, error.text) : LaminaError(error)
        }
        for (planned, value) in zip(plan.inputs, values) {
            memcpy(planned.data, value.data, planned.count * planned.dtype.size)
        }
        try network.forward(plan)
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

    private func network(
        given: [GraphDefinition.Reference], wanted: [GraphDefinition.Reference]
    ) throws -> Network {
        let key = [given, wanted]
        if let known = parts.first(where: { $0.key == key }) { return known.network }
        let part = try model.graph.part(wanted: wanted, given: given)
        let graph = try Graph(part.definition, registry: model.registry)
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

extension [[CChar]] {
    /// Calls `body` with views of texts that end in NUL.
    fileprivate func withViews<Result>(_ body: (UnsafeBufferPointer<lamina_string>) -> Result) -> Result {
        let copies = map { text in
            let memory = UnsafeMutablePointer<CChar>.allocate(capacity: text.count)
            memory.initialize(from: text, count: text.count)
            return lamina_string(data: memory, size: UInt64(text.count - 1))
        }
        defer { copies.forEach { $0.data.deallocate() } }
        return copies.withUnsafeBufferPointer(body)
    }
}
