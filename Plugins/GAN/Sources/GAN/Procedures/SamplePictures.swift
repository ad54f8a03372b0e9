import CLamina
import Glibc
import LaminaSDK

/// What people see of a generator while it learns: after every epoch a picture of samples of the same noise, how much the
/// samples differ from each other, and warnings when they are all alike.
final class SamplePictures {
    struct Settings {
        var count: Int
        var range: SampleGrid.Range
        /// The archive of a classifier that judges them; nil: nobody does.
        var classifier: String?

        static func schemas(samples: Int = 64) -> [AttributeSchema] {
            [
                .integer(
                    "samples", default: samples, 1...4096, "samples in the picture that is made after every epoch"),
                .real("black", default: -1, "the value of a sample that is shown black"),
                .real("white", default: 1, "the value of a sample that is shown white"),
            ]
        }

        init(_ attributes: Attributes) throws {
            count = attributes.integer("samples")
            classifier = attributes.optionalString("classifier")
            range = .init(low: attributes.real("black"), high: attributes.real("white"))
            guard range.low < range.high else {
                throw PluginError.attribute("black is \(range.low) and white \(range.high); wanted a lower black")
            }
        }
    }

    static let classifierSchema = AttributeSchema.path(
        "classifier", optional: true,
        "the archive of a classifier that tells how evenly samples spread over its classes")

    /// Classes that the data have, as far as they were seen.
    var classes = 1
    static let mostClasses = 1 << 31
    private let networks: Networks
    private let generator: (number: Int, ports: NetworkPorts)
    private let noise: Noise
    private let settings: Settings
    private let loss: AdversarialLoss
    private let host: Host
    private let pass: Pass
    /// Of points in a plane: the discriminator on a lattice.
    private var surface: Pass?
    private let classifier: Classifier?
    private var real: (values: [Float], count: Int) = ([], 0)
    private static let latticeSide = 60

    init(
        _ networks: Networks, _ generator: (number: Int, ports: NetworkPorts),
        _ discriminator: (number: Int, ports: NetworkPorts), _ noise: Noise, _ settings: Settings,
        _ loss: AdversarialLoss, _ host: Host
    ) throws {
        (self.networks, self.generator, self.noise, self.host) = (networks, generator, noise, host)
        (self.settings, self.loss) = (settings, loss)
        classifier = try settings.classifier.map { path in
            try Classifier(path) { try networks.open($0, host: host) }
        }
        pass = try networks.plan(generator.number, batch: settings.count, [])
        let made = pass.outputs[0].shape.dropFirst().map { $0 }
        guard classifier == nil || SampleGrid.isImage(made) else {
            throw PluginError.attribute(
                "a classifier judges gray or RGB images, but network 'generator' makes samples of shape \(made); leave classifier out"
            )
        }
        try classifier?.check(samples: made, settings.range)
        if discriminator.ports.shape == [2], discriminator.ports.label == nil {
            surface = try networks.plan(
                discriminator.number, batch: Self.latticeSide * Self.latticeSide, [])
        }
    }

    /// Keeps the last real samples, to compare with.
    func note(real: Tensor, _ label: Tensor?) throws {
        let count = real.count
        if self.real.values.count != count { self.real.values = [Float](repeating: 0, count: count) }
        self.real.values.withUnsafeMutableBufferPointer { $0.baseAddress?.update(from: real.floats, count: count) }
        self.real.count = real.size(0)
        guard let label else { return }
        for index in 0..<label.count {
            let number = label.int64s[index]
            guard (0..<Int64(Self.mostClasses)).contains(number) else {
                throw PluginError.data(
                    "a sample is of class \(number), wanted 0 to \(Self.mostClasses - 1): the data's target is no class"
                )
            }
            classes = max(classes, Int(number) + 1)
        }
    }

    /// Makes the samples, shows them, and measures how they differ.
    func show(epoch: Int) throws {
        let input = pass.inputs[generator.ports.sample]
        noise.fill(.pictures, 0, input.floats, count: input.count)
        if let place = generator.ports.label {
            for index in 0..<settings.count { pass.inputs[place].int64s[index] = Int64(index % classes) }
        }
        try networks.forward(pass)
        let samples = pass.outputs[0]
        let shape = samples.shape.dropFirst().map { $0 }
        let name = Self.fileName(epoch: epoch)
        if SampleGrid.isImage(shape) {
            if epoch == 1 { warnOfRange() }
            let columns =
                generator.ports.label == nil
                ? Int(Double(settings.count).squareRoot().rounded(.up)) : min(classes, settings.count)
            let picture = SampleGrid.picture(
                samples.floats, count: settings.count, shape: shape, columns: columns, settings.range)
            try networks.writeSample(name, picture.png())
        } else if shape == [2] {
            try networks.writeSample(name, plot(samples).png())
        }
        if let classifier { try judge(samples, shape, classifier, epoch) }
        // One sample differs from none.
        guard settings.count > 1, real.count > 1 else { return }
        let diversity = diversity(samples.floats, settings.count, samples.count / settings.count)
        networks.measure("diversity", diversity)
        if diversity < 0.2 {
            host.log(
                LAMINA_LOG_WARNING,
                "epoch \(epoch): the samples differ from each other only \(text(diversity)) times as much as real ones do: the "
                    + "generator makes few different ones (mode collapse); try another loss, minibatch discrimination, or "
                    + "lower learning rates")
        }
    }

    /// Warns of real samples that are not what `black` and `white` say: pictures and scores are of other images then.
    private func warnOfRange() {
        let (least, most) = (Double(real.values.min() ?? 0), Double(real.values.max() ?? 0))
        let (range, span) = (settings.range, settings.range.high - settings.range.low)
        let isInside = least >= range.low - 0.05 * span && most <= range.high + 0.05 * span
        guard !isInside || most - least < 0.6 * span else { return }
        host.log(
            LAMINA_LOG_WARNING,
            "real samples of a batch run from \(text(least)) to \(text(most)), but black is \(range.low) and white \(range.high): "
                + "pictures, and scores of them, are of other images than the generator's; set black and white to those of the data"
        )
    }

    /// The entropy of the classes that a classifier sees, its most probable one per sample, over log(classes): 1 when all are
    /// as frequent, 0 when there is only one. What it is unsure of counts as one class, too: undecided is not diverse.
    static func entropy(_ seen: [[Double]], classes: Int) -> Double {
        var counts = [Double](repeating: 0, count: classes)
        for probabilities in seen { counts[probabilities.indices.max { probabilities[$0] < probabilities[$1] }!] += 1 }
        return counts.reduce(0) { entropy, count in
            let share = count / Double(seen.count)
            return share > 0 ? entropy - share * log(share) / log(Double(classes)) : entropy
        }
    }

    private func judge(_ samples: Tensor, _ shape: [Int], _ classifier: Classifier, _ epoch: Int) throws {
        let raw = settings.range.bytes(UnsafeBufferPointer(start: samples.floats, count: samples.count), shape: shape)
        let seen = try withExtendedLifetime(raw) { try classifier.judge(raw.tensor).probabilities }
        let entropy = Self.entropy(seen, classes: classifier.classes)
        networks.measure("class_entropy", entropy)
        guard entropy < 0.6 else { return }
        host.log(
            LAMINA_LOG_WARNING,
            "epoch \(epoch): the samples' classes have \(text(entropy)) of the entropy of equally frequent ones: the generator "
                + "makes few of the classes (mode collapse); try another loss, minibatch discrimination, or lower learning rates"
        )
    }

    /// That of the picture after an epoch: "epoch-0003.png".
    static func fileName(epoch: Int) -> String {
        let number = String(epoch)
        return "epoch-" + String(repeating: "0", count: max(0, 4 - number.count)) + number + ".png"
    }

    /// Three decimals.
    private func text(_ value: Double) -> String { String((value * 1000).rounded() / 1000) }

    /// How real a discriminator holds each place, 0 to 1: the mean over its outputs there.
    static func surface(_ outputs: Tensor, places: Int, threshold: Double) -> [Double] {
        let each = outputs.count / places
        return (0..<places).map { place in
            let values = UnsafeBufferPointer(start: outputs.floats + place * each, count: each)
            return values.reduce(0) { $0 + AdversarialLoss.logistic(Double($1) - threshold) } / Double(each)
        }
    }

    private func plot(_ samples: Tensor) throws -> PlanePlot {
        let extent = Double(real.values.reduce(0) { max($0, abs($1)) }) * 1.3 + 1e-6
        var values: [Double] = []
        if let surface {
            for (index, place) in PlanePlot.lattice(side: Self.latticeSide, extent: extent).enumerated() {
                surface.inputs[0].floats[2 * index] = Float(place.x)
                surface.inputs[0].floats[2 * index + 1] = Float(place.y)
            }
            try networks.forward(surface)
            values = Self.surface(
                surface.outputs[0], places: Self.latticeSide * Self.latticeSide, threshold: loss.threshold ?? 0)
        }
        var plot = PlanePlot(extent: extent, surface: values)
        for index in 0..<real.count {
            plot.add(x: Double(real.values[2 * index]), y: Double(real.values[2 * index + 1]), [90, 90, 90])
        }
        for index in 0..<settings.count {
            plot.add(x: Double(samples.floats[2 * index]), y: Double(samples.floats[2 * index + 1]), [0, 130, 0])
        }
        return plot
    }

    /// The root of the mean variance of the samples' features, relative to that of real samples: 1 for equally different ones.
    private func diversity(_ samples: UnsafePointer<Float>, _ count: Int, _ size: Int) -> Double {
        let made = Self.variance(samples, count, size)
        let given = real.values.withUnsafeBufferPointer { values in
            values.baseAddress.map { Self.variance($0, real.count, size) } ?? 0
        }
        return given > 0 ? (made / given).squareRoot() : 1
    }

    private static func variance(_ values: UnsafePointer<Float>, _ count: Int, _ size: Int) -> Double {
        guard count > 1 else { return 0 }
        var sum = 0.0
        for feature in 0..<size {
            var (mean, squares) = (0.0, 0.0)
            for row in 0..<count { mean += Double(values[row * size + feature]) }
            mean /= Double(count)
            for row in 0..<count {
                let difference = Double(values[row * size + feature]) - mean
                squares += difference * difference
            }
            sum += squares / Double(count - 1)
        }
        return sum / Double(max(size, 1))
    }
}
