import LaminaSDK

/// What recipes may say about a training.
enum TrainingAttributes {
    static func schemas(learningRate: Double) -> [AttributeSchema] {
        [
            .path("corpus", "a text file in UTF-8: words between white space, a sentence per line"),
            .integer("dimensions", default: 100, 1...100_000, "length of the vectors"),
            .integer("window", default: 5, 1...1000, "words on either side, at most; 1 to as many at random"),
            .string(
                "loss", default: "negative_sampling",
                choices: ["negative_sampling", "hierarchical_softmax", "full_softmax"],
                "what the predicted word is told from: noise, a tree's other branches, all words"),
            .integer("negative", default: 5, 1...1000, "noise words per window, with negative_sampling"),
            .real("exponent", default: 0.75, -10...10, "noise words are drawn by their counts to this power"),
            .real("negative_weight", default: 1, 0...1000, "factor on the gradient of noise words"),
            .real("sample", default: 1e-3, 0...1, "words above this share of the text are thinned out; 0: none"),
            .integer("min_count", default: 5, 1...1e12, "words that occur more rarely are left out"),
            .integer("max_words", default: nil, 2...1e9, "keeps only as many words, the most frequent ones"),
            .real("learning_rate", default: learningRate, 0...100, "at the beginning"),
            .real("min_learning_rate", default: 1e-4, 0...100, "at the end; in between it falls linearly"),
            .bool("phrases", default: false, "reads words that often stand together as one: new_york"),
            .real("phrase_threshold", default: 100, 0...1e12, "how much oftener than chance; higher: fewer phrases"),
            .optionalIntegers(
                "subwords", 1...Double(Subwords.longestGram), count: 2...2,
                "shortest and longest character n-gram that words are made of, too"),
            .integer("buckets", default: 200_000, 1...1e9, "rows that n-grams are hashed to"),
            .bool("deterministic", default: false, "one thread only: the same bits in each run"),
        ]
    }

    static func settings(_ attributes: Attributes, _ architecture: Settings.Architecture) throws -> Settings {
        var settings = Settings()
        settings.architecture = architecture
        settings.objective =
            switch attributes.string("loss") {
            case "hierarchical_softmax": .hierarchicalSoftmax
            case "full_softmax": .fullSoftmax
            default: .negativeSampling
            }
        settings.dimension = attributes.integer("dimensions")
        settings.window = attributes.integer("window")
        settings.negatives = attributes.integer("negative")
        settings.exponent = attributes.real("exponent")
        settings.negativeWeight = attributes.real("negative_weight")
        settings.sample = attributes.real("sample")
        settings.rate = attributes.real("learning_rate")
        settings.lastRate = attributes.real("min_learning_rate")
        settings.isDeterministic = attributes.bool("deterministic")
        guard settings.lastRate <= settings.rate else {
            throw PluginError.attribute(
                "min_learning_rate is \(settings.lastRate), above learning_rate (\(settings.rate)), which falls to it")
        }
        if let lengths = attributes.optionalIntegers("subwords") {
            guard lengths[0] <= lengths[1] else {
                throw PluginError.attribute("subwords are \(lengths): wanted the shortest length, then the longest")
            }
            guard settings.objective != .fullSoftmax || architecture == .bagOfWords else {
                throw PluginError.attribute(
                    "full_softmax goes with subwords in cbow alone; take loss: negative_sampling or hierarchical_softmax"
                )
            }
            settings.subwords = Subwords(lengths: lengths[0]...lengths[1], buckets: attributes.integer("buckets"))
        }
        return settings
    }
}
