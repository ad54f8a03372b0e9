import LaminaHost
import LaminaSDK
import Testing

@testable import LaminaRecipe

/// Faults of recipes whose procedure trains several networks.
@Suite struct NetworkFaultTests {
    private final class Game: Procedure {
        static let name = "game"
        static let documentation = "Never trains."
        init(_ attributes: Attributes, host: Host) {}
        func define(_ model: ProcedureModel) {}
        func start(_ run: ProcedureRun) {}
        func step(_ run: ProcedureRun) -> ProcedureProgress { ProcedureProgress() }
        func save() -> String { "{}" }
        func restore(_ json: String, _ run: ProcedureRun) {}
    }

    private static let registry: Registry = {
        let registry = Registry(folders: [])
        try! registry.add { _, out in Plugin.export(TestCatalogue.plugin, to: out) }
        try! registry.add { _, out in
            Plugin.export(
                Plugin(
                    id: "play", name: "Play", version: "1.0.0", license: "MIT", documentation: "A game.",
                    components: [.procedure(Game.self)]), to: out)
        }
        return registry
    }()

    private func recipe(network: String, data: String) throws -> Recipe {
        try Recipe.parse(
            """
            lamina: 1
            procedure: play.game
            data: { train: { reader: test.table, file: x }\(data) }
            networks: \(network.contains(":") ? "{ \(network) }" : network)
            """, file: "recipe.yaml", registry: Self.registry)
    }

    private static let layers = "input: [2], layers: [test.bend]"

    @Test func right() throws {
        let transforms =
            "transforms: [{ test.scale: { factor: 2 }, field: a, as: b }, { test.scale: { factor: 3 }, field: b }]"
        let recipe = try recipe(
            network: "one: { \(Self.layers) }, two: { \(Self.layers) }", data: ", input: [a, b], \(transforms)")
        #expect(recipe.networks.map(\.name) == ["one", "two"])
        #expect(try Recipe.parse(recipe.text(), registry: Self.registry) == recipe)
        // A single tensor is the first one.
        _ = try self.recipe(network: "one: { \(Self.layers) }", data: ", transforms: [{ test.scale: { factor: 2 } }]")
    }

    @Test(
        arguments: [
            ("3", "", "'networks' is a mapping from names to networks with 'input' and 'layers', got "),
            ("One: { \(layers) }", "", "a network cannot be named 'One': its values are a file of the archive"),
            ("one: { \(layers), frozen: [one] }", "", "'frozen' is for a recipe with one 'model:'; leave it out"),
            ("one: { \(layers), carry: {} }", "", "'carry' is for a recipe with one 'model:'; leave it out"),
            ("one: { input: [2] }", "", "lacks 'layers'"),
            (
                "one: { \(layers) }", ", transforms: [{ test.scale: { factor: 2 }, as: b }]",
                "'as' makes a new field of another: say with 'field' of which"
            ),
            (
                "one: { \(layers) }",
                ", transforms: [{ test.scale: { factor: 2 }, field: a, as: b }, { test.scale: { factor: 2 }, field: a, as: b }]",
                "'as': there is a field 'b' already; take another name"
            ),
            (
                "one: { \(layers) }", ", input: [a, b], transforms: [{ test.scale: { factor: 2 } }]",
                "'test.scale': 'data.input' names several fields (a, b): say with 'field' which of them it changes"
            ),
            (
                "one: { \(layers) }", ", validation: { reader: test.table, file: x }",
                "'data.validation': the procedure 'play.game' validates by itself, if it does; leave it out"
            ),
            ("one: { \(layers) }", ", text: { a: {} }", "'data.text': the networks of a procedure take no texts"),
        ] as [(String, String, String)])
    func wrong(network: String, data: String, wanted: String) throws {
        let error = #expect(throws: RecipeError.self) { try recipe(network: network, data: data) }
        #expect(error?.description.contains(wanted) == true, "\(error?.description ?? "")")
    }
}
