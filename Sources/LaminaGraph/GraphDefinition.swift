import LaminaFormats
import LaminaSDK

/// A network as a recipe or an archive describes it: named inputs, nodes that call components, named outputs.
///
/// It is only data: `Graph` checks it against the installed plugins. In archives it is `graph.json`.
public struct GraphDefinition: Sendable, Equatable {
    /// Something that flows along an edge: a graph input, or one output of a node.
    public struct Reference: Sendable, Hashable, CustomStringConvertible {
        /// Name of a graph input or a node.
        public var name: String
        /// Which of the node's outputs; 0 for graph inputs.
        public var output: Int

        public init(_ name: String, output: Int = 0) {
            self.name = name
            self.output = output
        }

        /// "stem", or "stem:2" for an output other than the first.
        public init?(_ text: String) {
            guard let colon = text.lastIndex(of: ":") else {
                self.init(text, output: 0)
                return
            }
            guard let output = Int(text[text.index(after: colon)...]), output >= 0 else { return nil }
            self.init(String(text[..<colon]), output: output)
        }

        public var description: String { output == 0 ? name : "\(name):\(output)" }
    }

    /// One dimension of an input: a number, or a name such as N (batch) or T (time) that gets its value at run time.
    public enum Size: Sendable, Hashable, CustomStringConvertible {
        case fixed(Int)
        case symbol(String)

        public var description: String {
            switch self {
            case .fixed(let value): "\(value)"
            case .symbol(let name): name
            }
        }
    }

    public struct Input: Sendable, Equatable {
        public var name: String
        public var dtype: DataType
        /// With the batch dimension.
        public var shape: [Size]

        public init(_ name: String, _ dtype: DataType = .float32, _ shape: [Size]) {
            self.name = name
            self.dtype = dtype
            self.shape = shape
        }
    }

    public struct Node: Sendable, Equatable {
        public var name: String
        /// "layer" or "loss".
        public var kind: String
        /// Id of the component, "<plugin>.<name>".
        public var component: String
        /// The component's version that the graph was made for; nil: the installed one.
        public var version: Int?
        public var attributes: JSONObject
        /// In the order of the component's ports; nil: an optional one that is not connected.
        public var inputs: [Reference?]
        /// Initializers that replace the layer's own, by parameter name: component id and attributes.
        public var initializers: [String: Initializer]
        /// Name of the node whose parameters this one uses too.
        public var sharesParametersOf: String?
        /// Its parameters are not trained.
        public var isFrozen: Bool

        public init(
            name: String, kind: String = "layer", component: String, version: Int? = nil, attributes: JSONObject = [:],
            inputs: [Reference?], initializers: [String: Initializer] = [:], sharesParametersOf: String? = nil,
            isFrozen: Bool = false
        ) {
            self.name = name
            self.kind = kind
            self.component = component
            self.version = version
            self.attributes = attributes
            self.inputs = inputs
            self.initializers = initializers
            self.sharesParametersOf = sharesParametersOf
            self.isFrozen = isFrozen
        }
    }

    public struct Initializer: Sendable, Equatable {
        public var component: String
        public var attributes: JSONObject
        public init(_ component: String, _ attributes: JSONObject = [:]) {
            self.component = component
            self.attributes = attributes
        }
    }

    public struct Output: Sendable, Equatable {
        public var name: String
        public var reference: Reference
        public init(_ name: String, _ reference: Reference) {
            self.name = name
            self.reference = reference
        }
    }

    /// An input that takes what an output gave for the batch before: the state of a sequence that goes on; zero at first.
    public struct Carry: Sendable, Equatable {
        public var input: String
        /// Name of an output.
        public var output: String

        public init(_ input: String, from output: String) {
            self.input = input
            self.output = output
        }
    }

    public var inputs: [Input]
    /// In an order in which every input is already there.
    public var nodes: [Node]
    public var outputs: [Output]
    /// The loss: its inputs are outputs of nodes and, last, the target, which is an input of its own named `target`.
    public var loss: Node?
    public var carries: [Carry] = []

    /// The name under which the loss sees the target.
    public static let targetName = "target"

    public init(inputs: [Input] = [], nodes: [Node] = [], outputs: [Output] = [], loss: Node? = nil) {
        self.inputs = inputs
        self.nodes = nodes
        self.outputs = outputs
        self.loss = loss
    }
}
