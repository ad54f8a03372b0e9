import LaminaFormats
import LaminaSDK

/// Two kinds of images without pairs: G makes images of B of those of A, F images of A of those of B.
///
/// A step, on a batch a of A and one b of B: G and F learn together from
///
///     L = a(D_B(G(a))) + a(D_A(F(b))) + λ · (mean |F(G(a)) − a| + mean |G(F(b)) − b|)
///         + κλ · (mean |G(b) − b| + mean |F(a) − a|)
///
/// with a as in `AdversarialLoss` (least squares without ½); then D_A learns to tell a from F(b), and D_B to tell b from G(a), each
/// by half of its loss. In place of F(b) and G(a), an `ImageBuffer` shows older ones, too.
///
/// Data: stream 0 gives a, stream 1 b, in orders of their own; data.input: [a, b]. Source: Zhu, Park, Isola, Efros: Unpaired
/// image-to-image translation using cycle-consistent adversarial networks, ICCV 2017.
final class CycleGAN: Procedure {
    static let name = "cyclegan"
    static let documentation =
        "Trains the networks 'a_to_b' and 'b_to_a' to make images of one kind of those of another, without pairs, against "
        + "'discriminator_a' and 'discriminator_b'."
    static let attributes: [AttributeSchema] =
        Discriminator.Settings.schemas(loss: .leastSquares) + [
            .real("cycle", default: 10, 0...1e6, "factor λ of the mean absolute difference after there and back"),
            .real(
                "identity", default: 0.5, 0...1e6,
                "factor of the difference that generators make to images of their own kind, times cycle; 0: none"),
            .integer("buffer", default: 50, 0...1e6, "made images per kind that are kept for the discriminators"),
        ] + SamplePictures.Settings.schemas(samples: 8)

    let host: Host
    let settings: Discriminator.Settings
    let weights: (cycle: Double, identity: Double)
    let bufferSize: Int
    private let pictures: SamplePictures.Settings
    private var clock = TrainingClock(batchesPerStep: 1)
    private(set) var roles: Roles?
    private var game: CycleGame?

    /// The networks by what they do; the states by their places.
    struct Roles {
        let there, back: TranslatorRole
        let judgeA, judgeB: JudgeRole
        let examples: ShownExamples

        init(_ networks: Networks, _ pictures: SamplePictures.Settings, comparesIdentity: Bool) throws {
            there = try TranslatorRole("a_to_b", in: networks, of: CycleGAN.name)
            back = try TranslatorRole("b_to_a", in: networks, of: CycleGAN.name)
            judgeA = try JudgeRole(
                "discriminator_a", in: networks, of: CycleGAN.name, made: (back.to, "b_to_a"))
            judgeB = try JudgeRole(
                "discriminator_b", in: networks, of: CycleGAN.name, made: (there.to, "a_to_b"))
            guard there.from == back.to, there.to == back.from else {
                throw PluginError.attribute(
                    "network 'a_to_b' makes \(there.to) of \(there.from), 'b_to_a' \(back.to) of \(back.from): each has to take "
                        + "what the other makes")
            }
            guard there.from == there.to || !comparesIdentity else {
                throw PluginError.attribute(
                    "the images of A are \(there.from), those of B \(there.to): a generator cannot keep those of its own kind; "
                        + "set identity: 0")
            }
            examples = ShownExamples(pictures, networks)
        }
    }

    init(_ attributes: Attributes, host: Host) throws {
        self.host = host
        settings = try Discriminator.Settings(attributes).forTranslation()
        let cycle = attributes.real("cycle")
        weights = (cycle, cycle * attributes.real("identity"))
        bufferSize = attributes.integer("buffer")
        pictures = try SamplePictures.Settings(attributes)
    }

    func define(_ model: ProcedureModel) throws {
        let networks = try model.requiredNetworks(
            ["a_to_b", "b_to_a", "discriminator_a", "discriminator_b"], of: Self.name)
        let roles = try Roles(networks, pictures, comparesIdentity: weights.identity > 0)
        self.roles = roles
        try model.publish(roles.there.number)
        try model.publish(roles.back.number)
        let domains = [("a", roles.there.from), ("b", roles.there.to)]
        for (stream, (name, shape)) in domains.enumerated() {
            try model.addData(name, .float32, shape, stream: stream)
            try roles.examples.addState(name, shape, to: model)
        }
        for (name, shape) in domains where bufferSize > 0 {
            try model.addState("buffer_" + name, .float32, [bufferSize] + shape)
        }
        try model.addAsset(TranslationAsset.name, TranslationAsset(range: pictures.range).json.bytes())
    }

    func start(_ run: ProcedureRun) throws {
        settings.warnOfNoLimit(host)
        game = try CycleGame(self, run)
    }

    func step(_ run: ProcedureRun) throws -> ProcedureProgress {
        var progress = ProcedureProgress()
        let game = game!
        try game.play(clock.steps, run)
        if clock.advance(run, game.networks, &progress) { try game.endEpoch(progress.epochs, run) }
        return progress
    }

    func save() throws -> String { clock.save() }

    func restore(_ json: String, _ run: ProcedureRun) throws {
        try clock.restore(json)
        game = try CycleGame(self, run)
    }
}
