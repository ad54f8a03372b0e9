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
    /// Only what lies between is computed, so an encoder may run once and a decoder step by step.
    /// - Returns: plain tensors, read-only, valid until the next evaluation.
    public func evaluate(_ wanted: [String], given: [(reference: String, tensor: Tensor)]) throws -> Tensors {
        let names = (given.map(\.reference) + wanted).map { UnsafePointer<CChar>(strdup($0)) }
        defer { names.forEach { free(UnsafeMutableRawPointer(mutating: $0)) } }
        var outputs: UnsafePointer<lamina_tensor>?
        let status = names.withUnsafeBufferPointer { names in
            given.map { $0.tensor.raw.pointee }.withUnsafeBufferPointer { values in
                var evaluation = lamina_task_evaluation(
                    struct_size: UInt32(MemoryLayout<lamina_task_evaluation>.size), given_count: Int32(given.count),
                    wanted_count: Int32(wanted.count), reserved: 0, given: names.baseAddress,
                    values: values.baseAddress, wanted: names.baseAddress! + given.count)
                return raw.pointee.evaluate(raw.pointee.sink, &evaluation, &outputs)
            }
        }
        try check(status, "the host could not compute \(wanted.joined(separator: ", "))")
        return Tensors(outputs!)
    }
}

/// Where a task's answer goes: rows, running text, files.
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
