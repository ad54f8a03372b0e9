import Foundation
import Testing

/// What people who train networks against each other get wrong, and what they are told.
@Suite("Mistakes with networks", .needs("Core", "Data", "GAN"))
struct NetworkMistakeTests {
    private static func recipe(_ networks: String, loss: String = "non_saturating", more: String = "") -> String {
        """
        lamina: 1
        data: { train: { reader: gan.ring, count: 640 } }
        \(networks)procedure: { gan.adversarial: { loss: \(loss), samples: 8\(more) } }
        optimizer: { core.adam: { learning_rate: 1.0e-3 } }
        train: { epochs: 1, batch: 64 }

        """
    }

    private static let networks = """
        networks:
          generator: { input: [4], layers: [ core.dense: { units: 2 } ] }
          discriminator: { input: [2], layers: [ core.dense: { units: 1 } ] }

        """

    private func train(_ recipe: String, in folder: Folder? = nil) throws -> Outcome {
        let folder = try folder ?? Folder()
        try folder.write(recipe, "r.yaml")
        return try folder.lamina("train", "r.yaml", "-o", "m.lamina")
    }

    @Test("a recipe without networks is told which there have to be, whatever else it has")
    func noNetworks() throws {
        try train(Self.recipe("")).failed(
            3, saying: "'networks:', which the recipe lacks", "'gan.adversarial'", "'generator'", "'discriminator'")
        try train("lamina: 1\nprocedure: gan.cyclegan\n").failed(
            3, saying: "the recipe lacks 'networks:'", "'a_to_b', 'b_to_a', 'discriminator_a', 'discriminator_b'")
    }

    @Test("a network that nothing trains is refused")
    func unusedNetwork() throws {
        let critic = "  critic: { input: [2], layers: [ core.dense: { units: 1 } ] }\n"
        try train(Self.recipe(Self.networks + critic)).failed(
            3, saying: "no use for network 'critic'", "it trains 'generator', 'discriminator'")
    }

    @Test(
        "a Wasserstein loss without a limit is warned of once",
        arguments: [("", 1), (", clip: 0.01", 0), (", gradient_penalty: 10", 0)])
    func noLimit(more: String, warnings: Int) throws {
        let trained = try train(Self.recipe(Self.networks, loss: "wasserstein", more: more)).succeeded()
        #expect(trained.errors.components(separatedBy: "has no limit on the discriminator").count == 1 + warnings)
    }

    @Test("a field that a transform makes is called by its own name")
    func fieldNames() throws {
        let recipe = """
            lamina: 1
            data:
              train: { reader: data.idx, images: train-images, labels: train-labels }
              input: [image, edges]
              transforms:
                - data.edges: {}
                  field: image
                  as: edges
                - data.normalize: { mean: 0.5, std: 0.5 }
                  field: image
            networks:
              generator: { input: [1, 8, 8], layers: [ core.tanh ] }
              discriminator: { input: [1, 8, 8], layers: [ core.tanh ] }
            procedure: gan.pix2pix
            optimizer: { core.adam: { learning_rate: 1.0e-3 } }
            train: { epochs: 1, batch: 8 }

            """
        try train(recipe, in: Patterns.folder(train: 20, test: 20)).failed(
            3, saying: "field 'edges' of data.idx is uint8, input 'target' wants float32")
    }
}
