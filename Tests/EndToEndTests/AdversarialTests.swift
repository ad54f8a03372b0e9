import Foundation
import LaminaFormats
import Testing

/// Networks that are trained against each other, through the real command: archives, resumption, samples, scores.
@Suite("Generators", .needs("Core", "GAN"))
struct AdversarialTests {
    private static func recipe(epochs: Int = 4, loss: String = "non_saturating", more: String = "") -> String {
        """
        lamina: 1
        name: ring
        data: { train: { reader: gan.ring, count: 6400 } }
        networks:
          generator:
            input: { name: noise, shape: [4] }
            layers: [ core.dense: { units: 32 }, core.relu: {}, core.dense: { units: 2 } ]
          discriminator:
            input: [2]
            layers: [ core.dense: { units: 32 }, core.leaky_relu: {}, core.dropout: { rate: 0.1 }, core.dense: { units: 1 } ]
            optimizer: { core.adam: { learning_rate: 2.0e-3, beta1: 0.5 } }
        procedure: { gan.adversarial: { loss: \(loss), samples: 50\(more) } }
        optimizer: { core.adam: { learning_rate: 1.0e-3, beta1: 0.5 }, schedule: core.cosine }
        train: { epochs: \(epochs), batch: 64, seed: 4 }

        """
    }

    private static let entries = [
        "weights/model.safetensors", "networks/discriminator.safetensors", "state/optimizer.safetensors",
    ]

    @Test("a model is the generator; archives hold the other networks until they are left out")
    func archives() throws {
        let folder = try Folder()
        try folder.write(Self.recipe(), "r.yaml")
        let trained = try folder.lamina("train", "r.yaml", "-o", "m.lamina").succeeded()
        #expect(trained.errors.contains("d_real") && trained.errors.contains("generator_loss"), "\(trained)")
        for epoch in 1...4 { #expect(folder.exists("m.samples/epoch-000\(epoch).png")) }
        let history = try folder.text("m.history.csv")
        #expect(!history.contains("train_loss") && !history.contains("nan"), "\(history)")
        #expect(history.contains("discriminator_loss") && history.contains("d_fake"), "\(history)")
        try folder.lamina("verify", "m.lamina").succeeded()
        try folder.lamina("selftest", "m.lamina").succeeded()

        let whole = try ArchiveBytes(folder.bytes("m.lamina"))
        #expect(Self.entries.allSatisfy(whole.names.contains))
        let manifest = try whole.json("manifest.json")
        guard case .array(let plugins)? = manifest["plugins"],
            case .array(let networks)? = manifest["extensions"]?["networks"]
        else {
            Issue.record("no plugins or networks in \(manifest.text())")
            return
        }
        #expect(plugins.map { $0["id"] } == [.string("core")])
        #expect(networks.count == 1 && networks[0]["name"] == .string("discriminator"))

        try folder.lamina("repack", "m.lamina", "-o", "kept.lamina").succeeded()
        try folder.lamina("repack", "m.lamina", "-o", "bare.lamina", "--inference").succeeded()
        let (kept, bare) = (
            try ArchiveBytes(folder.bytes("kept.lamina")), try ArchiveBytes(folder.bytes("bare.lamina"))
        )
        #expect(kept.names.contains("networks/discriminator.json"))
        #expect(!bare.names.contains { $0.hasPrefix("networks/") || $0.hasPrefix("state/") })
        #expect(try bare.json("manifest.json")["extensions"]?["networks"] == nil)
        for name in ["m", "kept", "bare"] {
            try folder.lamina("verify", "\(name).lamina").succeeded()
            try folder.lamina("selftest", "\(name).lamina").succeeded()
            try folder.lamina("task", "\(name).lamina", "generate", "\(name).npy", "--seed", "3").succeeded()
        }
        #expect(try folder.bytes("m.npy") == folder.bytes("bare.npy") && folder.bytes("m.npy").count == 128 + 64 * 8)
    }

    @Test(
        "a resumed run is the uninterrupted one, bit for bit",
        arguments: ["non_saturating", "least_squares", "wasserstein"])
    func resumes(_ loss: String) throws {
        let folder = try Folder()
        let more =
            switch loss {
            case "wasserstein": ", clip: 0.05, discriminator_steps: 3"
            case "least_squares": ", average: 0.99"
            default: ""
            }
        // So long that no machine is done before the signal is there.
        try folder.write(Self.recipe(epochs: 12, loss: loss, more: more), "r.yaml")
        try folder.lamina("train", "r.yaml", "-o", "whole.lamina", "--threads", "1").succeeded()
        let running = try folder.start("train", "r.yaml", "-o", "parts.lamina", "--threads", "1")
        try running.waitForErrors(containing: "epoch 2/12")
        running.interrupt()
        let outcome = try running.finish()
        try #require(outcome.status == 130, "\(outcome)")
        try folder.lamina("train", "r.yaml", "-o", "parts.lamina", "--threads", "1", "--resume").succeeded()
        let (whole, parts) = (
            try ArchiveBytes(folder.bytes("whole.lamina")), try ArchiveBytes(folder.bytes("parts.lamina"))
        )
        for name in Self.entries { #expect(try whole.content(name) == parts.content(name), "\(name)") }
        #expect(try whole.json("state/trainer.json")["networks"] == parts.json("state/trainer.json")["networks"])
        // More epochs than the first run was asked for.
        try folder.lamina("train", "r.yaml", "-o", "parts.lamina", "--epochs", "13", "--resume").succeeded()
        let longer = try ArchiveBytes(folder.bytes("parts.lamina"))
        #expect(try longer.json("state/trainer.json")["epochs"] == .integer(13))
        #expect(try longer.content(Self.entries[0]) != parts.content(Self.entries[0]))
    }

    /// a ← d · a + (1 − d) · p with d = (1 + t) / (10 + t) in step t as long as that is less than the recipe's.
    @Test("a model is the average of its generator that the recipe asks for")
    func averages() throws {
        let folder = try Folder()
        /// The generator after as many steps, one per epoch.
        func weights(_ steps: Int, _ more: String) throws -> [Float] {
            let recipe = Self.recipe(epochs: steps, more: more)
                .replacingOccurrences(of: "count: 6400", with: "count: 64")
                .replacingOccurrences(of: ", schedule: core.cosine", with: "")
            try folder.write(recipe, "r.yaml")
            try folder.lamina("train", "r.yaml", "-o", "m.lamina", "--threads", "1").succeeded()
            let content = try ArchiveBytes(folder.bytes("m.lamina")).content("weights/model.safetensors")
            return content.withUnsafeBytes { bytes in
                let first = 8 + Int(bytes.loadUnaligned(as: UInt64.self))
                return stride(from: first, to: bytes.count, by: 4).map {
                    bytes.loadUnaligned(fromByteOffset: $0, as: Float.self)
                }
            }
        }
        let (before, after) = (try weights(1, ", average: 0.9"), try weights(2, ", average: 0.9"))
        let (last, d) = (try weights(2, ""), Float(2) / 11)
        #expect(before.count == last.count && before != last && last.count == 4 * 32 + 32 + 64 + 2)
        for ((a, b), p) in zip(zip(before, after), last) { #expect(abs(d * a + (1 - d) * p - b) < 1e-6) }
    }

    @Test("a game that is won and samples that are alike are warned of")
    func warnings() throws {
        let folder = try Folder()
        // A generator that stays at zero.
        let recipe = Self.recipe(epochs: 3).replacingOccurrences(
            of: "core.dense: { units: 2 } ]",
            with: """
                { core.dense: { units: 2 }, initializers: { weight: core.constant } } ]
                    optimizer: { core.sgd: { learning_rate: 1.0e-12 } }
                """)
        try folder.write(recipe, "r.yaml")
        let trained = try folder.lamina("train", "r.yaml", "-o", "m.lamina").succeeded()
        for text in ["the discriminator told almost every sample right: the game is won", "(mode collapse)"] {
            #expect(trained.errors.contains(text), "\(trained)")
        }
    }

    @Test("samples depend on the seed, and each on its number alone")
    func samples() throws {
        let folder = try Folder()
        try folder.write(Self.recipe(epochs: 1), "r.yaml")
        try folder.lamina("train", "r.yaml", "-o", "m.lamina").succeeded()
        func generate(_ name: String, _ options: String...) throws -> [UInt8] {
            try folder.lamina(["task", "m.lamina", "generate", name] + options).succeeded()
            return try folder.bytes(name)
        }
        let few = try generate("few.npy", "--count", "10", "--seed", "7")
        let many = try generate("many.npy", "--count", "200", "--seed", "7")
        #expect(few.dropFirst(128).elementsEqual(many.dropFirst(128).prefix(80)))
        #expect(try generate("other.npy", "--count", "10", "--seed", "8") != few)
        #expect(try generate("points.png").starts(with: [0x89, 0x50, 0x4E, 0x47]))
        try folder.lamina("task", "m.lamina", "interpolate", "way.npy", "--steps", "5", "--rows", "2").succeeded()
        #expect(try folder.bytes("way.npy").count == 128 + 10 * 8)
        let scores = try folder.lamina("task", "m.lamina", "evaluate", "--count", "500").succeeded().output
        #expect(scores.contains("modes hit, of 8"), "\(scores)")
        try folder.lamina("task", "m.lamina", "generate", "x.jpg").failed(2, saying: "ending .png or .npy")
        try folder.lamina("task", "m.lamina", "generate", "x.npy", "--class", "boot").failed(
            2, saying: "takes no class")
    }

    @Test("what is not known of a procedure is not shown as zero")
    func bench() throws {
        let folder = try Folder()
        try folder.write(Self.recipe(), "r.yaml")
        let table = try folder.lamina("bench", "r.yaml", "--seconds", "0.01", "--profile").succeeded().output
        #expect(table.contains("; a procedure has no profile by node") && !table.contains("forward"), "\(table)")
        #expect(!table.contains(" 0.0 "), "\(table)")
        let json = try folder.lamina("bench", "r.yaml", "--seconds", "0.01", "--format", "json").json()
        guard case .array(let rows)? = json["measurements"] else {
            Issue.record("no measurements: \(json.text())")
            return
        }
        #expect(rows.count == 1 && rows[0]["flops"] == .null)
    }

    @Test("pictures of an earlier run do not stay beside those of a new one")
    func pictures() throws {
        let folder = try Folder()
        try folder.write(Self.recipe(), "r.yaml")
        try folder.lamina("train", "r.yaml", "-o", "m.lamina").succeeded()
        try folder.write("mine", "m.samples/epoch-best.png")
        try folder.lamina("train", "r.yaml", "-o", "m.lamina", "--epochs", "5", "--resume").succeeded()
        for epoch in 1...5 { #expect(folder.exists("m.samples/epoch-000\(epoch).png")) }
        try folder.lamina("train", "r.yaml", "-o", "m.lamina", "--epochs", "2").succeeded()
        for epoch in 1...5 { #expect(folder.exists("m.samples/epoch-000\(epoch).png") == (epoch <= 2)) }
        #expect(folder.exists("m.samples/epoch-best.png"))
    }

    @Test("a run that fails leaves the recipe of the model that stays")
    func recipeOfAFailure() throws {
        let folder = try Folder()
        try folder.write(Self.recipe(epochs: 1), "r.yaml")
        try folder.lamina("train", "r.yaml", "-o", "m.lamina").succeeded()
        let (model, recipe) = (try folder.bytes("m.lamina"), try folder.text("m.recipe.yaml"))
        try folder.lamina(
            "train", "r.yaml", "-o", "m.lamina", "--set", "optimizer.core.adam.learning_rate=1.0e+30"
        ).failed(7, afterProgress: true, saying: "lower the learning rate")
        #expect(try folder.bytes("m.lamina") == model && folder.text("m.recipe.yaml") == recipe)
    }

    @Test("mistakes in recipes of several networks")
    func mistakes() throws {
        let folder = try Folder()
        func fails(
            _ change: (inout String) -> Void, _ code: Int32, _ text: String, afterProgress: Bool = false
        ) throws {
            var recipe = Self.recipe(epochs: 1)
            change(&recipe)
            try folder.write(recipe, "r.yaml")
            try folder.lamina("train", "r.yaml", "-o", "m.lamina").failed(
                code, afterProgress: afterProgress, saying: text)
        }
        func replace(_ old: String, _ new: String) -> (inout String) -> Void {
            { $0 = $0.replacingOccurrences(of: old, with: new) }
        }
        try fails(replace("  discriminator:", "  critic:"), 3, "no network 'discriminator'")
        try fails(replace("input: [2]", "input: [3]"), 3, "makes samples of shape [2]")
        try fails(replace("batch: 64", "batch: 6401"), 3, "set train.batch to at most 6400")
        try fails(
            replace("optimizer: { core.adam: { learning_rate: 1.0e-3, beta1: 0.5 }, schedule: core.cosine }\n", ""), 3,
            "has no optimizer")
        try fails(replace("procedure: ", "procedures: "), 3, "did you mean 'procedure'")
        try fails(replace("data: { train: { reader: gan.ring, count: 6400 } }\n", ""), 3, "the recipe has no 'data'")
        try fails(replace("samples: 50", "samples: 50, gradient_penalty: 10"), 3, "core.dropout")
        try fails(replace("loss: non_saturating", "loss: hinge, smoothing: 0.1"), 3, "no labels to smooth")
        try fails(
            replace("samples: 50", "samples: 50, discriminator_steps: 101"), 3,
            "discriminator_steps is 101, each on a batch, but an epoch has 100")
        try fails(replace("1.0e-3", "1.0e+30"), 7, "lower the learning rate", afterProgress: true)
    }
}
