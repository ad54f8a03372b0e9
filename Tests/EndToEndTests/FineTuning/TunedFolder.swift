import Foundation
import LaminaFormats
import Testing

/// Where networks are trained on from `base.lamina`, which tells which quadrant of an image is bright: images in
/// negative, `new-…`, and recipes that begin with the base.
struct TunedFolder {
    let folder: Folder

    static let layers = """
        model:
          input: [1, 8, 8]
          layers:
            - core.flatten
            - core.dense: { units: 512 }
              name: first
            - core.relu
            - core.dense: { units: 512 }
              name: second
            - core.relu
            - core.dense: { units: 4 }
              name: head

        """
    static let low = """
        model:
          adapt:
            - transformer.lora: { rank: 2, alpha: 8 }
              to: [first, second]

        """

    static func rest(epochs: Int, learningRate: Double = 0.002) -> String {
        """
        loss: core.cross_entropy
        optimizer: { core.adam: { learning_rate: \(learningRate) } }
        metrics: [ core.accuracy ]
        train: { epochs: \(epochs), batch: 32, seed: 3 }

        """
    }

    /// - Parameters:
    ///   - layers: the base's network.
    ///   - relabel: the new task's label of an image, of the old task's; nil: labels stay, images become negative.
    init(
        layers: String = Self.layers, epochs: Int = 4, relabel: ((UInt8) -> UInt8)? = nil
    ) throws {
        folder = try Patterns.folder(train: 600, test: 200)
        for (name, count, seed) in [("train", 600, 3), ("test", 200, 4)] {
            let patterns = Patterns(count: count, seed: seed)
            let pixels = patterns.images.flatMap(\.self)
            try folder.write(
                idx([count, 8, 8], relabel == nil ? pixels.map { 255 - $0 } : pixels), "new-\(name)-images")
            try folder.write(
                idx([count], relabel.map(patterns.labels.map) ?? patterns.labels), "new-\(name)-labels")
        }
        try folder.write(
            "lamina: 1\nname: quadrants\n" + Patterns.recipe + layers + Self.rest(epochs: epochs), "base.yaml")
        try folder.lamina("train", "base.yaml", "-o", "base.lamina").succeeded()
    }

    private static let newData = """
        data:
          train: { reader: data.idx, images: new-train-images, labels: new-train-labels }
          test: { reader: data.idx, images: new-test-images, labels: new-test-labels }

        """

    /// Writes a recipe that begins with `base.lamina`.
    func write(
        _ model: String, epochs: Int = 8, learningRate: Double = 0.002, to name: String = "tune.yaml"
    ) throws {
        try folder.write(
            "lamina: 1\nfrom: base.lamina\n" + Self.newData + model
                + Self.rest(epochs: epochs, learningRate: learningRate), name)
    }

    func weights(_ archive: String) throws -> [String: TensorFile.Tensor] {
        try ArchiveBytes(folder.bytes(archive)).tensors().tensors
    }

    func accuracy(_ arguments: String...) throws -> Double {
        let outcome = try folder.lamina(["eval"] + arguments + ["--format", "json"]).succeeded()
        return try (JSON.parse(outcome.output)["metrics"]?["accuracy"]).number()
    }

    /// Outputs of `lamina run` on 16 images of noise.
    func outputs(_ archive: String, _ options: String...) throws -> [Float] {
        if !folder.exists("x.safetensors") {
            try TensorFile.write(
                [("input", [16, 1, 8, 8], noise(16 * 64, seed: 9))], to: folder.path("x.safetensors"))
        }
        try folder.lamina(
            ["run", archive, "--input", "x.safetensors", "--output", "y.safetensors"] + options
        ).succeeded()
        return try TensorFile(folder.path("y.safetensors"))["output"].floats
    }
}
