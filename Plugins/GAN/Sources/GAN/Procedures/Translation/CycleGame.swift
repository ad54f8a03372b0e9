import LaminaSDK

/// The passes of a training by `CycleGAN`.
///
/// A network holds one forward at a time, so each pass through one is followed by its backward before that network runs again: a
/// chain there and back, the other chain, and each generator on images of its own kind; gradients add up.
final class CycleGame {
    let networks: Networks
    private let weights: (cycle: Double, identity: Double)
    private let roles: CycleGAN.Roles
    private let noise: Noise
    private let there, back: Translator
    private let judgeA, judgeB: Discriminator
    private let bufferA, bufferB: ImageBuffer
    private let keepsImages: Bool

    init(_ owner: CycleGAN, _ run: ProcedureRun) throws {
        let (networks, roles, host) = (run.networks!, owner.roles!, owner.host)
        (self.networks, self.roles, weights) = (networks, roles, owner.weights)
        noise = Noise(distribution: .uniform, seed: run.seed, host: host)
        there = try Translator(networks, roles.there.number, examples: roles.examples.count)
        back = try Translator(networks, roles.back.number, examples: roles.examples.count)
        func judge(_ role: JudgeRole, _ prefix: String) throws -> Discriminator {
            try Discriminator(
                networks, role.number, sample: role.ports.sample, owner.settings, prefix: prefix, host: host)
        }
        (judgeA, judgeB) = (try judge(roles.judgeA, "a_"), try judge(roles.judgeB, "b_"))
        func buffer(_ shape: [Int]) -> ImageBuffer {
            ImageBuffer(size: owner.bufferSize, batch: networks.batch, shape: shape, host: host)
        }
        (bufferA, bufferB) = (buffer(roles.there.from), buffer(roles.there.to))
        keepsImages = owner.bufferSize > 0
    }

    /// Both generators learn, then both discriminators.
    func play(_ step: Int, _ run: ProcedureRun) throws {
        let (a, b) = (try networks.nextBatch(0)[0], try networks.nextBatch(1)[0])
        if step == 0 {
            roles.examples.keep(a, in: run.state(0))
            roles.examples.keep(b, in: run.state(1))
        }
        try learn(a, "a", there, back, judgeB) { made in
            self.keep(made, self.bufferB, 1, step, run)
        }
        try learn(b, "b", back, there, judgeA) { made in
            self.keep(made, self.bufferA, 0, step, run)
        }
        if weights.identity > 0 {
            try keepOwnKind(b, "b", there)
            try keepOwnKind(a, "a", back)
        }
        try there.update()
        try back.update()
        try judgeA.learn(real: [a], generated: [bufferA.shown], random: noise.stream(.mixtures, 2 * step))
        try judgeB.learn(real: [b], generated: [bufferB.shown], random: noise.stream(.mixtures, 2 * step + 1))
    }

    private func keep(_ made: Tensor, _ buffer: ImageBuffer, _ domain: Int, _ step: Int, _ run: ProcedureRun) {
        buffer.take(
            made, keepingIn: keepsImages ? run.state(2 + domain) : nil, before: step * networks.batch,
            random: noise.stream(.buffers, 2 * step + domain))
    }

    /// Images go there and back: gradients of what the judge says of them there, and of how far they come back.
    private func learn(
        _ images: Tensor, _ name: String, _ there: Translator, _ back: Translator, _ judge: Discriminator,
        made note: (Tensor) -> Void
    ) throws {
        let made = try there.make(there.first, of: images)
        note(made)
        let again = try back.make(back.second, of: made)
        let distances = back.second.outputGradients[0]
        distances.floats.update(repeating: 0, count: distances.count)
        let distance = AbsoluteDistance.add(again, images, weight: weights.cycle, to: distances)
        networks.measure("cycle_" + name, distance)
        try back.learn(back.second)
        networks.measure("generator_loss_" + name, try judge.judge([made]))
        let gradients = there.first.outputGradients[0]
        let (opinions, ways) = (judge.slope.floats, back.second.inputGradients[0].floats)
        for index in 0..<gradients.count { gradients.floats[index] = opinions[index] + ways[index] }
        try there.learn(there.first)
    }

    /// A generator is to leave images as they are that are already what it makes.
    private func keepOwnKind(_ images: Tensor, _ name: String, _ translator: Translator) throws {
        let made = try translator.make(translator.first, of: images)
        let gradients = translator.first.outputGradients[0]
        gradients.floats.update(repeating: 0, count: gradients.count)
        networks.measure(
            "identity_" + name, AbsoluteDistance.add(made, images, weight: weights.identity, to: gradients))
        try translator.learn(translator.first)
    }

    /// Rows: images of A, made ones of B, and back; then from B. Warns of games that are won.
    func endEpoch(_ epoch: Int, _ run: ProcedureRun) throws {
        judgeA.endEpoch(epoch)
        judgeB.endEpoch(epoch)
        var rows = TranslationPicture(count: roles.examples.count, roles.examples.settings.range)
        for (images, first, second) in [(run.state(0), there, back), (run.state(1), back, there)] {
            rows.add(images)
            let made = try first.make(first.shown, of: images)
            rows.add(made)
            rows.add(try second.make(second.shown, of: made))
        }
        try roles.examples.write(rows, networks, epoch: epoch)
    }
}
