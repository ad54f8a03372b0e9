import Foundation
import Testing

/// A generator of images of images, applied to pictures in files.
@Suite("The task of translators", .needs("CNN", "Core", "Data", "GAN"))
struct TranslationTaskTests {
    /// Images from their negatives.
    private static let recipe = """
        lamina: 1
        data:
          train: { reader: data.idx, images: train-images, labels: train-labels }
          input: [negative, image]
          transforms:
            - data.invert:
              field: image
              as: negative
            - data.normalize: { mean: 0.5, std: 0.5 }
              field: negative
            - data.normalize: { mean: 0.5, std: 0.5 }
              field: image
        networks:
          generator:
            input: { name: negative, shape: [1, 8, 8] }
            layers:
              - gan.unet: { filters: 4, size: 8 }
          discriminator:
            input: { image: [1, 8, 8], condition: [1, 8, 8] }
            layers:
              - gan.patch_discriminator: { filters: 4, stages: 1 }
                from: [image, condition]
        procedure: { gan.pix2pix: { samples: 4 } }
        optimizer: { core.adam: { learning_rate: 1.0e-3, beta1: 0.5 } }
        train: { epochs: 1, batch: 20, seed: 1 }

        """

    @Test("pictures are prepared as in training, from the data or from the generator's input")
    func pictures() throws {
        let folder = try Patterns.folder(train: 40, test: 1)
        try folder.write(Self.recipe, "r.yaml")
        try folder.lamina("train", "r.yaml", "-o", "m.lamina").succeeded()
        let image = Patterns(count: 1, seed: 3).images[0]
        try folder.write(png(image, width: Patterns.side), "photo.png")
        try folder.write(png(image.map { 255 - $0 }, width: Patterns.side), "negative.png")
        func translate(_ arguments: String...) throws -> Outcome {
            try folder.lamina(["task", "m.lamina", "translate"] + arguments)
        }
        try translate("photo.png", "--output", "made.png").succeeded()
        try translate("negative.png", "--given", "input", "--output", "from-negative.png").succeeded()
        try translate("negative.png", "--output", "other.png").succeeded()
        #expect(try folder.bytes("made.png") == folder.bytes("from-negative.png"))
        #expect(try folder.bytes("made.png") != folder.bytes("other.png"))
        try translate("photo.png", "negative.png", "--output", "made").succeeded()
        #expect(try folder.bytes("made/photo.png") == folder.bytes("made.png"))
        #expect(try folder.bytes("made/negative.png") == folder.bytes("other.png"))
        try folder.lamina("repack", "m.lamina", "-o", "small.lamina", "--inference").succeeded()
        try folder.lamina("task", "small.lamina", "translate", "photo.png", "--output", "small.png").succeeded()
        #expect(try folder.bytes("small.png") == folder.bytes("made.png"))

        try folder.write(png(Array(image.prefix(32)), width: 8), "low.png")
        try translate("low.png", "--output", "x.png").failed(4, saying: "wanted [1, 8, 8]")
        try translate("none.png", "--output", "x.png").failed(4, saying: "none.png")
        try translate("photo.png", "--output", "photo.png").failed(2, saying: "written over photo.png")
        try translate("photo.png", "--output", "x.png", "--direction", "b_to_a").failed(2, saying: "one generator")
        try folder.lamina("task", "m.lamina", "generate", "x.png").failed(4, saying: "task MODEL translate")
    }
}
