import LaminaGraph
import Testing

@testable import LaminaRecipe

#if canImport(Core) && canImport(Data)
    import Core
    import Data

    /// `data.text` and the inputs that follow from it.
    @Suite struct TextTests {
        private func parse(_ text: String, model: String = "layers: [ core.relu ]", rest: String = "") throws -> Recipe
        {
            try Recipe.parse(
                "lamina: 1\ndata:\n  train: { reader: data.table, path: t.tsv }\n  text: \(text)\n"
                    + "model: { \(model) }\n\(rest)", file: "r.yaml", registry: ShippedRecipeTests.registry)
        }

        private func fault(_ text: String, model: String = "layers: [ core.relu ]", rest: String = "") -> String {
            do {
                _ = try parse(text, model: model, rest: rest)
                return "read"
            } catch {
                return "\(error)"
            }
        }

        @Test func inputsFollow() throws {
            let recipe = try parse(
                "{ source: { tokenizer: data.words, length: n }, decoder: { from: other, same_as: source, begin: true }, "
                    + "target: { from: other, end: true, same_as: source } }")
            #expect(
                recipe.model.inputs == [
                    .init("source", .int64, [.symbol("N"), .symbol("T_source")]), .init("n", .int64, [.symbol("N")]),
                    .init("decoder", .int64, [.symbol("N"), .symbol("T_decoder")]),
                ])
            #expect(recipe.data!.texts.map { recipe.data!.texts.owner(of: $0) } == ["source", "source", "source"])
            #expect(try Recipe.parse(recipe.text(), registry: ShippedRecipeTests.registry) == recipe)
        }

        @Test func givenInputs() throws {
            let recipe = try parse(
                "{ words: { tokenizer: data.words } }",
                model: "input: { extra: [3], words: { shape: [20], dtype: int64 } }, layers: [ core.relu: { } ]")
            #expect(recipe.model.inputs[1].shape == [.symbol("N"), .fixed(20)])
            #expect(try Recipe.parse(recipe.text(), registry: ShippedRecipeTests.registry) == recipe)
        }

        @Test func faults() {
            #expect(fault("[ a ]").contains("'data.text' is a mapping"))
            #expect(fault("{}").contains("'data.text' is a mapping"))
            #expect(fault("{ words: }").contains("'data.text.words' has no tokenizer: write 'tokenizer: data."))
            #expect(fault("{ a: { tokenizer: data.words }, b: { begin: true } }").contains("or 'same_as: a'"))
            #expect(fault("{ a: { tokenizer: data.wrds } }").contains("did you mean 'data.words'?"))
            #expect(fault("{ a: { tokenizer: core.relu } }").contains("'core.relu' is a layer, wanted a tokenizer"))
            #expect(fault("{ a: { tokenizr: data.words } }").contains("did you mean 'tokenizer'?"))
            #expect(fault("{ a: { tokenizer: data.words, maximum: 0 } }").contains("'maximum': wanted an integer >= 1"))
            #expect(
                fault("{ a: { tokenizer: data.words, begin: true, end: true, maximum: 2 } }").contains(
                    "wanted an integer >= 3"))
            #expect(fault("{ a: { tokenizer: data.words, too_long: cut } }").contains("'too_long' goes with 'maximum'"))
            #expect(
                fault("{ a: { tokenizer: data.words, maximum: 4, too_long: skp } }").contains("did you mean 'skip'?"))
            #expect(
                fault("{ alpha: { tokenizer: data.words }, b: { same_as: alhpa } }").contains("did you mean 'alpha'?"))
            #expect(fault("{ a: { same_as: b }, b: { same_as: a } }").contains("has no tokenizer"))
            #expect(fault("{ a: { tokenizer: data.words, length: a } }").contains("two inputs would be named 'a'"))
            #expect(fault("{ loss: { tokenizer: data.words } }").contains("'loss' cannot be the name"))
            #expect(
                fault("{ a: { tokenizer: data.words, stream: 8, maximum: 3 } }").contains(
                    "'maximum' has no meaning beside 'stream'"))
            #expect(
                fault("{ a: { tokenizer: data.words, stream: 8 }, target: { from: a } }").contains("for a sole entry"))
            #expect(
                fault("{ words: { tokenizer: data.words } }", model: "input: [3], layers: [ core.relu ]").contains(
                    "'data.text' fills an input 'words', which the model does not have"))
            #expect(
                fault(
                    "{ words: { tokenizer: data.words } }", model: "input: { words: [T] }, layers: [ core.relu ]"
                ).contains("wanted { shape: [T], dtype: int64 }"))
            #expect(
                fault("{ a: { tokenizer: data.words, stream: 4 } }", rest: "train: { bucket: 3 }\n").contains(
                    "a stream has no lengths"))
        }

        @Test func bucketWantsTexts() {
            let error = #expect(throws: RecipeError.self) {
                try Recipe.parse(
                    "lamina: 1\nmodel: { input: [3], layers: [ core.relu ] }\ntrain: { bucket: 2 }\n",
                    registry: ShippedRecipeTests.registry)
            }
            #expect(error?.message.contains("there is no 'data.text'") == true)
        }
    }
#endif
