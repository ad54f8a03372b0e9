#if canImport(Core) && canImport(Data) && canImport(CNN)

    import CNN
    import Core
    import Data
    import Foundation
    import LaminaFormats
    import LaminaGraph
    import LaminaHost
    import LaminaSDK
    import Testing

    @testable import LaminaRecipe

    #if canImport(RNN)
        import RNN
    #endif
    #if canImport(Transformer)
        import Transformer
    #endif
    #if canImport(Word2Vec)
        import Word2Vec
    #endif
    #if canImport(GAN)
        import GAN
    #endif

    /// The recipes that come with the plugins, and the examples of the documentation, against the real catalogues.
    @Suite struct ShippedRecipeTests {
        static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()

        static let registry: Registry = {
            let registry = Registry(folders: [])
            do {
                try registry.add { _, out in Plugin.export(CoreCatalogue.plugin, to: out) }
                try registry.add { _, out in Plugin.export(DataCatalogue.plugin, to: out) }
                try registry.add { _, out in Plugin.export(CNNCatalogue.plugin, to: out) }
                #if canImport(RNN)
                    try registry.add { _, out in Plugin.export(RNNCatalogue.plugin, to: out) }
                #endif
                #if canImport(Transformer)
                    try registry.add { _, out in Plugin.export(TransformerCatalogue.plugin, to: out) }
                #endif
                #if canImport(Word2Vec)
                    try registry.add { _, out in Plugin.export(Word2VecCatalogue.plugin, to: out) }
                #endif
                #if canImport(GAN)
                    try registry.add { _, out in Plugin.export(GANCatalogue.plugin, to: out) }
                #endif
            } catch {
                preconditionFailure("\(error)")
            }
            return registry
        }()

        /// Every `Plugins/*/Recipes/*.yaml`.
        static let recipes: [String] = {
            let plugins = root.appendingPathComponent("Plugins")
            let families = (try? FileManager.default.contentsOfDirectory(atPath: plugins.path)) ?? []
            return families.sorted().flatMap { family in
                let folder = plugins.appendingPathComponent(family).appendingPathComponent("Recipes").path
                return ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter {
                    $0.hasSuffix(".yaml")
                }
                .sorted().map { folder + "/" + $0 }
            }
        }()

        /// Reads, expands, writes, reads again, and asks the schema.
        func check(_ recipe: Recipe) throws {
            #expect(try Recipe.parse(recipe.text(), registry: Self.registry) == recipe)
            // A procedure says what its network is when it trains; that of a base is in an archive.
            if recipe.procedure == nil, recipe.base == nil || !recipe.model.layers.isEmpty {
                let definition = try recipe.graph(Self.registry)
                #expect(!definition.nodes.isEmpty)
            }
            for network in recipe.networks { #expect(try !recipe.graph(of: network, Self.registry).nodes.isEmpty) }
            let schema = Recipe.schema(Self.registry)
            #expect(try SchemaValidator(root: schema).faults(recipe.json(), schema, "recipe") == [])
        }

        @Test func thereAreSome() { #expect(!Self.recipes.isEmpty) }

        @Test(arguments: recipes)
        func recipe(path: String) throws {
            try check(Recipe.load(path, registry: Self.registry))
            let schema = Recipe.schema(Self.registry)
            let written = try #require(
                try YAMLParser.parse([UInt8](Foundation.Data(contentsOf: URL(fileURLWithPath: path))), file: path))
            #expect(try SchemaValidator(root: schema).faults(written.json, schema, "recipe") == [])
        }

        /// Each example of the reference, completed to a whole recipe where it shows a part.
        @Test func examplesOfTheDocumentation() throws {
            let text = try String(
                contentsOf: Self.root.appendingPathComponent("SDK/Documentation/Recipes.md"), encoding: .utf8)
            let examples = text.components(separatedBy: "```yaml\n").dropFirst().map {
                $0.components(separatedBy: "```")[0]
            }
            #expect(examples.count >= 5)
            for example in examples {
                // Families may be taken out of the package.
                let families = ["rnn", "transformer", "word2vec", "gan"]
                if families.contains(where: { example.contains("\($0).") && Self.registry.plugin($0) == nil }) {
                    continue
                }
                if example.hasPrefix("prefixes:") {
                    #expect(try !NameMap.parse(example, file: "Recipes.md").rules.isEmpty)
                    continue
                }
                var whole = example
                if !whole.hasPrefix("lamina:") { whole = "lamina: 1\n" + whole }
                if !whole.contains("model:"), !whole.contains("procedure:") {
                    whole += "model: { input: [4], layers: [core.relu] }\n"
                }
                try check(Recipe.parse(whole, file: "Recipes.md", registry: Self.registry))
            }
        }

        /// Every key that the reader knows is in the reference.
        @Test func everyKeyIsDocumented() throws {
            let text = try String(
                contentsOf: Self.root.appendingPathComponent("SDK/Documentation/Recipes.md"), encoding: .utf8)
            let keys =
                RecipeReader.keys + RecipeReader.dataKeys + RecipeReader.modelKeys + RecipeReader.hostKeys
                + RecipeReader.trainingKeys
            for key in keys { #expect(text.contains("`\(key)`"), "\(key)") }
        }

        #if canImport(Transformer)
            /// As BEiT numbers the layers of a vision transformer: 0 for norm and head, then the blocks from the last on, and
            /// behind the first what makes vectors of the image.
            @Test func depthsOfAVisionTransformer() throws {
                let recipe = try Recipe.parse(
                    "lamina: 1\nmodel:\n  input: [1, 4, 4]\n  layers:\n    - transformer.vit: { image: 4, patch: 2, units: 8, "
                        + "heads: 2, layers: 3, classes: 3 }\n      name: \"\"\n", registry: Self.registry)
                let graph = try Graph(recipe.graph(Self.registry), registry: Self.registry)
                for (parameter, depth) in zip(graph.parameters, graph.parameterDepths) {
                    let parts = parameter.name.split(separator: ".")
                    let wanted =
                        switch parts[0] {
                        case "layers": 3 - Int(parts[1])!
                        case "norm", "head": 0
                        default: 4
                        }
                    #expect(depth == wanted, "\(parameter.name)")
                }
                #expect(Set(graph.parameterDepths) == [0, 1, 2, 3, 4])
            }
        #endif

        /// A block without prefix gives the names of PyTorch's modules.
        @Test func residualNetworksHaveKnownNames() throws {
            let recipe = try Recipe.parse(
                "lamina: 1\nmodel:\n  input: [3, 32, 32]\n  layers:\n    - cnn.resnet: { filters: [8, 16], "
                    + "blocks: [1, 2], classes: 10 }\n      name: \"\"\n",
                registry: Self.registry)
            let names = try recipe.graph(Self.registry).nodes.map(\.name)
            for name in ["conv1", "layer1.0.conv1", "layer2.1.bn2", "fc"] { #expect(names.contains(name), "\(names)") }
        }
    }

#endif
