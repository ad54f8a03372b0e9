import Foundation
import LaminaFormats
import Testing

/// Generators that take a class, and scores of what they make: by a classifier, or by the classes of real points.
@Suite("Scores of generators", .needs("Core", "Data", "GAN"))
struct GeneratorScoreTests {
    // MARK: Recipes

    private static func classifier(_ output: String = "", loss: String = "core.cross_entropy") -> String {
        """
        lamina: 1
        name: which-quadrant
        \(Patterns.recipe)model:
          input: [1, 8, 8]
          layers: [ core.flatten: {}, core.dense: { units: 16 }, core.relu: {}, core.dense: { units: 4 }\(output) ]
        loss: \(loss)
        optimizer: { core.adam: { learning_rate: 1.0e-2 } }
        train: { epochs: 5, batch: 20, seed: 1 }

        """
    }

    private static let generator = """
        lamina: 1
        name: quadrants
        \(Patterns.recipe)networks:
          generator:
            input: { noise: [4], label: { shape: [], dtype: int64 } }
            layers:
              - gan.mlp_generator: { units: [16], shape: [1, 8, 8], classes: 4 }
                from: [noise, label]
          discriminator:
            input: { image: [1, 8, 8], label: { shape: [], dtype: int64 } }
            layers:
              - gan.mlp_discriminator: { units: [16], classes: 4 }
                from: [image, label]
        procedure: { gan.adversarial: { samples: 8, classifier: judge.lamina } }
        optimizer: { core.adam: { learning_rate: 1.0e-3, beta1: 0.5 } }
        train: { epochs: 2, batch: 20, seed: 1 }

        """

    private static func ring(_ procedure: String = "", units: Int = 1, epochs: Int = 1, isConditional: Bool = false)
        -> String
    {
        let label = isConditional ? ", label: { shape: [], dtype: int64 }" : ""
        return """
            lamina: 1
            name: ring
            data: { train: { reader: gan.ring, count: 12800 } }
            networks:
              generator:
                input: { noise: [4]\(label) }
                layers:
                  - gan.mlp_generator: { units: [32], shape: [2], output: none\(isConditional ? ", classes: 8" : "") }
                    from: [noise\(isConditional ? ", label" : "")]
              discriminator:
                input: { point: [2]\(label) }
                layers:
                  - gan.mlp_discriminator: { units: [32]\(isConditional ? ", classes: 8" : "") }
                    from: [point\(isConditional ? ", label" : "")]
            \(units == 1 ? "" : "      - core.dense: { units: \(units) }\n")procedure: { gan.adversarial: { samples: 50\(procedure) } }
            optimizer: { core.adam: { learning_rate: 5.0e-3, beta1: 0.5 } }
            train: { epochs: \(epochs), batch: 128, seed: 4 }

            """
    }

    /// A folder with the data, and the trained classifier "judge.lamina".
    private func judged(_ recipe: String = classifier()) throws -> Folder {
        let folder = try Patterns.folder()
        try folder.write(recipe, "judge.yaml")
        try folder.lamina("train", "judge.yaml", "-o", "judge.lamina").succeeded()
        return folder
    }

    /// A folder with "r.yaml" and the model that it trains, "r.lamina".
    private func trained(_ recipe: String) throws -> Folder {
        let folder = try Folder()
        try folder.write(recipe, "r.yaml")
        try folder.lamina("train", "r.yaml", "-o", "r.lamina").succeeded()
        return folder
    }

    // MARK: Classifiers

    @Test("a classifier judges samples of each class")
    func classes() throws {
        let folder = try judged()
        try folder.write(Self.generator, "g.yaml")
        #expect(
            try folder.lamina("train", "g.yaml", "-o", "g.lamina").succeeded().errors.contains("class_entropy"))
        let scores = try folder.lamina(
            "task", "g.lamina", "evaluate", "--classifier", "judge.lamina", "--count", "100"
        ).succeeded().output
        for measure in [
            "inception score\t", "its standard deviation, over 10 splits\t", "inception score of real samples\t",
            "Fréchet distance of features", "classes hit, of 4",
            "share of the rarest class", "agreement with the asked class",
        ] { #expect(scores.contains(measure), "\(scores)") }

        try folder.lamina(
            "task", "g.lamina", "evaluate", "--classifier", "judge.lamina", "--count", "5"
        ).failed(2, saying: "--splits is 10, wanted at most the number of samples, --count 5")
        // Loss and metrics on data it has none.
        try folder.lamina("eval", "g.lamina").failed(
            2, saying: "which has no loss or metrics on a dataset; it offers `lamina task MODEL generate`")
        let card = String(decoding: try ArchiveBytes(folder.bytes("g.lamina")).content("README.md"), as: UTF8.self)
        #expect(card.contains("`lamina task MODEL generate`") && !card.contains("lamina predict"), "\(card)")

        func generate(_ file: String, _ name: String) throws -> [UInt8] {
            try folder.lamina("task", "g.lamina", "generate", file, "--class", name, "--count", "3").succeeded()
            return try folder.bytes(file)
        }
        #expect(try generate("name.npy", "Top right") == generate("number.npy", "1"))
        #expect(try generate("name.npy", "Top right") != generate("other.npy", "2"))
        try folder.lamina("task", "g.lamina", "generate", "x.npy", "--class", "boot").failed(
            2, saying: "no class is called 'boot'")

        try folder.write(
            Self.classifier().replacingOccurrences(of: "bottom right", with: "corner"), "other.yaml")
        try folder.lamina("train", "other.yaml", "-o", "other.lamina").succeeded()
        try folder.lamina("task", "g.lamina", "evaluate", "--classifier", "other.lamina").failed(
            4, saying: "the classifier knows no class 'bottom right'")
    }

    @Test("samples of one class are warned of")
    func oneClass() throws {
        let folder = try judged()
        try folder.write(
            """
            lamina: 1
            \(Patterns.recipe)networks:
              generator:
                input: { name: noise, shape: [4] }
                layers:
                  - core.dense: { units: 64 }
                    initializers: { weight: core.constant }
                  - core.reshape: { shape: [1, 8, 8] }
                optimizer: { core.sgd: { learning_rate: 1.0e-12 } }
              discriminator:
                input: { name: image, shape: [1, 8, 8] }
                layers: [ gan.mlp_discriminator: { units: [16] } ]
            procedure: { gan.adversarial: { samples: 8, black: -1.7, white: 2, classifier: judge.lamina } }
            optimizer: { core.adam: { learning_rate: 1.0e-3 } }
            train: { epochs: 1, batch: 20, seed: 1 }

            """, "g.yaml")
        let trained = try folder.lamina("train", "g.yaml", "-o", "g.lamina").succeeded()
        #expect(trained.errors.contains("the samples' classes have 0.0 of the entropy"), "\(trained)")
        #expect(!trained.errors.contains("set black and white"), "\(trained)")
        let dark = try folder.lamina(
            "train", "g.yaml", "-o", "g.lamina", "--set", "procedure.gan.adversarial.white=9"
        ).succeeded()
        #expect(dark.errors.contains("but black is -1.7 and white 9.0: pictures, and scores of them"), "\(dark)")
    }

    @Test("a classifier of other samples is refused before the training")
    func classifierOfOthers() throws {
        let folder = try judged()
        try folder.write(Self.ring(", classifier: judge.lamina"), "r.yaml")
        try folder.lamina("train", "r.yaml", "-o", "r.lamina").failed(
            3, saying: "makes samples of shape [2]; leave classifier out")
        try folder.write(
            Self.generator.replacingOccurrences(
                of: "judge.lamina", with: "small.lamina"), "g.yaml")
        try folder.write(
            """
            lamina: 1
            data: { train: { reader: data.random, count: 64, shape: [1, 4, 4], classes: 4 }, classes: [a, b, c, d] }
            model: { input: [1, 4, 4], layers: [ core.flatten: {}, core.dense: { units: 4 } ] }
            loss: core.cross_entropy
            optimizer: { core.adam: { learning_rate: 1.0e-3 } }
            train: { epochs: 1, batch: 16 }

            """, "small.yaml")
        try folder.lamina("train", "small.yaml", "-o", "small.lamina").succeeded()
        try folder.lamina("train", "g.yaml", "-o", "g.lamina").failed(4, saying: "small.lamina: ")
    }

    @Test("logarithms are not taken for probabilities")
    func logarithms() throws {
        let folder = try judged(Self.classifier(", core.log_softmax: {}", loss: "core.nll"))
        try folder.write(Self.generator.replacingOccurrences(of: ", classifier: judge.lamina", with: ""), "g.yaml")
        try folder.lamina("train", "g.yaml", "-o", "g.lamina").succeeded()
        try folder.lamina("task", "g.lamina", "evaluate", "--classifier", "judge.lamina").failed(
            4, saying: "the classifier's outputs are no probabilities")
    }

    @Test("real samples are told by all classes, however their file is sorted")
    func sorted() throws {
        let folder = try judged()
        try folder.write(Self.generator, "g.yaml")
        try folder.lamina("train", "g.yaml", "-o", "g.lamina").succeeded()
        func score() throws -> Double {
            let rows = try folder.lamina(
                "task", "g.lamina", "evaluate", "--classifier", "judge.lamina", "--count", "80", "--splits", "4",
                "--format", "json"
            ).json()
            guard case .array(let list) = rows,
                case .number(let score)? = list.first(where: { $0["measure"] == "inception score of real samples" })?[
                    "value"]
            else {
                Issue.record("no score in \(rows.text())")
                return 0
            }
            return score
        }
        let mixed = try score()
        let (side, patterns) = (Patterns.side, Patterns(count: 80, seed: 2))
        let order = (0..<80).sorted { patterns.labels[$0] < patterns.labels[$1] }
        try folder.write(idx([80, side, side], order.flatMap { patterns.images[$0] }), "test-images")
        try folder.write(idx([80], order.map { patterns.labels[$0] }), "test-labels")
        let sorted = try score()
        #expect(mixed > 2 && abs(sorted - mixed) < 0.3, "\(mixed) and \(sorted)")
    }

    // MARK: Points

    @Test("points of all classes are asked for")
    func points() throws {
        let folder = try trained(Self.ring(epochs: 10, isConditional: true))
        let rows = try folder.lamina("task", "r.lamina", "evaluate", "--count", "400", "--format", "json").json()
        guard case .array(let list) = rows, list.first?["measure"] == "modes hit, of 8",
            case .number(let modes)? = list.first?["value"]
        else {
            Issue.record("no modes in \(rows.text())")
            return
        }
        #expect(modes >= 3, "those of one class are one, or two")
    }

    @Test("a discriminator of points may have several outputs")
    func outputs() throws {
        let folder = try trained(Self.ring(units: 2))
        #expect(folder.exists("r.samples/epoch-0001.png"))
    }

    @Test("one sample tells nothing of their diversity")
    func oneSample() throws {
        let folder = try Folder()
        try folder.write(Self.ring().replacingOccurrences(of: "samples: 50", with: "samples: 1"), "r.yaml")
        let trained = try folder.lamina("train", "r.yaml", "-o", "r.lamina").succeeded()
        #expect(!trained.errors.contains("mode collapse") && !trained.errors.contains("diversity"), "\(trained)")
    }

    @Test("a classifier has no say in points")
    func classifierOfPoints() throws {
        let folder = try trained(Self.ring())
        try folder.lamina("task", "r.lamina", "evaluate", "--classifier", "r.lamina").failed(
            2, saying: "leave out --classifier")
    }

    // MARK: Resumption

    @Test("a resumed run says what its recipe says otherwise")
    func changes() throws {
        let folder = try trained(Self.ring())
        let same = try folder.lamina("train", "r.yaml", "-o", "r.lamina", "--resume", "--epochs", "2").succeeded()
        #expect(!same.errors.contains("as it was for the checkpoint"), "\(same)")
        let changed = try folder.lamina(
            "train", "r.yaml", "-o", "r.lamina", "--resume", "--epochs", "3", "--set",
            "optimizer.core.adam.learning_rate=0.01", "--set", "procedure.gan.adversarial.loss=hinge"
        ).succeeded()
        for change in ["optimizer.core.adam.learning_rate 0.005 → 0.01", "procedure.gan.adversarial.loss"] {
            #expect(changed.errors.contains(change), "\(changed)")
        }
    }

    @Test("a run is not resumed on other points, nor from damaged states")
    func damage() throws {
        let folder = try Folder()
        let recipe = Self.ring().replacingOccurrences(of: "[32]", with: "[300, 300]")
        try folder.write(recipe, "r.yaml")
        try folder.lamina("train", "r.yaml", "-o", "r.lamina").succeeded()
        try folder.lamina(
            "train", "r.yaml", "-o", "r.lamina", "--resume", "--epochs", "2", "--set", "data.train.radius=3"
        ).failed(3, saying: "data")
        // States of this size are not hashed when an archive is opened.
        var bytes = try folder.bytes("r.lamina")
        // Names stand in the manifest, before the content, and in the central directory at the end.
        let names = bytes.ranges(of: Array("state/optimizer.safetensors".utf8))
        let name = try #require(names.dropLast().last)
        bytes[name.upperBound + 300_000] ^= 1
        try folder.write(bytes, "r.lamina")
        try folder.lamina("train", "r.yaml", "-o", "r.lamina", "--resume", "--epochs", "2").failed(
            6, saying: "state/optimizer.safetensors")
        #expect(try folder.bytes("r.lamina") == bytes)
    }

    @Test(
        "a run is not resumed with settings that its checkpoint says nothing of",
        arguments: [
            (
                ", discriminator_steps: 2", ", discriminator_steps: 5",
                "trained with discriminator_steps: 2, now it is 5"
            ),
            (", average: 0.9", "", "trained with an average of the generator"),
        ])
    func settings(_ before: String, _ after: String, _ text: String) throws {
        let folder = try trained(Self.ring(before))
        try folder.write(Self.ring(after, epochs: 2), "r.yaml")
        try folder.lamina("train", "r.yaml", "-o", "r.lamina", "--resume").failed(3, saying: text)
        try folder.write(Self.ring(before, epochs: 2), "r.yaml")
        try folder.lamina("train", "r.yaml", "-o", "r.lamina", "--resume").succeeded()
    }
}
