import LaminaFormats

extension Recipe {
    public struct Optimizer: Sendable, Equatable {
        public var component: Component
        /// Parameter groups with settings of their own; a parameter belongs to the first that matches it.
        public var groups: [ParameterGroup]
        /// Gradients are scaled down until their common norm is at most this.
        public var clipNorm: Double?
        /// Then every gradient value is limited to [-clipValue, clipValue].
        public var clipValue: Double?
        /// The learning rate's course; nil: constant.
        public var schedule: Component?
        /// A parameter's learning rate is multiplied by this as often as its depth in blocks says; nil: by nothing.
        public var layerDecay: Double?

        public init(
            _ component: Component, groups: [ParameterGroup] = [], clipNorm: Double? = nil, clipValue: Double? = nil,
            schedule: Component? = nil, layerDecay: Double? = nil
        ) {
            self.component = component
            self.groups = groups
            self.clipNorm = clipNorm
            self.clipValue = clipValue
            self.schedule = schedule
            self.layerDecay = layerDecay
        }

        /// The index of the group that a parameter belongs to; nil: the optimizer's own attributes hold.
        public func group(of parameter: String, isNoDecay: Bool) -> Int? {
            groups.firstIndex { $0.matches(parameter, isNoDecay: isNoDecay) }
        }
    }

    /// Parameters that are trained with other attributes than the rest.
    public struct ParameterGroup: Sendable, Equatable {
        /// Patterns of parameter names ("*.bias"), or `noDecay`.
        public var patterns: [String]
        /// What differs from the optimizer's attributes.
        public var overrides: JSONObject
        /// All attributes, as the group's own optimizer gets them.
        public var attributes: JSONObject

        /// The pattern that stands for all parameters that their layer excludes from weight decay.
        public static let noDecay = "no_decay"

        public init(patterns: [String], overrides: JSONObject, attributes: JSONObject) {
            self.patterns = patterns
            self.overrides = overrides
            self.attributes = attributes
        }

        public func matches(_ parameter: String, isNoDecay: Bool) -> Bool {
            patterns.contains { $0 == Self.noDecay ? isNoDecay : Wildcard.matches($0, parameter) }
        }
    }

    /// How long, in which portions, from which random numbers.
    public struct Training: Sendable, Equatable {
        public var epochs = 1
        /// Samples per step.
        public var batch = 32
        /// All random numbers follow from it: initial weights, shuffling, dropout.
        public var seed: UInt64 = 0
        /// The fraction of the training data that is held back for validation.
        public var validate: Double?
        public var shuffle = true
        /// What no machine has use for: every thread takes memory and a place among the system's processes.
        public static let threadLimit = 1024
        /// At most `threadLimit`; nil: one per processor core.
        public var threads: Int?
        public var earlyStopping: EarlyStopping?
        /// Epochs between checkpoints.
        public var checkpointEvery = 1
        /// Batches whose gradients are added up before a step.
        public var accumulate = 1
        /// Batches of which the samples are put together by the length of their texts; nil: as they come.
        public var bucket: Int?
        /// Changes of whole batches before each step, in this order.
        public var batchTransforms: [Component] = []

        public init() {}

        /// What of it holds for a procedure, which has batches and validation of its own, if any.
        static let procedureKeys = ["epochs", "seed", "threads", "checkpoint_every"]
        /// What does if it trains the recipe's networks on the recipe's data.
        static let networkKeys = procedureKeys + ["batch", "shuffle"]
    }

    /// Ends training when validation no longer gets better.
    public struct EarlyStopping: Sendable, Equatable {
        /// Epochs without an improvement.
        public var patience: Int
        /// "loss", or one of the recipe's metrics by its id.
        public var metric: String
        /// Smaller changes are no improvement.
        public var minimumChange: Double

        public init(patience: Int, metric: String = Self.loss, minimumChange: Double = 0) {
            self.patience = patience
            self.metric = metric
            self.minimumChange = minimumChange
        }

        public static let loss = "loss"
    }
}
