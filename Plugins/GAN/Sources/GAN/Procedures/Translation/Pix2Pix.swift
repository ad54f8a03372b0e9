import LaminaFormats
import LaminaSDK

/// Pairs of images: a generator G makes of a source x the target y that belongs to it.
///
/// A step: D learns to tell (x, y) from (x, G(x)) by half of its loss; then G learns from what D says of (x, G(x)), and from the
/// distance to the target: L_G = a(D(x, G(x))) + λ · mean |y − G(x)|, with a as in `AdversarialLoss` (least squares without ½).
/// A discriminator without an input "condition" sees the images alone. There is no noise but that of G's dropout.
///
/// Data: two tensors of a sample, data.input: [source, target]. Source: Isola, Zhu, Zhou, Efros: Image-to-image translation
/// with conditional adversarial networks, CVPR 2017.
final class Pix2Pix: Procedure {
    static let name = "pix2pix"
    static let documentation =
        "Trains the network 'generator' to make of images those that belong to them, from pairs, against 'discriminator'."
    static let attributes: [AttributeSchema] =
        Discriminator.Settings.schemas() + [
            .real("l1", default: 100, 0...1e6, "factor λ of the mean absolute difference to the target")
        ] + SamplePictures.Settings.schemas(samples: 8)

    private let host: Host
    private let settings: Discriminator.Settings
    private let distance: Double
    private let pictures: SamplePictures.Settings
    private var clock = TrainingClock(batchesPerStep: 1)
    private var roles: Roles?
    private var game: Game?

    private struct Roles {
        let generator: TranslatorRole
        let discriminator: JudgeRole
        let examples: ShownExamples
    }

    init(_ attributes: Attributes, host: Host) throws {
        self.host = host
        settings = try Discriminator.Settings(attributes).forTranslation()
        distance = attributes.real("l1")
        pictures = try SamplePictures.Settings(attributes)
    }

    func define(_ model: ProcedureModel) throws {
        let networks = try model.requiredNetworks(["generator", "discriminator"], of: Self.name)
        let generator = try TranslatorRole("generator", in: networks, of: Self.name)
        let discriminator = try JudgeRole(
            "discriminator", in: networks, of: Self.name, made: (generator.to, "generator"), condition: generator.from)
        let examples = ShownExamples(pictures, networks)
        roles = Roles(generator: generator, discriminator: discriminator, examples: examples)
        try model.publish(generator.number)
        try model.addData("source", .float32, generator.from)
        try model.addData("target", .float32, generator.to)
        try examples.addState("source", generator.from, to: model)
        try examples.addState("target", generator.to, to: model)
        try model.addAsset(TranslationAsset.name, TranslationAsset(range: pictures.range).json.bytes())
    }

    func start(_ run: ProcedureRun) throws {
        settings.warnOfNoLimit(host)
        game = try Game(self, run)
    }

    func step(_ run: ProcedureRun) throws -> ProcedureProgress {
        var progress = ProcedureProgress()
        let game = game!
        try game.play(clock.steps, run)
        if clock.advance(run, game.networks, &progress) {
            game.discriminator.endEpoch(progress.epochs)
            try game.show(progress.epochs, run)
        }
        return progress
    }

    func save() throws -> String { clock.save() }

    func restore(_ json: String, _ run: ProcedureRun) throws {
        try clock.restore(json)
        game = try Game(self, run)
    }

    /// The passes of a training.
    private final class Game {
        let networks: Networks
        let roles: Roles
        let distance: Double
        let noise: Noise
        let generator: Pass
        let discriminator: Discriminator
        let shown: Pass

        init(_ owner: Pix2Pix, _ run: ProcedureRun) throws {
            networks = run.networks!
            roles = owner.roles!
            distance = owner.distance
            noise = Noise(distribution: .uniform, seed: run.seed, host: owner.host)
            generator = try networks.plan(
                roles.generator.number, batch: networks.batch, [.training, .parameterGradients])
            discriminator = try Discriminator(
                networks, roles.discriminator.number, sample: roles.discriminator.ports.sample, owner.settings,
                host: owner.host)
            shown = try networks.plan(roles.generator.number, batch: roles.examples.count, [])
        }

        func play(_ step: Int, _ run: ProcedureRun) throws {
            let batch = try networks.nextBatch()
            let (source, target) = (batch[0], batch[1])
            if step == 0 {
                roles.examples.keep(source, in: run.state(0))
                roles.examples.keep(target, in: run.state(1))
            }
            generator.inputs[0].floats.update(from: source.floats, count: source.count)
            try networks.forward(generator)
            let made = generator.outputs[0]
            let ports = roles.discriminator.ports
            try discriminator.learn(
                real: ports.order(target, condition: source), generated: ports.order(made, condition: source),
                random: noise.stream(.mixtures, step))
            networks.measure("generator_loss", try discriminator.judge(ports.order(made, condition: source)))
            let gradients = generator.outputGradients[0]
            gradients.floats.update(from: discriminator.slope.floats, count: gradients.count)
            networks.measure("l1", AbsoluteDistance.add(made, target, weight: distance, to: gradients))
            try networks.backward(generator)
            try networks.update(roles.generator.number)
        }

        /// Sources, what is made of them, targets.
        func show(_ epoch: Int, _ run: ProcedureRun) throws {
            let (source, target) = (run.state(0), run.state(1))
            shown.inputs[0].floats.update(from: source.floats, count: shown.inputs[0].count)
            try networks.forward(shown)
            var rows = TranslationPicture(count: roles.examples.count, roles.examples.settings.range)
            for images in [source, shown.outputs[0], target] { rows.add(images) }
            try roles.examples.write(rows, networks, epoch: epoch)
        }
    }
}
