import LaminaArchive
import LaminaFormats
import LaminaGraph
import LaminaHost
import LaminaRecipe
import LaminaSDK
import LaminaTraining

/// Watches a procedure at work.
public protocol ProcedureObserver: AnyObject {
    /// After every step; has to be quick.
    func stepEnded(_ progress: ProcedureTraining.Progress)
    /// A file for people to look at, such as images that the model makes at this point.
    func sample(_ name: String, _ bytes: UnsafeRawBufferPointer) throws
    /// After every complete pass.
    func epochEnded(_ record: EpochRecord, _ training: ProcedureTraining) throws
}

extension ProcedureObserver {
    public func sample(_ name: String, _ bytes: UnsafeRawBufferPointer) throws {}
}

/// A training run by a procedure, which says what the model is and trains it; writes the archive as it goes.
///
/// ```swift
/// let recipe = try Recipe.load("words.yaml", registry: Lamina.registry)
/// try ProcedureTraining(recipe, archive: "words.lamina").start()
/// ```
public final class ProcedureTraining: @unchecked Sendable {
    public struct Progress: Sendable {
        /// From 1: the running epoch.
        public var epoch: Int
        public var epochs: Int
        /// Of the whole training, 0 to 1.
        public var fraction: Double
        /// Mean of the epoch so far; nil: the procedure tells none.
        public var meanLoss: Double?
        /// Means of what else the procedure measures.
        public var values: [(name: String, value: Double)]
        /// "words"
        public var itemName: String
        public var itemsPerSecond: Double
        public var secondsLeft: Double?
    }

    public let model: Model
    public let driver: ProcedureDriver
    /// Where checkpoints and the finished model go; nil: nowhere.
    public let path: String?
    public private(set) var state: ProcedureState
    /// After resuming: what the recipe says of procedure, optimizers and networks and did not say when the checkpoint was
    /// written, as in "optimizer.clip_norm none → 1". The run goes on with the recipe's.
    public private(set) var changes: [String] = []

    public var recipe: Recipe { driver.recipe }
    /// Of the model, and of the networks that it is trained against.
    public var parameterCount: Int {
        model.trainingNetworks.reduce(model.graph.parameterCount) { $0 + $1.network.graph.parameterCount }
    }
    private var runtime: Runtime { model.registry.runtime }

    /// Creates the procedure, has it define the model, and gives all tensors their initial values.
    ///
    /// - Parameters:
    ///   - resume: go on from the checkpoint in `archive`, which has to be of the same model.
    ///   - progress: how far a long definition is, 0 to 1, and what is being done.
    public init(
        _ recipe: Recipe, archive path: String? = nil, resume: Bool = false, registry: Registry = Lamina.registry,
        progress: @escaping (Double, String) -> Void = { _, _ in }
    ) throws(LaminaError) {
        self.path = path
        if let path { try Model.checkWritable(path) }
        let begin = ProcedureState(procedure: recipe.procedure?.id ?? "", seed: recipe.training.seed)
        // Looked at first: a definition may take long.
        let checkpoint = resume ? try ProcedureTraining.checkpoint(path, begin) : nil
        state = begin
        if let threads = recipe.training.threads { Lamina.threads = threads }
        let graphs = try sorted {
            try recipe.networks.map { try Graph(recipe.graph(of: $0, registry), registry: registry) }
        }
        let driver = try sorted {
            let networks = recipe.networks.isEmpty ? nil : try ProcedureNetworks(recipe, graphs, registry: registry)
            var judges: [(path: String, session: ModelSession)] = []
            networks?.openModel = { path in
                let id = recipe.procedure?.id ?? ""
                judges.append((path, ModelSession(try Model.open(path, registry: registry), for: id)))
                return judges[judges.count - 1].session.raw
            }
            networks?.judgeFailure = { judges.lazy.compactMap { $0.session.failure?.of($0.path) }.first }
            networks?.forgetJudgeFailure = { judges.forEach { $0.session.forgetFailure() } }
            return try ProcedureDriver(recipe, networks: networks, registry: registry, progress: progress)
        }
        self.driver = driver
        try sorted {
            for asset in driver.definition.assets {
                guard let fault = EntryName.fault("assets/\(asset.name)".utf8) else { continue }
                throw LaminaError.bug(of: driver.id, "no archive holds an asset '\(asset.name)': \(fault)")
            }
        }
        let model = try Self.model(recipe, driver, graphs, registry)
        self.model = model
        model.assets = driver.definition.assets
        model.procedure = driver.id
        model.labels = driver.networks?.classes ?? []
        try sorted {
            if driver.networks != nil { registry.runtime.loadLargeProducts() }
            try driver.attach(model.network.parameters, Self.networks(recipe, driver, graphs, model))
        }
        if let checkpoint {
            try restore(checkpoint.archive, checkpoint.state)
        } else {
            try sorted { try driver.start() }
        }
    }

    /// The model that the procedure has defined, of its own nodes or of the recipe's networks.
    private static func model(
        _ recipe: Recipe, _ driver: ProcedureDriver, _ graphs: [Graph], _ registry: Registry
    ) throws(LaminaError) -> Model {
        let published = driver.definition.published
        var whole = recipe
        let definition: GraphDefinition
        if published.isEmpty {
            whole.model = driver.definition.model
            definition = try sorted { try whole.graph(registry) }
        } else if published.count == 1 {
            definition = graphs[published[0]].definition
        } else {
            definition = .union(published.map { (recipe.networks[$0].name, graphs[$0].definition) })
        }
        return try Model(whole, defined: definition, registry: registry)
    }

    /// The recipe's networks with values: those of the model where it has them, else ones of their own.
    private static func networks(
        _ recipe: Recipe, _ driver: ProcedureDriver, _ graphs: [Graph], _ model: Model
    ) throws -> [Network] {
        let published = driver.definition.published
        return try recipe.networks.indices.map { index in
            let name = recipe.networks[index].name
            // With memory of its own: what the model runs while it is trained leaves the procedure's passes alone.
            if published == [index] { return Network(model.graph, model.network.parameters) }
            if published.contains(index) {
                return Network(
                    graphs[index],
                    try ParameterStore(graphs[index], in: model.network.parameters, prefix: name + "."))
            }
            let parameters = try ParameterStore(graphs[index])
            // Layers of the same name in two networks have other values.
            let seed = name.utf8.reduce(recipe.training.seed) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
            try parameters.initialize(seed: seed)
            let network = Network(graphs[index], parameters)
            model.trainingNetworks.append((name, network))
            return network
        }
    }

    /// The archive that a run goes on from, and where that run stood.
    private static func checkpoint(
        _ path: String?, _ new: ProcedureState
    ) throws(LaminaError) -> (archive: Archive, state: ProcedureState) {
        guard let path else { throw LaminaError(.usage, "there is no archive to resume from") }
        return try sorted {
            let archive = try Archive.open(path)
            guard archive.contains(EntryName.trainerState), archive.contains(EntryName.optimizerState) else {
                throw LaminaError(.usage, "\(path) holds no training state to resume from: train without --resume")
            }
            let state: ProcedureState
            do {
                // What is trained on is written again, with new hashes: no fault may get in.
                try archive.verify()
                let json = try archive.json(EntryName.trainerState)
                guard json["procedure"] != nil else {
                    throw LaminaError(
                        .recipe, "it was trained on a dataset, the recipe trains by a procedure: train without --resume"
                    )
                }
                state = try ProcedureState(json: json)
            } catch {
                throw LaminaError(error).inArchive(path)
            }
            if let change = state.change(to: new) { throw LaminaError(.recipe, "\(path) \(change)") }
            return (archive, state)
        }
    }

    private func restore(_ archive: Archive, _ state: ProcedureState) throws(LaminaError) {
        let path = archive.path
        try sorted {
            do {
                guard try archive.json(EntryName.graph) == model.graph.definition.json else {
                    throw LaminaError(
                        .recipe,
                        "\(path) holds another model than '\(driver.id)' makes now: the data or its attributes have "
                            + "changed since the checkpoint; train without --resume")
                }
                let weights = try archive.tensors(EntryName.weights)
                try model.network.parameters.load(
                    weights.tensors.compactMap { tensor in
                        DataType(tensor.dtype).map { (tensor.name, $0, tensor.shape, weights.address(of: tensor)) }
                    })
                for (name, network) in model.trainingNetworks {
                    guard archive.contains(EntryName.networkGraph(name)),
                        try archive.json(EntryName.networkGraph(name)) == network.graph.definition.json
                    else {
                        throw LaminaError(
                            .recipe,
                            "\(path) holds no network '\(name)' like the recipe's, or another: a resumed run cannot change "
                                + "its networks; train without --resume")
                    }
                    let weights = try archive.tensors(EntryName.networkWeights(name))
                    try network.parameters.load(
                        weights.tensors.compactMap { tensor in
                            DataType(tensor.dtype).map { (tensor.name, $0, tensor.shape, weights.address(of: tensor)) }
                        })
                    network.parametersChanged()
                }
                model.network.parametersChanged()
                let states = try archive.tensors(EntryName.optimizerState)
                func restore(
                    _ own: (name: String, dtype: DataType, shape: [Int], data: UnsafeMutableRawPointer)
                ) throws {
                    guard let tensor = states.tensor(own.name), tensor.dtype == own.dtype.safetensors,
                        tensor.shape == own.shape
                    else {
                        throw LaminaError(
                            .recipe,
                            "\(path) has no state '\(own.name)' \(own.shape) of '\(driver.id)': "
                                + "it was trained with other attributes; train without --resume")
                    }
                    let bytes = states.bytes(of: tensor)
                    if bytes.count > 0 { own.data.copyMemory(from: bytes.baseAddress!, byteCount: bytes.count) }
                }
                for own in driver.states { try restore((own.name, own.dtype, own.shape, own.data)) }
                try driver.restore(state.own)
                try driver.resumeNetworks(state)
                for own in driver.networks?.optimizerStates ?? [] { try restore(own) }
                self.state = state
                self.state.goOn(to: recipe.training.epochs)
                if let recorded = archive.manifest.training["recipe"] {
                    let now = recipe.json()
                    changes = ["procedure", "optimizer", "networks"].flatMap {
                        (recorded[$0] ?? .null).changes(to: now[$0] ?? .null, at: $0)
                    }
                }
            } catch let error as LaminaError where error.kind == .recipe {
                throw error
            } catch let error as TrainingError where error.kind == .recipe {
                // The archive is as it should be; what is asked of it is not.
                let error = LaminaError(error)
                throw LaminaError(error.kind, "\(path): \(error.text)")
            } catch {
                throw LaminaError(error).inArchive(path)
            }
        }
    }

    /// Trains to the end, or until `Runtime.shared.isCancelled`; writes a checkpoint when it is due and at the end.
    @discardableResult
    public func start(_ observer: (any ProcedureObserver)? = nil) throws(LaminaError) -> Trainer.Outcome {
        driver.networks?.writeSample = { [weak observer] name, bytes in try observer?.sample(name, bytes) }
        return try sorted {
            var remaining = RemainingTime()
            while !state.isFinished {
                if runtime.isCancelled {
                    runtime.isCancelled = false
                    try writeCheckpoint()
                    return .interrupted
                }
                let begin = Clock.now
                let step: ProcedureProgress
                do {
                    // With networks, the values of some are changed before a step has ended: it ends before a stop is heard.
                    step = driver.networks == nil ? try driver.step() : try runtime.uninterrupted { try driver.step() }
                } catch let error as TrainingError where error.kind == .interrupted {
                    runtime.isCancelled = true
                    continue
                }
                let before = state.epochs
                state.add(step, driver.measures, seconds: Clock.now - begin)
                // From the end of the first step: a checkpoint's fraction was that of as many epochs as there were then.
                let secondsLeft = remaining.left(done: state.fraction, at: Clock.now, least: 0.01)
                observer?.stepEnded(progress(secondsLeft))
                guard state.epochs > before || state.isFinished else { continue }
                let record = state.endEpoch()
                let every = max(1, recipe.training.checkpointEvery)
                if state.epochs / every > before / every || state.isFinished { try writeCheckpoint() }
                if let record { try observer?.epochEnded(record, self) }
            }
            return .finished
        }
    }

    /// Makes the model's parameters what it shall hold: before it is saved or used.
    public func publish() throws(LaminaError) {
        try sorted {
            try driver.publish()
            model.network.parametersChanged()
            // A model with values that are not finite is never saved.
            for network in [model.network] + model.trainingNetworks.map(\.network) {
                guard let (name, value) = network.parameters.firstNonFinite else { continue }
                throw LaminaError(
                    .diverged,
                    "training diverged in epoch \(state.epochs + 1): parameter '\(name)' holds the value \(value); "
                        + "lower the learning rate")
            }
        }
    }

    /// Writes model and state now.
    public func writeCheckpoint() throws(LaminaError) {
        // It runs components, which must not give up.
        try sorted {
            try runtime.uninterrupted {
                try publish()
                state.own = try driver.save()
                driver.noteNetworks(in: &state)
                if let path { try model.save(to: path, checkpoint: .init(self)) }
            }
        }
    }

    private func progress(_ secondsLeft: Double?) -> Progress {
        let epochs = recipe.training.epochs
        return Progress(
            epoch: min(state.epochs + 1, epochs), epochs: epochs, fraction: state.fraction,
            meanLoss: state.running.meanLoss, values: state.running.values, itemName: driver.itemName,
            itemsPerSecond: state.running.itemsPerSecond, secondsLeft: secondsLeft)
    }
}
