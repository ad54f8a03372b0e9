import CLamina
import Glibc
import LaminaFormats
import LaminaGraph
import LaminaHost
import LaminaRecipe
import LaminaSDK

/// The networks of a recipe behind the table that its procedure gets: passes, optimizers, batches, figures.
public final class ProcedureNetworks: @unchecked Sendable {
    /// What a step has measured for people's curves.
    public struct Measure: Sendable, Equatable {
        public var name: String
        public var sum: Double
        public var count: Double
    }

    let raw: UnsafePointer<lamina_networks>
    private(set) var networks: [TrainedNetwork] = []
    /// Takes the files that the procedure makes for people to look at.
    public var writeSample: (String, UnsafeRawBufferPointer) throws -> Void = { _, _ in }
    /// Opens a trained model that the procedure wants to judge samples by.
    public var openModel: (String) throws -> UnsafePointer<lamina_task_model> = { path in
        throw TrainingError(.internal, "\(path) cannot be opened here")
    }
    /// What the models that it has opened could not do, and how that is forgotten.
    public var judgeFailure: () -> (any Error)? = { nil }
    public var forgetJudgeFailure: () -> Void = {}
    /// The fault behind the last status that the procedure got: nearer to the cause than what it makes of it.
    private var failure: (any Error)?
    private(set) var measures: [Measure] = []
    /// Forward passes so far: the number behind random streams.
    private(set) var forwards: UInt64 = 0
    private(set) var streams: [DataStream] = []
    private let recipe: Recipe
    private let registry: Registry
    private let memory: UnsafeMutablePointer<lamina_networks>
    private let table: UnsafeMutablePointer<UnsafePointer<lamina_network>?>
    private var passes: [UnsafePointer<lamina_pass>: NetworkPass] = [:]
    /// By network, whose passes share memory: the pass that has run forward last, and not yet backward.
    private var newest: [ObjectIdentifier: NetworkPass] = [:]

    /// - Parameter graphs: of the recipe's networks, in their order.
    public init(_ recipe: Recipe, _ graphs: [Graph], registry: Registry) throws(TrainingError) {
        self.recipe = recipe
        self.registry = registry
        for (network, graph) in zip(recipe.networks, graphs) {
            networks.append(
                try TrainedNetwork(network.name, graph, optimizer: network.optimizer ?? recipe.optimizer))
        }
        table = .allocate(capacity: max(networks.count, 1))
        for (index, network) in networks.enumerated() { (table + index).initialize(to: network.raw) }
        memory = .allocate(capacity: 1)
        raw = UnsafePointer(memory)
        memory.initialize(
            to: lamina_networks(
                struct_size: UInt32(MemoryLayout<lamina_networks>.size), count: Int32(networks.count), networks: table,
                batch: Int64(recipe.training.batch), sink: Unmanaged.passUnretained(self).toOpaque(),
                plan: { sink, number, batch, flags, out in
                    ProcedureNetworks.at(sink).attempt { networks throws(TrainingError) in
                        out?.pointee = try networks.plan(number, batch, flags)
                    }
                },
                forward: { sink, pass in
                    ProcedureNetworks.at(sink).attempt { networks throws(TrainingError) in try networks.forward(pass) }
                },
                backward: { sink, pass, accumulate in
                    ProcedureNetworks.at(sink).attempt { networks throws(TrainingError) in
                        try networks.backward(pass, accumulating: accumulate != 0)
                    }
                },
                update: { sink, number in
                    ProcedureNetworks.at(sink).attempt { networks throws(TrainingError) in try networks.update(number) }
                },
                parameters_changed: { sink, number in
                    ProcedureNetworks.at(sink).attempt { networks throws(TrainingError) in
                        try networks.network(number).network?.parametersChanged()
                    }
                },
                next_batch: { sink, number, out in
                    ProcedureNetworks.at(sink).attempt { networks throws(TrainingError) in
                        out?.pointee = try networks.stream(number).next()
                    }
                },
                batches_per_epoch: { sink, number in
                    let streams = ProcedureNetworks.at(sink).streams
                    return streams.indices.contains(Int(number)) ? Int64(streams[Int(number)].batchesPerEpoch) : 0
                },
                measure: { sink, name, sum, count in
                    guard let name else { return }
                    ProcedureNetworks.at(sink).measure(String(cString: name), sum, count)
                },
                write_sample: { sink, name, bytes, size in
                    ProcedureNetworks.at(sink).writeSample(name, bytes, size)
                },
                open: { sink, path, out in
                    let networks = ProcedureNetworks.at(sink)
                    do {
                        guard let path, let out else { return LAMINA_ERROR_INTERNAL }
                        out.pointee = try networks.openModel(String(cString: path))
                        return LAMINA_OK
                    } catch {
                        networks.failure = error
                        return LAMINA_ERROR_DATA
                    }
                }))
    }

    deinit {
        memory.deallocate()
        table.deallocate()
    }

    private static func at(_ pointer: UnsafeMutableRawPointer?) -> ProcedureNetworks {
        Unmanaged<ProcedureNetworks>.fromOpaque(pointer!).takeUnretainedValue()
    }

    /// Keeps the error of the last call: what the procedure asks for behind a refusal shows that it can do without.
    private func attempt(_ body: (ProcedureNetworks) throws(TrainingError) -> Void) -> lamina_status {
        failure = nil
        do {
            try body(self)
            return LAMINA_OK
        } catch {
            failure = error
            return switch error.kind {
            case .recipe, .plugin: LAMINA_ERROR_UNSUPPORTED
            case .data: LAMINA_ERROR_DATA
            case .interrupted: LAMINA_ERROR_CANCELLED
            case .diverged, .internal: LAMINA_ERROR_INTERNAL
            }
        }
    }

    /// To be called before each call of the procedure: what went wrong in those before it could do without.
    func forgetFailures() {
        failure = nil
        forgetJudgeFailure()
    }

    /// The error behind a procedure's, which says more than what the procedure makes of it.
    func cause(of error: TrainingError) -> any Error { failure ?? judgeFailure() ?? error }

    func takeMeasures() -> [Measure] {
        defer { measures.removeAll(keepingCapacity: true) }
        return measures
    }

    // MARK: Preparing

    /// Opens the data for what the procedure has asked.
    func open(_ requests: [DataStream.Request]) throws(TrainingError) {
        guard let count = requests.map(\.stream).max().map({ $0 + 1 }) else {
            guard let network = networks.first(where: { $0.optimizerRecipe?.schedule != nil }) else { return }
            throw TrainingError(
                .recipe,
                "network '\(network.name)' has a schedule, whose time are the batches of the data, but the procedure takes none; "
                    + "leave the schedule out")
        }
        guard let data = recipe.data else {
            throw TrainingError(.recipe, "the recipe has no 'data' to train on")
        }
        let inputs = requests.filter { !$0.isTarget }
        guard data.inputs.isEmpty ? inputs.count <= 1 : data.inputs.count == inputs.count else {
            let names = inputs.map { "'\($0.name)'" }.joined(separator: ", ")
            throw TrainingError(
                .recipe,
                "the procedure takes \(inputs.count) tensor\(inputs.count == 1 ? "" : "s") of the data (\(names)): name a "
                    + "field for each under data, as 'input: [...]'")
        }
        for number in 0..<count {
            let own = requests.filter { $0.stream == number }
            let fields = zip(inputs, data.inputs).filter { $0.0.stream == number }.map(\.1)
            streams.append(try DataStream(number, own, data, fields: fields, recipe.training, registry: registry))
        }
    }

    /// Names of the classes that the procedure asked for with its data; empty: none, or without names.
    public var classes: [String] {
        guard let stream = streams.first(where: { $0.dataset.hasTarget }) else { return [] }
        return recipe.data?.classes.isEmpty == false ? recipe.data!.classes : stream.dataset.classes
    }

    /// Binds the values of the networks, in their order.
    public func attach(_ all: [Network]) throws(TrainingError) {
        for (network, values) in zip(networks, all) { try network.attach(values) }
    }

    /// Makes the optimizers of the networks that have gradients: their states are part of a checkpoint.
    func prepareOptimizers() throws(TrainingError) {
        for network in networks where network.network?.parameterGradients.isEmpty == false {
            try network.prepareOptimizer()
        }
    }

    // MARK: What the procedure asks for

    private func network(_ number: Int32) throws(TrainingError) -> TrainedNetwork {
        guard networks.indices.contains(Int(number)) else {
            throw TrainingError(.internal, "there is no network \(number) of \(networks.count) (a bug of the plugin)")
        }
        return networks[Int(number)]
    }

    private func stream(_ number: Int32) throws(TrainingError) -> DataStream {
        guard streams.indices.contains(Int(number)) else {
            throw TrainingError(.internal, "there is no stream \(number) of \(streams.count) (a bug of the plugin)")
        }
        return streams[Int(number)]
    }

    private func plan(
        _ number: Int32, _ batch: Int64, _ flags: UInt32
    ) throws(TrainingError) -> UnsafePointer<lamina_pass> {
        guard (1...1 << 31).contains(batch) else {
            throw TrainingError(.internal, "a pass for \(batch) samples cannot be planned (a bug of the plugin)")
        }
        let known =
            LAMINA_PASS_TRAINING | LAMINA_PASS_PARAMETER_GRADIENTS | LAMINA_PASS_INPUT_GRADIENTS
            | LAMINA_PASS_ACCUMULATES | LAMINA_PASS_TANGENT
        guard flags & ~known == 0 else {
            throw TrainingError(
                .plugin,
                "a pass with the flags 0x\(String(flags & ~known, radix: 16)) is wanted, which this Lamina does not know: use a "
                    + "newer one")
        }
        let pass = try network(number).plan(Int(number), batch: Int(batch), flags: flags)
        passes[pass.raw] = pass
        return pass.raw
    }

    private func pass(_ raw: UnsafePointer<lamina_pass>?) throws(TrainingError) -> NetworkPass {
        guard let raw, let pass = passes[raw] else {
            throw TrainingError(.internal, "a pass is run that was never planned (a bug of the plugin)")
        }
        return pass
    }

    /// Seed and step of a pass's random numbers, which have room for 2²⁴ steps of a seed.
    private func draw(_ number: UInt64) -> (seed: UInt64, step: UInt64) {
        (recipe.training.seed &+ (number >> 24) &* 0x9e37_79b9_7f4a_7c15, number & 0xff_ffff)
    }

    private func forward(_ raw: UnsafePointer<lamina_pass>?) throws(TrainingError) {
        let pass = try pass(raw)
        newest[ObjectIdentifier(pass.network)] = nil
        let (seed, step) = draw(forwards)
        do {
            try pass.network.forward(pass.plan, seed: seed, step: step)
        } catch {
            throw TrainingError(error).inNetwork(networks[pass.number].name)
        }
        newest[ObjectIdentifier(pass.network)] = pass
        pass.forward = forwards
        forwards += 1
    }

    private func backward(_ raw: UnsafePointer<lamina_pass>?, accumulating: Bool) throws(TrainingError) {
        let pass = try pass(raw)
        guard pass.plan.request.takesOutputGradients, !accumulating || pass.plan.request.accumulates else {
            throw TrainingError(
                .internal,
                "network '\(networks[pass.number].name)': backward of a pass that was not planned for it (a bug of the plugin)"
            )
        }
        guard newest.removeValue(forKey: ObjectIdentifier(pass.network)) === pass else {
            throw TrainingError(
                .internal,
                "network '\(networks[pass.number].name)': backward of a pass that has not run forward since the last one of that "
                    + "network, which has overwritten its values (a bug of the plugin)")
        }
        let (seed, step) = draw(pass.forward)
        do {
            try pass.network.backward(pass.plan, seed: seed, step: step, accumulating: accumulating)
        } catch {
            throw TrainingError(error).inNetwork(networks[pass.number].name)
        }
    }

    /// What the schedule of network `number` makes of the learning rate now; its time is that of the first stream.
    func learningRateFactor(_ number: Int) throws(TrainingError) -> Double {
        guard let first = streams.first else { return 1 }
        let batches = first.position.epoch * first.batchesPerEpoch + max(first.position.batch - 1, 0)
        return try networks[number].learningRateFactor(
            step: UInt64(batches), stepsPerEpoch: first.batchesPerEpoch, epochs: recipe.training.epochs)
    }

    private func update(_ number: Int32) throws(TrainingError) {
        try network(number).update(learningRateFactor: learningRateFactor(Int(number)))
    }

    private func measure(_ name: String, _ sum: Double, _ count: Double) {
        guard let index = measures.firstIndex(where: { $0.name == name }) else {
            measures.append(Measure(name: name, sum: sum, count: count))
            return
        }
        measures[index].sum += sum
        measures[index].count += count
    }

    private func writeSample(
        _ name: UnsafePointer<CChar>?, _ bytes: UnsafeRawPointer?, _ size: UInt64
    ) -> lamina_status {
        let name = name.map { String(cString: $0) } ?? ""
        let isAllowed =
            !name.isEmpty && !name.hasPrefix(".")
            && name.utf8.allSatisfy {
                (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || "._-".utf8.contains($0)
            }
        let fault =
            !isAllowed
            ? "no file can be called '\(name)': wanted a-z, 0-9, '.', '_' and '-', not '.' at the beginning"
            : size > 0 && bytes == nil
                ? "the file '\(name)' has no bytes"
                : size > 1 << 32 ? "the file '\(name)' has \(size) bytes, more than 2³²" : nil
        if let fault {
            failure = TrainingError(.internal, "\(fault) (a bug of the plugin)")
            return LAMINA_ERROR_INTERNAL
        }
        do {
            try writeSample(name, UnsafeRawBufferPointer(start: bytes, count: Int(size)))
            return LAMINA_OK
        } catch {
            failure = error
            return LAMINA_ERROR_FILE
        }
    }

    // MARK: Checkpoints

    /// The states of the optimizers: "<network>.<state>.<parameter>".
    public var optimizerStates: [(name: String, dtype: DataType, shape: [Int], data: UnsafeMutableRawPointer)] {
        networks.flatMap { network in
            (network.optimizer?.states ?? []).map { ("\(network.name).\($0.name)", $0.dtype, $0.shape, $0.data) }
        }
    }

    var state: NetworksState {
        NetworksState(
            forwards: forwards, updates: networks.map(\.updates), streams: streams.map(\.position),
            setup: .init(recipe.training, streams.first?.dataset.source))
    }

    /// Goes on from a checkpoint; the values of parameters and optimizers are loaded apart.
    func resume(_ state: NetworksState) throws(TrainingError) {
        if let change = state.setup.change(to: self.state.setup) { throw TrainingError(.recipe, change) }
        guard state.updates.count == networks.count, state.streams.count == streams.count,
            zip(streams, state.streams).allSatisfy({ $1.batch <= $0.batchesPerEpoch })
        else {
            throw TrainingError(
                .recipe, "the checkpoint is of other networks or of another procedure; train without --resume")
        }
        forwards = state.forwards
        for (network, updates) in zip(networks, state.updates) { try network.resume(updates: updates) }
        for (stream, position) in zip(streams, state.streams) { stream.move(to: position) }
    }
}
