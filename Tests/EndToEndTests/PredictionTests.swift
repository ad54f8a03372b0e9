import Foundation
import LaminaFormats
import Testing

/// A trained model in new processes: from images, from standard input, from raw tensors.
@Suite("Prediction", .needs("Core", "Data", "CNN"))
struct PredictionTests {
    /// A trained model and images that it has not seen, with their classes.
    private static func trained() throws -> (folder: Folder, images: Patterns) {
        let folder = try Patterns.folder()
        try folder.write(TrainingTests.recipe, "r.yaml")
        try folder.lamina("train", "r.yaml", "-o", "m.lamina", "--epochs", "8").succeeded()
        let images = Patterns(count: 12, seed: 3)
        for (index, pixels) in images.images.enumerated() {
            try folder.write(png(pixels, width: Patterns.side), "\(index).png")
        }
        return (folder, images)
    }

    private static func probabilities(_ answer: JSON) throws -> [(index: Int, label: String, probability: Double)] {
        try [JSON](json: try #require(answer["classes"]), at: "classes").map {
            (
                try Int(json: #require($0["index"]), at: "index"), try String(json: #require($0["label"]), at: "label"),
                try Double(json: #require($0["probability"]), at: "probability")
            )
        }
    }

    @Test("images: labels with probabilities, the same from files, standard input and raw tensors")
    func images() throws {
        let (folder, images) = try Self.trained()
        let names = images.images.indices.map { "\($0).png" }
        let answers = try [JSON](
            json: folder.lamina(["predict", "m.lamina", "--top", "4", "--format", "json"] + names).json(), at: "answers"
        )
        #expect(answers.count == names.count)

        // The raw network on the same pixels, normalized here; its outputs become probabilities by softmax.
        let pixels = images.images.joined().map { (Float($0) / 255 - 0.5) / 0.25 }
        try TensorFile.write([("input", [names.count, 1, 8, 8], pixels)], to: folder.path("x.safetensors"))
        try folder.lamina("run", "m.lamina", "--input", "x.safetensors", "--output", "y.safetensors").succeeded()
        let logits = try TensorFile(folder.path("y.safetensors"))["output"].doubles
        var right = 0
        for (row, answer) in answers.enumerated() {
            #expect(answer["source"] == .string(names[row]))
            let classes = try Self.probabilities(answer)
            #expect(classes.map(\.index).sorted() == [0, 1, 2, 3])
            #expect(classes.map(\.probability) == classes.map(\.probability).sorted(by: >))
            let exponentials = logits[4 * row..<4 * row + 4].map { exp($0) }
            for (index, label, probability) in classes {
                #expect(label == Patterns.classes[index])
                #expect(
                    abs(probability - exponentials[index] / exponentials.reduce(0, +)) < 1e-5, "row \(row), \(label)")
            }
            if classes[0].index == Int(images.labels[row]) { right += 1 }
        }
        #expect(right >= 9, "\(right) of 12")

        let piped = try folder.lamina(
            "predict", "m.lamina", "-", "--top", "4", "--format", "json", input: folder.data("3.png")
        ).json()
        #expect(piped[0]?["classes"] == answers[3]["classes"])
        #expect(piped[0]?["source"] == "-")
        let text = try folder.lamina("predict", "m.lamina", "--top", "2", "3.png").succeeded().output
        let best = try Self.probabilities(answers[3])
        #expect(text.hasPrefix("3.png\t\(best[0].label) ") && text.contains("\t\(best[1].label) "), "\(text)")
        #expect(text.split(separator: "\n").count == 1 && !text.contains(best[2].label))
    }

    @Test("an image of another size is resized to the model's")
    func resizing() throws {
        let (folder, images) = try Self.trained()
        let side = Patterns.side
        let large = (0..<4 * side * side).map { images.images[5][$0 / (4 * side) * side + $0 % (2 * side) / 2] }
        try folder.write(png(large, width: 2 * side), "large.png")
        let answers = try ["5.png", "large.png"].map { name in
            let answer = try folder.lamina("predict", "m.lamina", name, "--top", "4", "--format", "json").json()
            return try Self.probabilities(#require(answer[0])).sorted { $0.index < $1.index }.map(\.probability)
        }
        // Averages of four equal pixels are those pixels.
        #expect(zip(answers[0], answers[1]).allSatisfy { abs($0 - $1) < 1e-5 }, "\(answers)")
    }

    @Test("damaged and unfitting images end in one line")
    func badImages() throws {
        let (folder, images) = try Self.trained()
        let whole = png(images.images[0], width: Patterns.side)
        for length in [0, 7, 20, 40, whole.count - 20] {
            try folder.write(Array(whole[..<length]), "cut.png")
            try folder.lamina("predict", "m.lamina", "cut.png").failed(4, saying: "cut.png")
        }
        try folder.write("1,2,3\n", "row.csv")
        try folder.lamina("predict", "m.lamina", "row.csv").failed(4, saying: "row.csv", "[3]", "[1, 8, 8]")
        try folder.lamina("predict", "m.lamina", "gone.png").failed(4, saying: "gone.png")
        try folder.write("what?", "file.xyz")
        try folder.lamina("predict", "m.lamina", "file.xyz").failed(4, saying: "file.xyz")
        try folder.lamina("predict", "m.lamina", "-", input: Data()).failed(4, saying: "standard input")
        try folder.lamina("predict", "m.lamina", "-", input: Data([0x89, 0x50, 0x4E, 0x47, 1]))
            .failed(4, saying: "'standard input'")
        // A good image before a bad one: no half results.
        try folder.lamina("predict", "m.lamina", "0.png", "cut.png").failed(4, saying: "cut.png")
    }
}
