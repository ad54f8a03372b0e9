import LaminaFormats
import LaminaGraph
import Testing

@testable import LaminaRecipe

/// The resolved recipe: everything spelled out, and the same recipe again when it is read.
@Suite struct ResolvedTests {
    @Test(arguments: [
        fullRecipe, model("- test.bend"),
        model("- test.tower:\n  name: \"\"\n- test.linear: { units: 1 }", rest: "loss: test.squared"),
        model("- test.join:\n  from: [a, b]", input: "{ a: [T], b: { shape: [1], dtype: uint8 } }"),
        model("- test.bend", input: "{ shape: [3], name: x, dtype: int64 }"),
        "lamina: 1\nmodel:\n  input: [1]\n  layers: [test.bend]\n  outputs: { \"a\": bend_1, b: input }\n",
    ])
    func readsBackEqual(text: String) throws {
        let recipe = try parse(text)
        #expect(try parse(recipe.text()) == recipe, "\(recipe.text())")
        #expect(try parse(recipe.json().text()) == recipe)
        #expect(try parse(recipe.json().text(.pretty)) == recipe)
        // And it holds everything: nothing is left to be resolved.
        #expect(try parse(recipe.text()).text() == recipe.text())
        #expect(try parse(recipe.text()).graph(TestCatalogue.registry) == recipe.graph(TestCatalogue.registry))
    }

    @Test func defaultsAreSpelledOut() throws {
        let recipe = try parse(
            model(
                "- test.linear: { units: 2 }\n- test.bend",
                rest:
                    "data: { train: { reader: test.table, file: a.csv } }\nloss: test.squared\noptimizer: test.descent")
        )
        let expected = """
            lamina: 1
            data:
              train:
                reader: test.table
                file: /folder/a.csv
            model:
              input: [4]
              layers:
                - test.linear: { units: 2, bias: true }
                - test.bend: { slope: 0.0 }
            loss:
              test.squared: { reduction: mean }
            optimizer:
              test.descent: { learning_rate: 0.01, decay: 0.0, betas: [0.9, 0.999] }
            train:
              epochs: 1
              batch: 32
              seed: 0
              shuffle: true
              checkpoint_every: 1
              accumulate: 1

            """
        #expect(Self.unfolded(recipe.text()) == expected)
    }

    /// Whether a short mapping stands on one line is the writer's business.
    private static func unfolded(_ text: String) -> String {
        text.replacing(
            "train: { reader: test.table, file: /folder/a.csv }",
            with: "train:\n    reader: test.table\n    file: /folder/a.csv")
    }

    @Test func pathsCanBeRelative() throws {
        let recipe = try parse(fullRecipe)
        let text = recipe.text(relativeTo: "/folder")
        #expect(text.contains("file: train.csv"))
        #expect(text.contains("labels: sub/labels.csv"))
        #expect(text.contains("file: /absolute/test.csv"))
        #expect(try parse(text) == recipe)
    }
}
