import ArgumentParser
import LaminaRecipe

struct Schema: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema",
        abstract: "JSON Schema of recipes, made from the installed plugins; editors complete recipes with it.")

    @OptionGroup var host: HostOptions

    func run() { Recipe.schema(host.registry()).show() }
}
