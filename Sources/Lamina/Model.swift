import LaminaArchive
import LaminaFormats
import LaminaGraph
import LaminaHost
import LaminaRecipe
import LaminaSDK
import LaminaTraining

/// A network with its weights and what is needed to use it: labels, preprocessing, how it was trained.
///
/// ```swift
/// let model = try Model.open("fashion-mnist.lamina")
/// for answer in try model.predict(file: "boot.png", top: 3) { print(answer.classes) }
/// ```
/// Not for use from several threads at once.
public final class Model: @unchecked Sendable {
    public let network: Network
    /// The recipe that it was made from; nil for a graph built in code.
    public let recipe: Recipe?
    public var name: String
    /// Names of the classes, in the order of the outputs.
    public internal(set) var labels: [String] = []
    public internal(set) var preprocessing = Preprocessing()
    /// The layer that turns outputs into predictions (probabilities); nil: outputs are predictions.
    public internal(set) var link: String?
    /// What the archive's manifest says of the training: resolved recipe, metrics, versions.
    public internal(set) var trainingRecord: JSONObject = [:]
    /// Files of the archive under `assets/`, besides those of the archive that it came from.
    var assets: [(name: String, bytes: [UInt8])] = []
    /// Id of the procedure that trained it; nil: it was trained on a dataset, or not at all.
    public internal(set) var procedure: String?
    /// Networks that it was trained against and does not need itself, which its archives hold for training to go on.
    var trainingNetworks: [(name: String, network: Network)] = []
    /// Whether its archives hold those networks.
    public var keepsTrainingNetworks = true
    /// The archive that it came from, with what that is based on.
    public internal(set) var chain: ArchiveChain?
    public var archive: Archive? { chain?.archive }
    /// What it has from the archive that its recipe begins with.
    public internal(set) var beginning: Beginning?
    /// The archive whose values its recipe begins with, with what that is based on.
    private(set) var origin: ArchiveChain?
    /// The archive from which it is saved as a difference; nil: it is saved whole.
    public var base: ArchiveChain?
    /// Names of the classes if the data know none.
    private var inheritedLabels: [String] = []
    /// Where assets are beside its own.
    var assetSource: ArchiveChain?
    /// Vocabularies of texts, by the entry of `data.text` that owns them; those of an archive when they are first wanted.
    var tokenizers: [String: TextTokenizer] = [:]
    var textAssets: [String: TextAsset] = [:]
    /// The network with the link, on the memory of `network`, and the version of the weights that it has seen.
    var predictor: (network: Network, version: Int)?

    public var graph: Graph { network.graph }
    public var registry: Registry { graph.registry }

    /// What is done to a sample before the model sees it.
    public struct Preprocessing: Sendable, Equatable {
        /// Type and shape of a raw sample, as the training data had them; nil: unknown.
        public var rawType: DataType?
        public var rawShape: [Int]?
        /// How the training data was read.
        public var origin: DataSource.Origin?
        /// Transforms of the first input, in order.
        public var steps: [Recipe.Component] = []
        /// How texts become inputs.
        public var texts: [Recipe.TextEntry] = []
    }

    init(network: Network, recipe: Recipe?, name: String) {
        self.network = network
        self.recipe = recipe
        self.name = name
    }

    /// The network of a recipe, with initial weights from the recipe's seed, or those of the recipe's base.
    ///
    /// With a base, what the recipe leaves out is the base's, and `recipe` has it; a network of which parts are frozen or
    /// inserted will be saved as a difference from the base, unless `base` is set to nil. The base is verified, as hours of
    /// training would be lost with it.
    public convenience init(_ recipe: Recipe, registry: Registry = Lamina.registry) throws(LaminaError) {
        if let procedure = recipe.procedure, recipe.model.layers.isEmpty {
            throw LaminaError(.usage, "'\(procedure.id)' says what the model is: make it with ProcedureTraining")
        }
        var base: Model?
        if let path = recipe.base?.path {
            let opened = try Model.open(path, registry: registry)
            try sorted { try opened.chain!.verify() }
            base = opened
        }
        var recipe = recipe
        if let base { recipe = try base.completed(recipe) }
        let made = try sorted { try Self.network(recipe, on: base, registry) }
        self.init(network: made.network, recipe: recipe, name: recipe.name ?? "model")
        labels = recipe.data?.classes ?? []
        preprocessing.texts = recipe.data?.texts ?? []
        preprocessing.steps = (recipe.data?.transforms ?? []).filter { $0.field == nil }.map(\.component)
        link = try sorted {
            try recipe.loss.map { try registry.describe(kind: $0.component.kind, id: $0.component.id).link } ?? nil
        }
        guard let base else { return }
        (origin, beginning) = (base.chain, made.beginning)
        let adaptation = recipe.model.adaptation
        if !adaptation.insertions.isEmpty || adaptation.frozen?.isEmpty == false { self.base = base.chain }
        guard recipe.model.layers.isEmpty else { return }
        assetSource = base.chain
        if recipe.loss == nil { link = base.link }
        if recipe.data == nil { (preprocessing, textAssets) = (base.preprocessing, base.textAssets) }
        // A head that begins anew has classes of its own.
        if labels.isEmpty, adaptation.replacements.isEmpty { inheritedLabels = base.labels }
        if recipe.data == nil { labels = inheritedLabels }
    }

    /// The network that a recipe's procedure has defined, with initial weights from the recipe's seed.
    convenience init(
        _ recipe: Recipe, defined definition: GraphDefinition, registry: Registry
    ) throws(LaminaError) {
        let network = try sorted {
            let graph = try Graph(definition, registry: registry)
            let parameters = try ParameterStore(graph)
            try parameters.initialize(seed: recipe.training.seed)
            return Network(graph, parameters)
        }
        self.init(network: network, recipe: recipe, name: recipe.name ?? "model")
    }

    /// A graph built in code, with initial weights.
    public convenience init(
        _ definition: GraphDefinition, name: String = "model", seed: UInt64 = 0, registry: Registry = Lamina.registry
    ) throws(LaminaError) {
        let network = try sorted {
            let graph = try Graph(definition, registry: registry)
            let parameters = try ParameterStore(graph)
            try parameters.initialize(seed: seed)
            return Network(graph, parameters)
        }
        self.init(network: network, recipe: nil, name: name)
        if let loss = definition.loss {
            link = try sorted { try registry.describe(kind: loss.kind, id: loss.component).link }
        }
    }

    /// Takes from the opened data what predictions will need: class names, how samples were read and changed.
    func learnFrom(_ data: Dataset) {
        if labels.isEmpty { labels = data.classes.isEmpty ? inheritedLabels : data.classes }
        preprocessing.texts = recipe?.data?.texts ?? []
        tokenizers = data.tokenizers
        for (entry, path) in TextAsset.paths(preprocessing.texts) {
            guard let tokenizer = tokenizers[entry] else { continue }
            assets.append((name: String(path.dropFirst("assets/".count)), bytes: tokenizer.json))
        }
        let field = data.inputFieldOfModel.map { data.source.fields[$0] }
        preprocessing.rawType = field?.dtype
        preprocessing.rawShape = field?.shape
        guard let recipe = recipe?.data, let name = field?.name ?? recipe.texts.first?.field else { return }
        // Each file brings its own path; which classes there are is known.
        let left = recipe.train.attributes.members.filter {
            !recipe.train.pathAttributes.contains($0.key) && !["path", "classes"].contains($0.key)
        }
        preprocessing.origin = .init(
            data.source.id, JSONObject(left.map { ($0.key, $0.value) }), field: name, reading: data.source.reading)
        let taken = recipe.inputs.first { recipe.sourceField(of: $0) == name } ?? name
        preprocessing.steps = recipe.transforms(of: taken, isFirst: true).map(\.component)
    }
}

/// What the library needs once per process.
public enum Lamina {
    public static let version = "0.1.0"

    /// The plugins on the search path: `$LAMINA_PLUGIN_PATH`, the installation's folder, beside the executable.
    public static let registry = Registry()

    /// Threads for computing; all processors unless set. Set it only while nothing runs.
    public static var threads: Int {
        get { Runtime.shared.threadCount }
        set { Runtime.shared.threadCount = newValue }
    }
}
