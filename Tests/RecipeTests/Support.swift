import LaminaFormats
import LaminaGraph
import Testing

@testable import LaminaRecipe

/// A recipe that uses every key.
let fullRecipe = """
    lamina: 1
    name: everything
    description: "Every key: once."
    data:
      train: { reader: test.table, file: train.csv, limit: 50 }
      test: { reader: test.table, file: /absolute/test.csv, labels: sub/labels.csv }
      input: image
      target: digit
      transforms:
        - test.scale: { factor: 0.5 }
        - test.scale: { factor: 2 }
          field: digit
      classes: [zero, 1, yes]
    model:
      input: [1, T, 28]
      layers:
        - test.linear: { units: 32 }
          name: first
          initializers:
            weight: { test.bell: { deviation: 0.1 } }
            bias: test.bell
        - test.bend
        - test.residual: { units: 32, bent: false }
          repeat: 2
          name: detour
        - test.linear: { units: 32 }
          share: first
          frozen: true
        - test.add:
          from: [linear_1, "detour:1"]
        - test.attend:
          from: [add_1, null, bend_1]
          name: look
      outputs: [look, first]
    loss:
      test.squared: { reduction: sum }
      from: look
    optimizer:
      test.descent: { learning_rate: 1e-3 }
      clip_norm: 1
      clip_value: 0.5
      layer_decay: 0.75
      groups:
        - { match: no_decay, decay: 0 }
        - match: ["first.*", "*.bias"]
          learning_rate: 0.5
      schedule: { test.ramp: { steps: 7 } }
    metrics: [test.hits]
    train:
      epochs: 3
      batch: 64
      seed: 7
      validate: 0.1
      shuffle: false
      threads: 2
      early_stopping: { patience: 3, metric: test.hits, minimum_change: 0.01 }
      checkpoint_every: 2
      accumulate: 4

    """

func parse(_ text: String, _ overrides: String...) throws(RecipeError) -> Recipe {
    try Recipe.parse(
        text, file: "recipe.yaml", folder: "/folder", overrides: overrides, registry: TestCatalogue.registry)
}

func graph(_ text: String) throws -> GraphDefinition { try parse(text).graph(TestCatalogue.registry) }

/// A recipe around some layers.
func model(_ layers: String, input: String = "[4]", rest: String = "") -> String {
    """
    lamina: 1
    model:
      input: \(input)
      layers:
    \(layers.split(separator: "\n", omittingEmptySubsequences: false).map { "    " + $0 }.joined(separator: "\n"))
    \(rest)
    """
}

/// The whole text of the error that `body` throws, or nothing.
func message(_ body: () throws -> Void) -> String {
    do {
        try body()
        return "nothing was thrown"
    } catch {
        return "\(error)"
    }
}
