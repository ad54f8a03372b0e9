import CLamina
import Glibc

/// A verb for trained models, as in `lamina task MODEL nearest king`. Attributes are the command's options.
public protocol ModelTask: ComponentType {
    /// The arguments as help shows them: "WORD…"; empty when there are none.
    static var usage: String { get }
    init(_ attributes: Attributes, host: Host) throws
    func run(_ model: TaskModel, _ arguments: [String], _ answer: TaskAnswer) throws
}

extension ModelTask {
    public static var usage: String { "" }
}

/// The model that a task works with: its parameters, the files in its archive, any part of its graph.
public struct TaskModel {
    public let raw: UnsafePointer<lamina_task_model>
    public let host: Host

    /// The parameter of this name, read-only; nil: the model has none.
    public func parameter(_ name: String) -> Tensor? {
        for index in 0..<Int(raw.pointee.parameter_count)
        where String(cString: raw.pointee.parameter_names[index]!) == name {
            return Tensor(raw.pointee.parameters + index)
        }
        return nil
    }

    /// The bytes of `assets/<name>`, valid while the task runs; nil: there is none.
    public func asset(_ name: String) -> UnsafeRawBufferPointer? {
        let view = raw.pointee.asset(raw.pointee.sink, name)
        return view.data.map { UnsafeRawBufferPointer(start: $0, count: Int(view.size)) }
    }

    /// Computes `wanted` from `given`, both by reference: the name of an input or a node, "name:1" for a second output.
    ///
    /// Only what lies between is computed, so an encoder may run once and a decoder step by step. Buffers behind what is
    /// given have to live until it returns.
    /// - Parameter steps: goes on with sequences, of which the values of some references hold only the newest steps.
    /// - Returns: plain tensors, read-only, valid until the next evaluation.
    public func evaluate(
        _ wanted: [String], given: [(reference: String, tensor: Tensor)], steps: SequenceSteps? = nil
    ) throws -> Tensors {
        guard !wanted.isEmpty else { throw PluginError.internal("nothing is wanted: name a node or an output of one") }
        let names = (given.map(\.reference) + wanted).map { UnsafePointer<CChar>(strdup($0)) }
        defer { names.forEach { free(UnsafeMutableRawPointer(mutating: $0)) } }
        var outputs: UnsafePointer<lamina_tensor>?
        let flags = steps.map { steps in given.map { UInt8(steps.references.contains($0.reference) ? 1 : 0) } }
        let rows = steps?.rows.map { $0.map(Int64.init) }
        let status = names.withUnsafeBufferPointer { names in
            given.map { $0.tensor.raw.pointee }.withUnsafeBufferPointer { values in
                withPointer(flags) { flags in
                    withPointer(rows) { rows in
                        var evaluation = lamina_task_evaluation(
                            struct_size: UInt32(MemoryLayout<lamina_task_evaluation>.size),
                            given_count: Int32(given.count), wanted_count: Int32(wanted.count), reserved: 0,
                            given: names.baseAddress, values: values.baseAddress,
                            wanted: names.baseAddress! + given.count, given_steps: flags,
                            capacity: Int64(steps?.capacity ?? 0), past: Int64(steps?.past ?? 0), rows: rows)
                        return raw.pointee.evaluate(raw.pointee.sink, &evaluation, &outputs)
                    }
                }
            }
        }
        try check(status, "the host could not compute \(wanted.joined(separator: ", "))")
        return Tensors(outputs!)
    }
}

/// An evaluation that goes on with sequences: layers keep what they need of the steps before (keys and values, say), so
/// that a step costs as much as one step.
///
/// All evaluations that continue each other have the same given and wanted references and the same capacity. A layer that
/// cannot work step by step is an error (`PluginError.isUnsupported`): the command names it, and says behind that what the task
/// throws as unsupported in its place.
public struct SequenceSteps {
    /// The references whose values hold only the newest steps, [N, steps, …]; the others are whole.
    public var references: Set<String>
    /// How many steps sequences may get.
    public var capacity: Int
    /// Steps before these; 0 begins anew.
    public var past: Int
    /// Which sequence of the evaluation before each one continues; nil: each itself.
    public var rows: [Int]?

    public init(_ references: Set<String>, capacity: Int, past: Int = 0, rows: [Int]? = nil) {
        (self.references, self.capacity, self.past, self.rows) = (references, capacity, past, rows)
    }
}

private func withPointer<Element, Result>(
    _ values: [Element]?, _ body: (UnsafePointer<Element>?) throws -> Result
) rethrows -> Result {
    guard let values else { return try body(nil) }
    return try values.withUnsafeBufferPointer { try body($0.baseAddress) }
}

// MARK: Text

extension TaskModel {
    /// The content of `graph.json`: inputs, nodes, outputs.
    public var graph: String { String(raw.pointee.graph) }

    /// The tokens of a text for an input of the model, with those that the recipe puts around it (begin, end).
    ///
    /// A model that is told no lengths gets a whole row, with padding behind the text as in training.
    public func encode(_ text: String, for input: String) throws -> [Int64] { try encode(text, input, whole: 1) }

    /// The tokens of a text alone.
    public func encode(tokensOf text: String, for input: String) throws -> [Int64] {
        try encode(text, input, whole: 0)
    }

    private func encode(_ text: String, _ input: String, whole: Int32) throws -> [Int64] {
        let ids = IDs()
        var sink = lamina_id_sink(
            struct_size: UInt32(MemoryLayout<lamina_id_sink>.size), reserved: 0,
            sink: Unmanaged.passUnretained(ids).toOpaque(),
            add: { sink, count, values in
                let all = Unmanaged<IDs>.fromOpaque(sink!).takeUnretainedValue()
                all.values += UnsafeBufferPointer(start: values, count: Int(count))
                return LAMINA_OK
            })
        var text = text
        let status = withExtendedLifetime(ids) {
            text.withUTF8 { raw.pointee.encode(raw.pointee.sink, input, whole, lamina_string($0), &sink) }
        }
        try check(status, "the host could not encode a text for '\(input)'")
        return ids.values
    }

    /// The text of tokens of an input, without special ones.
    public func decode(_ ids: [Int64], for input: String) throws -> String {
        try text { raw.pointee.decode(raw.pointee.sink, input, Int64(ids.count), ids, $0) }
    }

    /// A token as it stands in the vocabulary of an input.
    public func token(_ id: Int64, for input: String) throws -> String {
        try text { raw.pointee.token(raw.pointee.sink, input, id, $0) }
    }

    /// The id of a token with a meaning of its own; nil when there is none, or the input is no text.
    public func special(_ token: SpecialToken, for input: String) -> Int64? {
        let id = raw.pointee.special(raw.pointee.sink, input, token.rawValue)
        return id < 0 ? nil : id
    }

    /// How many tokens the vocabulary of an input has; nil when the input is no text. Logits for more stand for no token.
    public func vocabularySize(for input: String) -> Int? {
        let size = raw.pointee.vocabulary_size(raw.pointee.sink, input)
        return size < 0 ? nil : Int(size)
    }

    private func text(_ body: (UnsafePointer<lamina_text_sink>) -> lamina_status) throws -> String {
        let bytes = Bytes()
        var sink = lamina_text_sink(
            struct_size: UInt32(MemoryLayout<lamina_text_sink>.size), reserved: 0,
            sink: Unmanaged.passUnretained(bytes).toOpaque(),
            add: { sink, text in
                Unmanaged<Bytes>.fromOpaque(sink!).takeUnretainedValue().values += text.bytes
                return LAMINA_OK
            })
        let status = withExtendedLifetime(bytes) { withUnsafePointer(to: &sink, body) }
        try check(status, "the host could not decode tokens")
        return String(decoding: bytes.values, as: UTF8.self)
    }

    private final class IDs { var values: [Int64] = [] }
    private final class Bytes { var values: [UInt8] = [] }
}

/// Where a task's answer goes: rows, running text, files, and how far it is.
public struct TaskAnswer {
    public let raw: UnsafePointer<lamina_task_sink>

    /// A line of the answer, or an object of a JSON list: named values.
    public func addRow(_ cells: KeyValuePairs<String, AttributeValue>) {
        let storage = AttributeStorage(cells)
        withExtendedLifetime(storage) {
            raw.pointee.add_row(raw.pointee.sink, storage.raw.pointee.count, storage.raw.pointee.items)
        }
    }

    /// Running text, as it comes.
    public func add(text: String) { withView(text) { raw.pointee.add_text(raw.pointee.sink, $0) } }

    /// Tells of a file that the task has written.
    public func wrote(file path: String) { withView(path) { raw.pointee.wrote_file(raw.pointee.sink, $0) } }

    /// Tells how far a long task is: `done` of `total` samples, say. Hosts before ABI 1.1 do not show it.
    public func progress(_ done: Int, of total: Int) {
        guard Int(raw.pointee.struct_size) > MemoryLayout<lamina_task_sink>.offset(of: \.progress)! else { return }
        raw.pointee.progress(raw.pointee.sink, Int64(done), Int64(total))
    }

    private func withView(_ text: String, _ body: (lamina_string) -> Void) {
        var text = text
        text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) {
                body(lamina_string(data: $0.baseAddress, size: UInt64($0.count)))
            }
        }
    }
}

extension Component {
    public static func task<T: ModelTask>(_ type: T.Type) -> Component {
        Component(
            type, kind: LAMINA_KIND_TASK, vtable: TaskTable.table(usage: type.usage),
            factory: Factory<TaskTable.Make>({ try T($0, host: $1) }))
    }
}

enum TaskTable {
    typealias Make = (Attributes, Host) throws -> any ModelTask

    static func table(usage: String) -> UnsafeRawPointer {
        UnsafeRawPointer(
            permanent(
                lamina_task(
                    struct_size: UInt32(MemoryLayout<lamina_task>.size), reserved: 0,
                    run: { component, host, attributes, model, count, arguments, sink in
                        host!.status {
                            let task = try Factory<Make>.of(component)(Attributes(attributes), Host(host!))
                            let words = UnsafeBufferPointer(start: arguments, count: Int(count)).map { String($0) }
                            try task.run(TaskModel(raw: model!, host: Host(host!)), words, TaskAnswer(raw: sink!))
                        }
                    },
                    usage: permanent(usage))))
    }
}
