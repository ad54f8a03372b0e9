import LaminaSDK

/// What a plan is made for: concrete input shapes and which results are wanted. Plans are cached by it.
public struct PlanRequest: Hashable, Sendable {
    public enum Phase: Sendable, Hashable {
        /// Dropout off, running statistics.
        case inference
        /// Dropout on, batch statistics.
        case training
    }

    /// One concrete shape per graph input, with the batch dimension.
    public var inputs: [[Int]]
    /// Type and shape of the target when the loss is wanted; nil leaves the loss out.
    public var target: Target?
    public var phase: Phase
    /// Gradients of the loss (without one: of the sum of all outputs) for all parameters that are not frozen.
    public var parameterGradients: Bool
    /// Gradients for the floating-point inputs.
    public var inputGradients: Bool
    /// Parameter gradients may be added to those of an earlier batch.
    public var accumulates: Bool
    /// The caller writes the gradients of the outputs (`Plan.outputGradients`) between forward and backward; there is no loss.
    public var takesOutputGradients: Bool

    /// Sequences come step by step; nil: whole.
    public var steps: Steps?

    public struct Steps: Hashable, Sendable {
        /// Per graph input: whether it holds only the newest steps, [N, steps, …].
        public var inputs: [Bool]
        /// How many steps sequences may have.
        public var capacity: Int
        public init(inputs: [Bool], capacity: Int) {
            self.inputs = inputs
            self.capacity = capacity
        }
    }

    public struct Target: Hashable, Sendable {
        public var dtype: DataType
        public var shape: [Int]
        public init(_ dtype: DataType, _ shape: [Int]) {
            self.dtype = dtype
            self.shape = shape
        }
    }

    public init(
        inputs: [[Int]], target: Target? = nil, phase: Phase = .inference, parameterGradients: Bool = false,
        inputGradients: Bool = false, accumulates: Bool = false, takesOutputGradients: Bool = false, steps: Steps? = nil
    ) {
        self.inputs = inputs
        self.target = target
        self.phase = phase
        self.parameterGradients = parameterGradients
        self.inputGradients = inputGradients
        self.accumulates = accumulates
        self.takesOutputGradients = takesOutputGradients
        self.steps = steps
    }

    var wantsGradients: Bool { parameterGradients || inputGradients }
}
