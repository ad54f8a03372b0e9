import CLamina
import LaminaSDK

/// `lamina task MODEL evaluate --classifier CLASSIFIER.lamina`: how good samples are, beside real ones.
struct Evaluate: ModelTask {
    static let name = "evaluate"
    static let documentation =
        "Judges samples by a classifier: inception score, Fréchet distance of its features from those of real samples, classes "
        + "that occur, and how often it sees the class that was asked for. Points in a plane are judged by the real ones' classes."
    static let attributes: [AttributeSchema] = [
        .path("classifier", optional: true, "the archive of a classifier of such samples"),
        .integer("count", default: 10_000, 2...1e6, "how many samples"),
        .integer("seed", default: 0, "the noise follows from it"),
        .integer(
            "splits", default: 10, 1...1000, "parts over which the inception score's mean and deviation are taken"),
    ]

    private let classifier: String?
    private let count, seed, splits: Int

    init(_ attributes: Attributes, host: Host) {
        classifier = attributes.optionalString("classifier")
        (count, seed) = (attributes.integer("count"), attributes.integer("seed"))
        splits = attributes.integer("splits")
    }

    func run(_ model: TaskModel, _ arguments: [String], _ answer: TaskAnswer) throws {
        guard arguments.isEmpty else {
            throw PluginError.attribute(
                "got '\(arguments[0])', wanted no argument; options are --classifier and others")
        }
        let generator = try TrainedGenerator(model)
        if generator.size == 2 {
            guard classifier == nil else {
                throw PluginError.attribute(
                    "points in a plane are judged by the classes of the real ones: leave out --classifier")
            }
            return try PointModes(real: model).report(generator, count: count, seed: seed, answer)
        }
        guard let classifier else {
            throw PluginError.attribute(
                "samples of shape \(generator.shape) are judged by a classifier: name its archive with --classifier")
        }
        guard splits <= count else {
            throw PluginError.attribute(
                "--splits is \(splits), wanted at most the number of samples, --count \(count)")
        }
        let judge = try Classifier(classifier) { try model.open($0) }
        let made = try SampleJudgement(judge) { judgement in
            let places = generator.takesClass ? try judge.numbers(of: model.labels) : []
            let classes = (0..<count).map { $0 % max(places.count, 1) }
            try generator.make({ generator.noise(seed: seed, $0) }, classes: classes, answer) { first, values in
                let made = first..<first + values.count / generator.size
                try judgement.add(
                    generator.asset.range.bytes(values, shape: generator.shape),
                    generator.takesClass ? classes[made].map { places[$0] } : [])
            }
        }
        if made.moments == nil {
            model.host.log(
                LAMINA_LOG_WARNING,
                "the classifier has more than \(FeatureMoments.mostFeatures) features: too many for a Fréchet distance")
        }
        let real = try realSamples(model, judge, answer)
        let score = InceptionScore.of(made.probabilities, splits: splits)
        row(answer, "inception score", score.mean)
        row(answer, "its standard deviation, over \(splits) splits", score.deviation)
        if let real, real.probabilities.count >= splits {
            row(answer, "inception score of real samples", InceptionScore.of(real.probabilities, splits: splits).mean)
        } else if let real {
            model.host.log(
                LAMINA_LOG_WARNING,
                "\(real.probabilities.count) real samples are too few for an inception score over \(splits) splits")
        }
        if let real, let distance = made.frechetDistance(to: real) {
            row(answer, "Fréchet distance of features", distance)
        }
        row(answer, "classes hit, of \(judge.classes)", Double(made.hits.count { $0 > 0 }))
        row(answer, "share of the rarest class", Double(made.hits.min() ?? 0) / Double(count))
        if generator.takesClass { row(answer, "agreement with the asked class", Double(made.agreed) / Double(count)) }
    }

    private func row(_ answer: TaskAnswer, _ measure: String, _ value: Double) {
        answer.addRow(["measure": .string(measure), "value": .real(value)])
    }

    /// The recipe's test data, or else its training data; nil: there are none of bytes.
    private func realSamples(
        _ model: TaskModel, _ judge: Classifier, _ answer: TaskAnswer
    ) throws -> SampleJudgement? {
        let split: TaskModel.Split = try model.sampleCount(.test) == nil ? .train : .test
        func without(_ reason: String) -> SampleJudgement? {
            model.host.log(LAMINA_LOG_WARNING, "there is no comparison with real samples: \(reason)")
            return nil
        }
        guard let total = try model.sampleCount(split), total > 1 else {
            return without("the data of the recipe in the archive cannot be read, or are too few")
        }
        if split == .train {
            model.host.log(
                LAMINA_LOG_WARNING,
                "the recipe in the archive names no test data: samples are compared with those that training has seen")
        }
        let form = try model.samples(split, 0..<1).values
        guard form.dtype == .uint8 else { return without("those of the recipe's data are no bytes, as images are") }
        let (shape, size) = (Array(form.shape.dropFirst()), form.count)
        let order = SampleOrder(total)
        return try SampleJudgement(judge) { judgement in
            let count = min(total, count)
            for first in stride(from: 0, to: count, by: 256) {
                let rows = min(256, count - first)
                let raw = TensorBuffer(.uint8, [rows] + shape)
                for row in 0..<rows {
                    let place = order[first + row]
                    let values = try model.samples(split, place..<place + 1).values
                    (raw.tensor.uint8s + row * size).update(from: values.uint8s, count: size)
                }
                try judgement.add(raw, [])
                answer.progress(first + rows, of: count)
                if model.host.isCancelled { throw PluginError.cancelled }
            }
        }
    }
}

/// What a classifier sees in samples.
struct SampleJudgement {
    private let judge: Classifier
    private(set) var probabilities: [[Double]] = []
    /// nil: the features are too many.
    private(set) var moments: FeatureMoments?
    /// Samples of each class.
    private(set) var hits: [Int]
    /// Those of the class that was asked for.
    private(set) var agreed = 0

    init(_ judge: Classifier, _ fill: (inout SampleJudgement) throws -> Void) throws {
        self.judge = judge
        hits = [Int](repeating: 0, count: judge.classes)
        try fill(&self)
    }

    /// nil: the features are too many.
    func frechetDistance(to other: SampleJudgement) -> Double? {
        guard let moments, let others = other.moments else { return nil }
        return moments.frechetDistance(to: others)
    }

    mutating func add(_ raw: TensorBuffer, _ asked: [Int]) throws {
        let result = try withExtendedLifetime(raw) { try judge.judge(raw.tensor) }
        let size = result.features.count / max(result.features.size(0), 1)
        if probabilities.isEmpty, size <= FeatureMoments.mostFeatures { moments = FeatureMoments(size: size) }
        moments?.add(result.features.floats, rows: result.features.size(0))
        for (index, row) in result.probabilities.enumerated() {
            let best = row.indices.max { row[$0] < row[$1] }!
            hits[best] += 1
            if asked.indices.contains(index), asked[index] == best { agreed += 1 }
        }
        probabilities += result.probabilities
    }
}
