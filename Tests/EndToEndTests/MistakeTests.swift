import Foundation
import LaminaFormats
import Testing

/// Mistakes that are easily made with files: what they lead to is told, and nothing is lost or silently wrong.
@Suite("Mistakes with files", .needs("Core", "Data"))
struct MistakeTests {
    /// Two numbers and a class, "a" to "c", by the greater number.
    private func table(_ folder: Folder, _ name: String, classes: [String], rows: Int = 60) throws {
        var lines = "x,y,kind\n"
        for row in 0..<rows {
            let kind = classes[row % classes.count]
            let (x, y) = kind == "a" ? (3, 0) : kind == "b" ? (0, 3) : (-3, -3)
            lines += "\(x),\(y),\(kind)\n"
        }
        try folder.write(Data(lines.utf8), name)
    }

    private func recipe(test: String) -> String {
        """
        lamina: 1
        data:
          train: { reader: data.csv, path: train.csv, target: kind }
          test: { reader: data.csv, path: \(test), target: kind }
        model: { input: [2], layers: [ core.dense: { units: 3 } ] }
        loss: core.cross_entropy
        optimizer: { core.adam: { learning_rate: 0.1 } }
        metrics: core.accuracy
        train: { epochs: 8, batch: 10, seed: 1 }
        """
    }

    /// Classes have the numbers of the training data wherever else they come, and others are refused.
    @Test func otherDataKeepTheNumbersOfClasses() throws {
        let folder = try Folder()
        try table(folder, "train.csv", classes: ["a", "b", "c"])
        try table(folder, "some.csv", classes: ["c", "b"])
        try table(folder, "strange.csv", classes: ["b", "z"])
        try folder.write(recipe(test: "some.csv"), "r.yaml")
        try folder.lamina("train", "r.yaml", "-o", "m.lamina").succeeded()
        let measured = try folder.lamina("eval", "m.lamina", "--format", "json").json()
        #expect(try Double(json: #require(measured["metrics"]?["accuracy"]), at: "accuracy") == 1)
        try folder.write(recipe(test: "strange.csv"), "strange.yaml")
        try folder.lamina("train", "strange.yaml", "-o", "n.lamina").failed(4, saying: "'z'")
        try folder.lamina("eval", "m.lamina", "--data", "strange.yaml").failed(4, saying: "'z'")
    }

    @Test func trainingNeverReplacesWhatItReads() throws {
        let folder = try Folder()
        try table(folder, "train.csv", classes: ["a", "b", "c"])
        try table(folder, "m.history.csv", classes: ["a", "b", "c"])
        try folder.write(recipe(test: "train.csv"), "r.yaml")
        try folder.write(recipe(test: "m.history.csv"), "m.recipe.yaml")
        try folder.lamina("train", "r.yaml", "-o", "r.yaml").failed(2, saying: "over r.yaml")
        try folder.lamina("train", "m.recipe.yaml", "-o", "m.lamina").failed(2, saying: "m.history.csv")
        #expect(try folder.bytes("r.yaml") == Array(recipe(test: "train.csv").utf8))
        // Beside another archive, and in its own place: the recipe stays as it was written.
        try folder.write(recipe(test: "train.csv"), "n.recipe.yaml")
        try folder.lamina("train", "n.recipe.yaml", "-o", "n.lamina").succeeded()
        #expect(try folder.bytes("n.recipe.yaml") == Array(recipe(test: "train.csv").utf8))
    }

    @Test func filesOfAnotherKind() throws {
        let folder = try Folder()
        try table(folder, "train.csv", classes: ["a", "b", "c"])
        try folder.write(recipe(test: "train.csv"), "r.yaml")
        try folder.lamina("train", "r.yaml", "-o", "m.lamina").succeeded()
        try folder.write("some words\n", "a.txt")
        try folder.lamina("predict", "m.lamina", "a.txt").failed(4, saying: "reads it as text")
        try folder.write("procedur: { word2vec.cbow: {} }\nlamina: 1\n", "typo.yaml")
        try folder.lamina("train", "typo.yaml", "-o", "n.lamina").failed(3, saying: "did you mean 'procedure'")
    }
}
