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
    /// Those of the recipe; nil: it has none.
    public let networks: ProcedureNetworks?
    /// What steps go through: "words".
    public let itemName: String

    private let call: ComponentCall
    private let table: UnsafePointer<lamina_procedure>
    private let handle: UnsafeMutableRawPointer
    private var tensors: (parameters: DescriptorArray, states: DescriptorArray)?

    public var id: String { call.id }

    /// Creates the procedure and has it say what the model is, which may take a while.
    ///
    /// - Parameters:
    ///   - networks: those of the recipe; nil: it has none.
    ///   - progress: how far that is, 0 to 1, and what is being done.
    public init(
        _ recipe: Recipe, networks: ProcedureNetworks?, registry: Registry, progress: @escaping (Double, String) -> Void
    ) throws {
        guard let component = recipe.procedure else {
            throw TrainingError(.internal, "the recipe has no procedure")
        }
        self.recipe = recipe
        self.networks = networks
        let call = try ComponentCall(kind: LAMINA_KIND_PROCEDURE, component.id, component.attributes, registry)
        let table = call.component.table(lamina_procedure.self)
        let handle = try call.create(table.pointee.create)
        (self.call, self.table, self.handle) = (call, table, handle)
        itemName = String(cString: table.pointee.item_name)
        do {
            definition = try ProcedureDefinition(call.id, networks, progress) { model in
                table.pointee.define(handle, model)
            } check: { status in
                do throws(TrainingError) {
                    try call.check(status)
                } catch {
                    throw networks?.cause(of: error) ?? error
                }
            }
            try networks?.open(definition.data)
            // The last property: from here on `deinit` destroys the procedure.
            states = try definition.states.map { state throws(TrainingError) in try State(state, of: call.id) }
        } catch {
            table.pointee.destroy(handle)
            throw error
        }
    }

    deinit { table.pointee.destroy(handle) }

    // MARK: Training

    /// Binds the model that was built as `definition` says, and the recipe's networks with their values.
    public func attach(_ store: ParameterStore, _ networks: [Network] = []) throws(TrainingError) {
        try self.networks?.attach(networks)
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

    private func withRun(_ body: (UnsafePointer<lamina_procedure_run>) -> lamina_status) throws {
        guard let tensors else { throw TrainingError(.internal, "\(id): no model is attached") }
        var run = lamina_procedure_run(
            struct_size: UInt32(MemoryLayout<lamina_procedure_run>.size),
            parameter_count: Int32(tensors.parameters.count), state_count: Int32(tensors.states.count), reserved: 0,
            parameters: tensors.parameters.base, states: tensors.states.base, seed: recipe.training.seed,
            epochs: Int64(recipe.training.epochs), networks: networks?.raw)
        networks?.forgetFailures()
        do throws(TrainingError) {
            try call.check(body(&run))
        } catch {
            throw networks?.cause(of: error) ?? error
        }
    }

    /// Gives parameters and states their initial values.
    public func start() throws {
        try withRun { table.pointee.start(handle, $0) }
        try networks?.prepareOptimizers()
    }

    /// What a step may measure at most, so that an epoch's sums stay finite.
    private static let most = 1e200

    /// Trains a portion.
    public func step() throws -> ProcedureProgress {
        var raw = lamina_procedure_progress()
        raw.struct_size = UInt32(MemoryLayout<lamina_procedure_progress>.size)
        try withRun { table.pointee.step(handle, $0, &raw) }
        var progress = ProcedureProgress(raw)
        measures = networks?.takeMeasures() ?? []
        if let networks { progress.learningRateFactor = try networks.learningRateFactor(0) }
        if let measure = measures.first(where: { !(0...Self.most).contains($0.count) }) {
            throw TrainingError(
                .internal,
                "\(id): a step measures '\(measure.name)' with a count of \(measure.count) (a bug of the plugin)")
        }
        if let measure = measures.first(where: { !(abs($0.sum) <= Self.most) }) {
            throw TrainingError(
                .diverged,
                "\(id): '\(measure.name)' is \(measure.sum.isNaN ? .nan : measure.sum / measure.count) after \(progress.epochs) epochs; lower the "
                    + "learning rates")
        }
        if let fault = progress.fault { throw TrainingError(.internal, "\(id): a step \(fault) (a bug of the plugin)") }
        if progress.lossCount > 0, !progress.lossSum.isFinite {
            throw TrainingError(
                .diverged,
                "\(id): the loss is \(progress.lossSum / progress.lossCount) after \(progress.epochs) epochs; "
                    + "lower the learning rate")
        }
        return progress
    }

    /// Tells a checkpoint's state where the networks stand.
    public func noteNetworks(in state: inout ProcedureState) { state.networks = networks?.state }

    /// Goes on where a checkpoint's networks stood.
    public func resumeNetworks(_ state: ProcedureState) throws(TrainingError) {
        guard let networks else { return }
        guard let saved = state.networks else {
            throw TrainingError(
                .recipe, "the checkpoint is of a run without 'networks', the recipe has some; train without --resume")
        }
        try networks.resume(saved)
    }

    /// Makes the parameters what the model shall hold.
    public func publish() throws {
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

    /// What the last step measured for people's curves.
    public private(set) var measures: [ProcedureNetworks.Measure] = []

    /// Goes on from what `save` gave; parameters and states hold what they held then.
    ///
    /// Optimizers are there afterwards, with states yet to be loaded.
    public func restore(_ state: JSONObject) throws {
        defer { measures = [] }
        let text = JSON.object(state).text()
        try withRun { run in
            Array(text.utf8).withUnsafeBufferPointer { table.pointee.restore(handle, run, lamina_string($0)) }
        }
        try networks?.prepareOptimizers()
    }
}
