import ArgumentParser
import Lamina
import LaminaRecipe

struct Init: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Write the network of a recipe with its initial weights; train nothing.")

    @Argument(help: "The recipe, a YAML file.")
    var recipe: String

    @Option(name: [.short, .long], help: "The archive to write.")
    var output: String

    @Option(help: "An archive whose values the model begins with, and whose network if the recipe has none.")
    var from: String?

    @Option(name: .customLong("set"), help: "Changes a value of the recipe, as in train.seed=5; may be repeated.")
    var overrides: [String] = []

    @Option(help: "Instead of the recipe's seed.")
    var seed: Int?

    @OptionGroup var host: HostOptions

    func run() throws {
        try Model.checkWritable(output)
        let registry = host.registry()
        let settings = overrides + (seed.map { ["train.seed=\($0)"] } ?? [])
        let recipe = try Recipe.load(recipe, overrides: settings, from: from, registry: registry)
        if let base = recipe.base?.path, FileIdentity.isSame(base, output) {
            throw LaminaError(
                .usage, "\(output) would be written over the base of the recipe: choose another name with -o")
        }
        let model: Model
        if recipe.procedure == nil {
            model = try Model(recipe, registry: registry)
        } else {
            let training = try ProcedureTraining(recipe, registry: registry, progress: ProcedureDisplay.definition)
            try training.publish()
            model = training.model
        }
        if let beginning = model.beginning { Terminal.message(beginning.summary) }
        try model.save(to: output)
        Terminal.message("wrote \(output): \(model.graph.parameterCount) parameters")
    }
}
