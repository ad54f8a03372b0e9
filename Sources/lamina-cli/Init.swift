import ArgumentParser
import Lamina
import LaminaRecipe

struct Init: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract:
            "Write the network of a recipe with its initial weights, or those of a safetensors file; train nothing.",
        discussion: """
            With --weights the values are those of a file that another framework wrote: every parameter of the network \
            gets a tensor of the file, and every tensor is needed. Names are the parameters' own (lamina inspect shows them), \
            unless a name map says which tensor is which; plugins bring maps for models that are well known. F16, BF16 and F64 \
            become F32. Of a model in several files, give the index.

              lamina init recipe.yaml --weights model.safetensors --names map.yaml -o model.lamina

            A name map is a YAML file; * in a key stands for any run of characters, in its value for the same:

              prefixes: [model.]                  what may stand before the file's names
              names:
                first.weight: vocab.weight
                stage.*.scale: { transposed: h.*.mul }
                stage.*.mix.*: { joined: [h.*.a.*, h.*.b.*] }
                last.weight: { either: [out.weight, head.weight] }
              ignored: ["h.*.mask"]               tensors that need not be used
              copies: { out.tied: vocab.weight }  tensors that need not be used if they have the values of another
            """)

    @Argument(help: "The recipe, a YAML file.")
    var recipe: String

    @Option(name: [.short, .long], help: "The archive to write.")
    var output: String

    @Option(help: "An archive whose values the model begins with, and whose network if the recipe has none.")
    var from: String?

    @Option(help: "A safetensors file, or the index of several, whose values the model begins with.")
    var weights: String?

    @Option(help: "With --weights: which tensors are which parameters, a YAML file.")
    var names: String?

    @Option(help: "With --weights: a pattern of parameters that begin as the recipe says; may be repeated.")
    var new: [String] = []

    @Option(help: "With --weights: a pattern of tensors that need not be used; may be repeated.")
    var ignore: [String] = []

    @Option(name: .customLong("set"), help: "Changes a value of the recipe, as in train.seed=5; may be repeated.")
    var overrides: [String] = []

    @Option(help: "Instead of the recipe's seed.")
    var seed: Int?

    @OptionGroup var host: HostOptions

    func run() throws {
        try Model.checkWritable(output)
        let options = [("--names", names != nil), ("--new", !new.isEmpty), ("--ignore", !ignore.isEmpty)]
        for (option, isGiven) in options where isGiven && weights == nil {
            throw LaminaError(.usage, "\(option) goes with --weights: name the safetensors file")
        }
        for case let path? in [weights, names] where FileIdentity.isSame(path, output) {
            throw LaminaError(.usage, "\(path) would be written over: choose another name with -o")
        }
        let map = try names.map { try NameMap.load($0) }
        let registry = host.registry()
        let settings = overrides + (seed.map { ["train.seed=\($0)"] } ?? [])
        let recipe = try Recipe.load(recipe, overrides: settings, from: from, registry: registry)
        if let base = recipe.base?.path, weights != nil {
            throw LaminaError(.usage, "the model begins with \(base) or with --weights, not with both: leave out one")
        }
        let model: Model
        if recipe.procedure == nil {
            model = try Model(recipe, registry: registry)
        } else {
            if weights != nil {
                throw LaminaError(
                    .usage, "--weights is for a recipe with a model of its own, this one's is made by its procedure")
            }
            let training = try ProcedureTraining(recipe, registry: registry, progress: ProcedureDisplay.definition)
            try training.publish()
            model = training.model
        }
        try model.checkBase(for: output)
        if let beginning = model.beginning { Terminal.message(beginning.summary) }
        if let weights {
            Terminal.message(try model.takeWeights(from: weights, names: map, new: new, ignored: ignore).summary)
        }
        try model.save(to: output)
        Terminal.message("wrote \(output): \(model.graph.parameterCount) parameters")
    }
}
