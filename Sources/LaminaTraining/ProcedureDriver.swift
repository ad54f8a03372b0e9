import CLamina
import LaminaFormats
import LaminaGraph
import LaminaHost
import LaminaRecipe
import LaminaSDK

/// A procedure behind its C table: asks it for the model, then lets it train the model's parameters step by step.
public final class ProcedureDriver: @unchecked Sendable {
    /// A tensor of the procedure's own, which checkpoints hold.
    public struct State: Sendable {
        public let name: String
        public let dtype: DataType
        public let shape: [Int]
        let memory: AlignedMemory

        public var data: UnsafeMutableRawPointer { memory.base }

        init(_ state: (name: String, dtype: DataType, shape: [Int]), of id: String) throws(TrainingError) {
            (name, dtype, shape) = state
            do {
                memory = try AlignedMemory(
                    bytes: shape.reduce(dtype.size, *), purpose: "state '\(state.name)' of \(id)")
            } catch {
                throw TrainingError(error)
            }
        }
    }

    public let definition: ProcedureDefinition
    public let states: [State]
    public let recipe: Recipe
    /// What steps go through: "words".
    public let itemName: String

    private let call: ComponentCall
    private let table: UnsafePointer<lamina_procedure>
    private let handle: UnsafeMutableRawPointer
    private var tensors: (parameters: DescriptorArray, states: DescriptorArray)?

    public var id: String { call.id }

    /// Creates the procedure and has it say what the model is, which may take a while.
    ///
    /// - Parameter progress: how far that is, 0 to 1, and what is being done.
    public init(
        _ recipe: Recipe, registry: Registry, progress: @escaping (Double, String) -> Void
    ) throws(TrainingError) {
        guard let component = recipe.procedure else {
            throw TrainingError(.internal, "the recipe has no procedure")
        }
        self.recipe = recipe
        let call = try ComponentCall(kind: LAMINA_KIND_PROCEDURE, component.id, component.attributes, registry)
        let table = call.component.table(lamina_procedure.self)
        let handle = try call.create(table.pointee.create)
        (self.call, self.table, self.handle) = (call, table, handle)
        itemName = String(cString: table.pointee.item_name)
        do {
            definition = try ProcedureDefinition(call.id, progress) { model in
                table.pointee.define(handle, model)
            } check: { status throws(TrainingError) in
                try call.check(status)
            }
            states = try definition.states.map { state throws(TrainingError) in try State(state, of: call.id) }
        } catch {
            table.pointee.destroy(handle)
            throw error
        }
    }

    deinit { table.pointee.destroy(handle) }

    // MARK: Training

    /// Binds the model that was built as `definition` says.
    public func attach(_ store: ParameterStore) {
        let parameters = DescriptorArray(count: store.graph.parameters.count)
        for (index, entry) in store.entries.prefix(parameters.count).enumerated() {
            parameters.describe(index, TensorSpec(dtype: entry.dtype, shape: entry.shape.map(Int64.init)))
            parameters.base[index].data = entry.data
        }
        let own = DescriptorArray(count: states.count)
        for (index, state) in states.enumerated() {
            own.describe(index, TensorSpec(dtype: state.dtype, shape: state.shape.map(Int64.init)))
            own.base[index].data = state.data
        }
        tensors = (parameters, own)
    }

    private func withRun(
        _ body: (UnsafePointer<lamina_procedure_run>) -> lamina_status
    ) throws(TrainingError) {
        guard let tensors else { throw TrainingError(.internal, "\(id): no model is attached") }
        var run = lamina_procedure_run(
            struct_size: UInt32(MemoryLayout<lamina_procedure_run>.size),
            parameter_count: Int32(tensors.parameters.count), state_count: Int32(tensors.states.count), reserved: 0,
            parameters: tensors.parameters.base, states: tensors.states.base, seed: recipe.training.seed,
            epochs: Int64(recipe.training.epochs))
        try call.check(body(&run))
    }

    /// Gives parameters and states their initial values.
    public func start() throws(TrainingError) { try withRun { table.pointee.start(handle, $0) } }

    /// Trains a portion.
    public func step() throws(TrainingError) -> ProcedureProgress {
        var raw = lamina_procedure_progress()
        raw.struct_size = UInt32(MemoryLayout<lamina_procedure_progress>.size)
        try withRun { table.pointee.step(handle, $0, &raw) }
        let progress = ProcedureProgress(raw)
        if let fault = progress.fault { throw TrainingError(.internal, "\(id): a step \(fault) (a bug of the plugin)") }
        if progress.lossCount > 0, !progress.lossSum.isFinite {
            throw TrainingError(
                .diverged,
                "\(id): the loss is \(progress.lossSum / progress.lossCount) after \(progress.epochs) epochs; "
                    + "lower the learning rate")
        }
        return progress
    }

    /// Makes the parameters what the model shall hold.
    public func publish() throws(TrainingError) {
        guard let publish = table.pointee.publish else { return }
        try withRun { publish(handle, $0) }
    }

    private final class Text {
        var text: String?
    }

    /// Where the training stands besides parameters and states.
    public func save() throws(TrainingError) -> JSONObject {
        let sink = Text()
        let status = withExtendedLifetime(sink) {
            table.pointee.save(handle, Unmanaged.passUnretained(sink).toOpaque()) { sink, json in
                let sink = Unmanaged<Text>.fromOpaque(sink!).takeUnretainedValue()
                sink.text = String(decoding: json.bytes, as: UTF8.self)
            }
        }
        try call.check(status)
        var reason = sink.text == nil ? ": it gives none" : ""
        do {
            if let text = sink.text, case .object(let object) = try JSON.parse(text) { return object }
        } catch {
            reason = ": \(error)"
        }
        throw TrainingError(.internal, "\(id): its state is no JSON object\(reason) (a bug of the plugin)")
    }

    /// Goes on from what `save` gave; parameters and states hold what they held then.
    public func restore(_ state: JSONObject) throws(TrainingError) {
        let text = JSON.object(state).text()
        try withRun { run in
            Array(text.utf8).withUnsafeBufferPointer { table.pointee.restore(handle, run, lamina_string($0)) }
        }
    }
}
