import LaminaFormats
import LaminaSDK

/// Two networks in a game: a generator G makes samples of noise, a discriminator D tells them from real ones.
///
/// A step: k times, D learns on a batch of real samples and one of generated ones; then G learns from D's judgement of the
/// last of these. With a class input (int64) in G and D both get the class of the real samples (Mirza, Osindero 2014).
/// `AdversarialLoss` has the losses, `GradientPenalty` WGAN-GP's penalty.
///
/// Source: Goodfellow et al.: Generative Adversarial Nets, NeurIPS 2014, algorithm 1.
final class Adversarial: Procedure {
    static let name = "adversarial"
    static let documentation =
        "Trains the network 'generator' against 'discriminator', which tells its samples from real ones."
    static let attributes: [AttributeSchema] =
        Discriminator.Settings.schemas() + [
            .integer(
                "discriminator_steps", default: 1, 1...1000, "steps of the discriminator for each of the generator"),
            WeightAverage.schema, Noise.schema,
        ] + SamplePictures.Settings.schemas() + [SamplePictures.classifierSchema]

    private let host: Host
    private let settings: Discriminator.Settings
    private let noiseForm: Noise.Distribution
    private let pictures: SamplePictures.Settings
    private var average: WeightAverage
    private var clock: TrainingClock
    private var roles: Roles?
    private var game: Game?

    /// Which networks there are, and what their inputs are for.
    private struct Roles {
        let generator: Int
        let discriminator: Int
        let noise: NetworkPorts
        let sample: NetworkPorts

        init(_ networks: Networks) throws {
            generator = try networks.required("generator", of: Adversarial.name)
            discriminator = try networks.required("discriminator", of: Adversarial.name)
            noise = try NetworkPorts(networks[generator])
            sample = try NetworkPorts(networks[discriminator])
            let made = try networks[generator].onlyOutput().shape
            guard made == sample.shape else {
                throw PluginError.attribute(
                    "network 'generator' makes samples of shape \(made), network 'discriminator' takes \(sample.shape); "
                        + "both have to be those of the data")
            }
            guard (noise.label == nil) == (sample.label == nil) else {
                throw PluginError.attribute(
                    "one of 'generator' and 'discriminator' has an input for the class, the other has none; give it to both"
                )
            }
            _ = try networks[discriminator].onlyOutput()
        }
    }

    init(_ attributes: Attributes, host: Host) throws {
        self.host = host
        settings = try Discriminator.Settings(attributes)
        noiseForm = Noise.Distribution(rawValue: attributes.string("noise"))!
        pictures = try SamplePictures.Settings(attributes)
        average = WeightAverage(attributes)
        clock = TrainingClock(batchesPerStep: attributes.integer("discriminator_steps"))
    }

    func define(_ model: ProcedureModel) throws {
        let networks = try model.requiredNetworks(["generator", "discriminator"], of: Self.name)
        let roles = try Roles(networks)
        self.roles = roles
        try model.publish(roles.generator)
        try average.define(model, networks[roles.generator])
        try model.addData("sample", .float32, roles.sample.shape)
        if roles.sample.label != nil { try model.addData("label", .int64, [], isTarget: true) }
        try model.addAsset(
            GeneratorAsset.name, GeneratorAsset(noise: noiseForm, range: pictures.range).json.bytes())
    }

    func start(_ run: ProcedureRun) throws {
        settings.warnOfNoLimit(host)
        game = try Game(self, run)
        average.start(run, game!.roles.generator)
    }

    func step(_ run: ProcedureRun) throws -> ProcedureProgress {
        var progress = ProcedureProgress()
        let (game, generator) = (game!, game!.roles.generator)
        try average.show(false, run, generator)
        try game.play(clock.steps)
        average.add(run, generator, step: clock.steps)
        if clock.advance(run, game.networks, &progress) {
            game.discriminator.endEpoch(progress.epochs)
            try average.show(true, run, generator)
            try game.pictures.show(epoch: progress.epochs)
        }
        return progress
    }

    func publish(_ run: ProcedureRun) throws { try average.show(true, run, game!.roles.generator) }

    func save() throws -> String {
        JSON.object([
            "steps": .integer(Int64(clock.steps)), "classes": .integer(Int64(game!.pictures.classes)),
            "average": .bool(average.isShown), "discriminator_steps": .integer(Int64(clock.batchesPerStep)),
            "averages": .bool(average.isOn),
        ]).text()
    }

    func restore(_ json: String, _ run: ProcedureRun) throws {
        var fields = try JSONFields(JSON.parse(json), at: "state")
        try clock.resume(fields.read("steps"))
        let (rounds, averages): (Int, Bool) = (try fields.read("discriminator_steps"), try fields.read("averages"))
        guard rounds == clock.batchesPerStep else {
            throw PluginError.attribute(
                "the checkpoint was trained with discriminator_steps: \(rounds), now it is \(clock.batchesPerStep); set it to "
                    + "\(rounds), or train without --resume")
        }
        guard averages == average.isOn else {
            throw PluginError.attribute(
                "the checkpoint was trained \(averages ? "with" : "without") an average of the generator, now average is "
                    + "\(average.decay); \(averages ? "set one above 0" : "set it to 0"), or train without --resume")
        }
        let game = try Game(self, run)
        game.pictures.classes = try fields.read("classes")
        guard (1...SamplePictures.mostClasses).contains(game.pictures.classes) else {
            throw PluginError.data(
                "the checkpoint has seen \(game.pictures.classes) classes, which cannot be: it is damaged")
        }
        average.resume(isShown: try fields.read("average"))
        try fields.finish()
        self.game = game
    }

    /// The passes of a training.
    private final class Game {
        let networks: Networks
        let roles: Roles
        let noise: Noise
        let rounds: Int
        let generator: Pass
        let discriminator: Discriminator
        let pictures: SamplePictures

        init(_ owner: Adversarial, _ run: ProcedureRun) throws {
            networks = run.networks!
            roles = owner.roles!
            rounds = owner.clock.batchesPerStep
            guard rounds <= networks.batchesPerEpoch() else {
                throw PluginError.attribute(
                    "discriminator_steps is \(rounds), each on a batch, but an epoch has \(networks.batchesPerEpoch()): set it to at most "
                        + "that, or train.batch lower")
            }
            noise = Noise(distribution: owner.noiseForm, seed: run.seed, host: owner.host)
            generator = try networks.plan(
                roles.generator, batch: networks.batch, [.training, .parameterGradients])
            discriminator = try Discriminator(
                networks, roles.discriminator, sample: roles.sample.sample, owner.settings, host: owner.host)
            pictures = try SamplePictures(
                networks, (roles.generator, roles.noise), (roles.discriminator, roles.sample), noise, owner.pictures,
                owner.settings.loss, owner.host)
        }

        /// One step of the generator, after those of the discriminator.
        func play(_ step: Int) throws {
            for round in 0..<rounds {
                let batch = try networks.nextBatch()
                let label = roles.sample.label == nil ? nil : batch[1]
                try pictures.note(real: batch[0], label)
                try generate(step * rounds + round, label)
                try discriminator.learn(
                    real: roles.sample.order(batch[0], label),
                    generated: roles.sample.order(generator.outputs[0], label),
                    random: noise.stream(.mixtures, step * rounds + round))
                guard round == rounds - 1 else { continue }
                let loss = try discriminator.judge(roles.sample.order(generator.outputs[0], label))
                networks.measure("generator_loss", loss)
                let (from, to) = (discriminator.slope, generator.outputGradients[0])
                to.floats.update(from: from.floats, count: from.count)
                try networks.backward(generator)
                try networks.update(roles.generator)
            }
        }

        private func generate(_ number: Int, _ label: Tensor?) throws {
            let input = generator.inputs[roles.noise.sample]
            noise.fill(.training, number, input.floats, count: input.count)
            if let label, let place = roles.noise.label {
                generator.inputs[place].int64s.update(from: label.int64s, count: label.count)
            }
            try networks.forward(generator)
        }
    }
}
