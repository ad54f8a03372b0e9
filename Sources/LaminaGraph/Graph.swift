import CLamina
import LaminaFormats
import LaminaHost
import LaminaSDK
import LaminaSchema

/// A graph whose nodes are layers of installed plugins, with parameters named and shapes inferred.
///
/// Dimensions may be symbolic here; `Network` plans it for concrete ones.
public final class Graph: @unchecked Sendable {
    /// A trained tensor of the graph.
    public struct Parameter: Sendable {
        /// "<node>.<parameter>", as in PyTorch's state dictionaries.
        public let name: String
        public let shape: [Int]
        public let initializer: GraphDefinition.Initializer
        /// Whether weight decay makes sense for it (not for biases and normalisation scales).
        public let hasDecay: Bool
        public let isFrozen: Bool

        fileprivate var frozen: Parameter {
            Parameter(name: name, shape: shape, initializer: initializer, hasDecay: hasDecay, isFrozen: true)
        }
    }

    /// A tensor that is saved with the parameters but not trained.
    public struct Buffer: Sendable {
        public let name: String
        public let dtype: DataType
        public let shape: [Int]
        public let initial: Double
    }

    struct Node {
        let definition: GraphDefinition.Node
        let layer: LayerInstance
        /// Values that it reads; nil: not connected.
        let inputs: [Int?]
        /// First of its values; the others follow.
        let firstOutput: Int
        let outputCount: Int
        let parameters: [Int]
        let buffers: [Int]
        /// The fixed number of random streams per name, so that renaming nothing changes nothing.
        let stream: UInt64
    }

    public let definition: GraphDefinition
    public let registry: Registry
    public private(set) var parameters: [Parameter] = []
    public private(set) var buffers: [Buffer] = []
    private(set) var nodes: [Node] = []
    /// The loss node is the last one and is left out of plans that do not ask for it.
    let hasLoss: Bool
    /// Symbolic types and shapes of all values: graph inputs first, the target next if there is a loss.
    private(set) var values: [TensorSpec?] = []
    private(set) var outputValues: [Int] = []
    private(set) var valueNames: [String] = []

    var runtime: Runtime { registry.runtime }
    var targetValue: Int? { hasLoss ? definition.inputs.count : nil }
    var lossValue: Int? { hasLoss ? nodes[nodes.count - 1].firstOutput : nil }

    /// Checks the definition against the installed plugins, makes the layers and infers all shapes.
    ///
    /// - Parameter isFrozen: which parameters, by name and shape, are not trained beside those of frozen nodes.
    public init(
        _ definition: GraphDefinition, registry: Registry, isFrozen: (String, [Int]) -> Bool = { _, _ in false }
    ) throws(GraphError) {
        self.definition = definition
        self.registry = registry
        hasLoss = definition.loss != nil
        var builder = GraphAssembly(definition, registry)
        try builder.addInputs()
        for node in definition.nodes { try builder.add(node, isLoss: false) }
        try builder.addOutputs()
        if let loss = definition.loss { try builder.add(loss, isLoss: true) }
        parameters = builder.parameters.map { $0.isFrozen || !isFrozen($0.name, $0.shape) ? $0 : $0.frozen }
        buffers = builder.buffers
        nodes = builder.nodes
        values = builder.values
        outputValues = builder.outputValues
        valueNames = builder.valueNames
    }

    /// A shape as people read it: "[N, 32, 28, 28]".
    public func text(ofOutput index: Int) -> String {
        values[outputValues[index]].map { text($0) } ?? "?"
    }

    func text(_ spec: TensorSpec) -> String {
        "[" + spec.shape.map { runtime.dimensions.text($0) }.joined(separator: ", ") + "]"
    }

    /// One row per node for `lamina inspect`: name, component, shape of the first output, number of parameters.
    public var summary: [(name: String, component: String, output: String, parameters: Int)] {
        nodes.map { node in
            let count = node.parameters.reduce(0) { $0 + parameters[$1].shape.reduce(1, *) }
            return (
                node.definition.name, node.definition.component, values[node.firstOutput].map { text($0) } ?? "[]",
                count
            )
        }
    }

    /// Positions of the inputs that take what an output gave for the batch before, and of those outputs.
    public var carries: [(input: Int, output: Int)] {
        definition.carries.map { carry in
            (
                definition.inputs.firstIndex { $0.name == carry.input }!,
                definition.outputs.firstIndex { $0.name == carry.output }!
            )
        }
    }

    /// Total number of the parameters' values.
    public var parameterCount: Int { parameters.reduce(0) { $0 + $1.shape.reduce(1, *) } }
    /// How many of them are trained.
    public var trainedCount: Int { parameters.reduce(0) { $0 + ($1.isFrozen ? 0 : $1.shape.reduce(1, *)) } }

    /// Type and shape of each output for the archive's signature; symbols by name.
    public var outputSignature: [(name: String, dtype: DataType, shape: [GraphDefinition.Size])] {
        zip(definition.outputs, outputValues).compactMap { output, value in
            values[value].map { spec in
                let sizes = spec.shape.map {
                    $0 >= 0 ? GraphDefinition.Size.fixed(Int($0)) : .symbol(runtime.dimensions.text($0))
                }
                return (output.name, spec.dtype, sizes)
            }
        }
    }
}
