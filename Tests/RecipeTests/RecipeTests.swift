import LaminaFormats
import LaminaGraph
import LaminaSDK
import Testing

@testable import LaminaRecipe

/// What a right recipe is read as.
@Suite struct RecipeTests {
    @Test func everyKeyIsRead() throws {
        let recipe = try parse(fullRecipe)
        #expect(recipe.name == "everything")
        #expect(recipe.documentation == "Every key: once.")
        let data = try #require(recipe.data)
        #expect(data.train.id == "test.table")
        #expect(data.train.attributes == ["file": "/folder/train.csv", "limit": 50])
        #expect(data.test?.attributes == ["file": "/absolute/test.csv", "labels": "/folder/sub/labels.csv"])
        #expect(data.validation == nil)
        #expect(data.inputs == ["image"])
        #expect(data.target == "digit")
        #expect(data.transforms.map(\.field) == [nil, "digit"])
        #expect(data.transforms.map(\.component.attributes) == [["factor": 0.5], ["factor": 2.0]])
        #expect(data.classes == ["zero", "1", "yes"])

        #expect(recipe.model.inputs == [.init("input", .float32, [.symbol("N"), .fixed(1), .symbol("T"), .fixed(28)])])
        #expect(recipe.model.layers.count == 6)
        let first = recipe.model.layers[0]
        #expect(first.component.attributes == ["units": 32, "bias": true])
        #expect(first.initializers["weight"]?.attributes == ["deviation": 0.1])
        #expect(first.initializers["bias"]?.attributes == ["deviation": 1.0])
        #expect(recipe.model.layers[2].component.kind == "block")
        #expect(recipe.model.layers[2].repetitions == 2)
        #expect(recipe.model.layers[3].share?.reference == .init("first"))
        #expect(recipe.model.layers[3].isFrozen)
        #expect(
            recipe.model.layers[4].inputs?.map { $0?.reference } == [.init("linear_1"), .init("detour", output: 1)])
        #expect(recipe.model.layers[5].inputs?.map { $0?.reference.name } == ["add_1", nil, "bend_1"])
        #expect(recipe.model.outputs.map(\.name) == ["look", "first"])

        #expect(recipe.loss?.component.attributes == ["reduction": "sum"])
        #expect(recipe.loss?.inputs.map(\.reference) == [.init("look")])
        let optimizer = try #require(recipe.optimizer)
        #expect(optimizer.component.attributes == ["learning_rate": 1e-3, "decay": 0.0, "betas": [0.9, 0.999]])
        #expect(optimizer.clipNorm == 1)
        #expect(optimizer.clipValue == 0.5)
        #expect(optimizer.layerDecay == 0.75)
        #expect(optimizer.schedule?.attributes == ["steps": 7])
        #expect(optimizer.groups.map(\.patterns) == [["no_decay"], ["first.*", "*.bias"]])
        #expect(optimizer.groups[1].attributes == ["learning_rate": 0.5, "decay": 0.0, "betas": [0.9, 0.999]])
        #expect(optimizer.group(of: "first.weight", isNoDecay: false) == 1)
        #expect(optimizer.group(of: "first.weight", isNoDecay: true) == 0)
        #expect(optimizer.group(of: "linear_1.weight", isNoDecay: false) == nil)
        #expect(recipe.metrics.map(\.id) == ["test.hits"])

        var training = Recipe.Training()
        training.epochs = 3
        training.batch = 64
        training.seed = 7
        training.validate = 0.1
        training.shuffle = false
        training.threads = 2
        training.earlyStopping = .init(patience: 3, metric: "test.hits", minimumChange: 0.01)
        training.checkpointEvery = 2
        training.accumulate = 4
        #expect(recipe.training == training)
    }

    @Test func theSmallestRecipe() throws {
        let recipe = try parse("{lamina: 1, model: {input: [4], layers: [test.bend]}}")
        #expect(recipe.training == Recipe.Training())
        #expect(recipe.data == nil)
        #expect(recipe.loss == nil)
        #expect(recipe.optimizer == nil)
        #expect(recipe.metrics.isEmpty)
    }

    /// Places and files are no part of a recipe's content.
    @Test func layoutDoesNotMatter() throws {
        let block = try parse(model("- test.linear: { units: 3 }\n- test.bend"))
        let json = try Recipe.parse(
            #"{"lamina":1,"model":{"layers":[{"test.linear":{"units":3}},"test.bend"],"input":[4]}}"#,
            file: "other.json", registry: TestCatalogue.registry)
        #expect(block == json)
        #expect(try block != parse(model("- test.linear: { units: 4 }\n- test.bend")))
    }

    @Test func inputsInEveryForm() throws {
        func inputs(_ input: String) throws -> [GraphDefinition.Input] {
            try parse("lamina: 1\nmodel:\n  input: \(input)\n  layers: [test.bend]\n").model.inputs
        }
        #expect(try inputs("[]") == [.init("input", .float32, [.symbol("N")])])
        #expect(try inputs("{ shape: [T], dtype: int64 }") == [.init("input", .int64, [.symbol("N"), .symbol("T")])])
        #expect(try inputs("{ shape: [2], name: x }") == [.init("x", .float32, [.symbol("N"), .fixed(2)])])
        #expect(
            try inputs("{ a: [2], b: { shape: [T, 3], dtype: int32 } }") == [
                .init("a", .float32, [.symbol("N"), .fixed(2)]),
                .init("b", .int32, [.symbol("N"), .symbol("T"), .fixed(3)]),
            ])
    }

    @Test func nothingCountsAsAbsent() throws {
        let text = model(
            "- test.bend:\n  name:\n  from: ~", rest: "loss:\noptimizer: null\ntrain: { threads: ~, validate: }")
        let recipe = try parse(text)
        #expect(recipe.model.layers[0].name == nil)
        #expect(recipe.loss == nil)
        #expect(recipe.training == Recipe.Training())
    }

    @Test func wildcards() {
        #expect(Wildcard.matches("*", ""))
        #expect(Wildcard.matches("*.bias", "conv1.bias"))
        #expect(!Wildcard.matches("*.bias", "conv1.bias2"))
        #expect(Wildcard.matches("layer?.*.weight", "layer1.0.conv1.weight"))
        #expect(!Wildcard.matches("layer?.weight", "layer10.weight"))
        #expect(Wildcard.matches("a*b*c", "axbybzc"))
        #expect(!Wildcard.matches("a*b*c", "axbybz"))
        #expect(Wildcard.matches("", ""))
        #expect(!Wildcard.matches("", "a"))
        let long = String(repeating: "a", count: 3000)
        #expect(!Wildcard.matches(String(repeating: "a*", count: 500) + "b", long))
    }
}
