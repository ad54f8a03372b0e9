import CLamina
import LaminaFormats
import LaminaSDK
import LaminaSchema

/// A procedure behind its C vtable, with the memory that a host would give it.
///
/// ```swift
/// let procedure = try ProcedureHarness(.procedure(SkipGram.self), ["corpus": .string(path)])
/// try procedure.start([.filled([vocabulary, 100], 0)], seed: 1, epochs: 3)
/// while try !procedure.step().isFinished {}
/// ```
public final class ProcedureHarness {
    /// What `define` said.
    public struct Definition {
        public var inputs: [(name: String, dtype: DataType, shape: [Int])] = []
        /// An input "" is an optional one that is not connected.
        public var nodes: [(name: String, component: String, attributes: JSONObject, inputs: [String])] = []
        public var outputs: [(name: String, reference: String)] = []
        public var assets: [String: [UInt8]] = [:]
        public var states: [(name: String, dtype: DataType, shape: [Int])] = []
        public var progress: [(fraction: Double, text: String)] = []
    }

    public let definition: Definition
    private let bound: BoundComponent<lamina_procedure>
    private let handle: UnsafeMutableRawPointer?
    private var tensors: (parameters: TensorArray, states: TensorArray)?
    private var run = lamina_procedure_run()

    /// Creates the procedure and has it define its model. Throws `AttributeError` or `CallError`.
    public init(_ component: Component, _ attributes: JSONObject = [:], host: TestHost = TestHost()) throws {
        bound = try BoundComponent(component, kind: LAMINA_KIND_PROCEDURE, attributes, host)
        handle = try bound.create(bound.table.pointee.create)
        do {
            definition = try Self.define(bound, handle)
        } catch {
            bound.table.pointee.destroy(handle)
            throw error
        }
    }

    deinit { bound.table.pointee.destroy(handle) }

    private final class Sink {
        var definition = Definition()
        static func of(_ sink: UnsafeMutableRawPointer?) -> Sink { Unmanaged.fromOpaque(sink!).takeUnretainedValue() }
    }

    private static func define(
        _ bound: BoundComponent<lamina_procedure>, _ handle: UnsafeMutableRawPointer?
    ) throws(CallError) -> Definition {
        func sizes(_ rank: Int32, _ shape: UnsafePointer<Int64>?) -> [Int] { (0..<Int(rank)).map { Int(shape![$0]) } }
        let told = Sink()
        var model = lamina_procedure_model()
        model.struct_size = UInt32(MemoryLayout<lamina_procedure_model>.size)
        model.sink = Unmanaged.passUnretained(told).toOpaque()
        model.add_input = { sink, name, dtype, rank, shape in
            guard let type = DataType(dtype) else { return LAMINA_ERROR_TYPE }
            Sink.of(sink).definition.inputs.append((String(cString: name!), type, sizes(rank, shape)))
            return LAMINA_OK
        }
        model.add_node = { sink, node in
            guard let node = node?.pointee, let attributes = try? JSONObject(node.attributes) else {
                return LAMINA_ERROR_INTERNAL
            }
            let inputs = (0..<Int(node.input_count)).map { node.inputs[$0].map { String(cString: $0) } ?? "" }
            Sink.of(sink).definition.nodes.append(
                (String(cString: node.name), String(cString: node.component), attributes, inputs))
            return LAMINA_OK
        }
        model.add_output = { sink, name, reference in
            Sink.of(sink).definition.outputs.append((String(cString: name!), String(cString: reference!)))
            return LAMINA_OK
        }
        model.add_asset = { sink, name, bytes, size in
            Sink.of(sink).definition.assets[String(cString: name!)] = Array(
                UnsafeRawBufferPointer(start: bytes, count: Int(size)))
            return LAMINA_OK
        }
        model.add_state = { sink, name, dtype, rank, shape in
            guard let type = DataType(dtype) else { return LAMINA_ERROR_TYPE }
            Sink.of(sink).definition.states.append((String(cString: name!), type, sizes(rank, shape)))
            return LAMINA_OK
        }
        model.progress = { sink, fraction, text in
            Sink.of(sink).definition.progress.append((fraction, text.map { String(cString: $0) } ?? ""))
        }
        // There are no networks here: those of a recipe need the host.
        model.publish = { _, _ in LAMINA_ERROR_UNSUPPORTED }
        model.add_data = { _, _, _, _, _, _, _ in LAMINA_ERROR_UNSUPPORTED }
        let status = withExtendedLifetime(told) { bound.table.pointee.define(handle, &model) }
        try bound.finish("define", status)
        return told.definition
    }

    // MARK: Training

    /// Gives the procedure its tensors; `parameters` are those of the nodes, as their initializers would have filled them.
    private func attach(_ parameters: [TensorValue], seed: UInt64, epochs: Int) {
        let own = definition.states.map { TensorValue.filled($0.dtype, $0.shape, 0) }
        let arrays = (
            TensorArray(parameters, names: parameters.indices.map { "parameter \($0)" }),
            TensorArray(own, names: definition.states.map { "state '\($0.name)'" })
        )
        tensors = arrays
        run.struct_size = UInt32(MemoryLayout<lamina_procedure_run>.size)
        (run.parameter_count, run.parameters) = (Int32(parameters.count), UnsafePointer(arrays.0.raw))
        (run.state_count, run.states) = (Int32(own.count), UnsafePointer(arrays.1.raw))
        (run.seed, run.epochs) = (seed, Int64(epochs))
    }

    /// Initial values.
    public func start(_ parameters: [TensorValue], seed: UInt64 = 0, epochs: Int = 1) throws {
        attach(parameters, seed: seed, epochs: epochs)
        try finish("start", bound.table.pointee.start(handle, &run))
    }

    /// One portion of the training. Throws `CallError`, also for figures that cannot be.
    public func step() throws -> ProcedureProgress {
        var raw = lamina_procedure_progress()
        raw.struct_size = UInt32(MemoryLayout<lamina_procedure_progress>.size)
        try finish("step", bound.table.pointee.step(handle, &run, &raw))
        let progress = ProcedureProgress(raw)
        if let fault = progress.fault { throw Self.fault("step", fault) }
        return progress
    }

    private static func fault(_ call: String, _ text: String) -> CallError {
        CallError(call: call, status: LAMINA_ERROR_INTERNAL, text: "\(call) \(text)", argument: -1)
    }

    public func publish() throws {
        if let publish = bound.table.pointee.publish { try finish("publish", publish(handle, &run)) }
    }

    /// Where the training stands: the JSON object, the parameters and the states. Throws `CallError`, also when it is
    /// no JSON object.
    public func save() throws -> (json: String, parameters: [TensorValue], states: [TensorValue]) {
        final class Text { var text = "" }
        let sink = Text()
        let status = withExtendedLifetime(sink) {
            bound.table.pointee.save(handle, Unmanaged.passUnretained(sink).toOpaque()) { sink, json in
                Unmanaged<Text>.fromOpaque(sink!).takeUnretainedValue().text = String(
                    decoding: json.bytes, as: UTF8.self)
            }
        }
        try finish("save", status)
        do {
            guard case .object = try JSON.parse(sink.text) else { throw Self.fault("save", "gives no JSON object") }
        } catch let error as JSONError {
            throw Self.fault("save", "gives no JSON object: \(error)")
        }
        return (sink.text, parameters, states)
    }

    /// Goes on from what `save` gave, in a procedure that has not been started.
    public func restore(
        _ saved: (json: String, parameters: [TensorValue], states: [TensorValue]), seed: UInt64 = 0, epochs: Int = 1
    ) throws {
        attach(saved.parameters, seed: seed, epochs: epochs)
        for (index, value) in saved.states.enumerated() { tensors!.states.store(value, at: index) }
        var text = saved.json
        let status = text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) {
                bound.table.pointee.restore(
                    handle, &run, lamina_string(data: $0.baseAddress, size: UInt64($0.count)))
            }
        }
        try finish("restore", status)
    }

    public var parameters: [TensorValue] { tensors?.parameters.values ?? [] }
    public var states: [TensorValue] { tensors?.states.values ?? [] }

    private func finish(_ call: String, _ status: lamina_status) throws(CallError) {
        try bound.finish(call, status)
        for array in [tensors?.parameters, tensors?.states].compactMap({ $0 }) {
            for index in 0..<array.count {
                guard let damage = array.memory[index]?.damage else { continue }
                throw Self.fault(call, damage)
            }
        }
    }
}
