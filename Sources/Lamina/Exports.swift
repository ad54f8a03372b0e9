// `import Lamina` is enough to build a recipe, train it and use the model.
@_exported import LaminaFormats
@_exported import LaminaGraph
@_exported import LaminaHost
@_exported import LaminaRecipe
@_exported import LaminaTraining
