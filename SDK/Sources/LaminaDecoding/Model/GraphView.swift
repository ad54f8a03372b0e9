import LaminaFormats
import LaminaSDK

/// What a task sees of a model's graph: nodes with what they take, inputs, outputs, the loss.
public struct GraphView {
    public struct Node {
        public let name, component: String
        /// Those that were set.
        public let attributes: JSONObject
        /// References; nil: not connected.
        public let inputs: [String?]

        /// The reference that stands at a port; nil: none.
        public func input(_ port: Int) -> String? { inputs.indices.contains(port) ? inputs[port] : nil }
    }

    public struct Input {
        public let name, dtype: String
        /// Sizes; a text is a name.
        public let shape: [JSON]

        /// The sizes of one sample; nil: one of them is open.
        public var sampleShape: [Int]? {
            var sizes: [Int] = []
            for size in shape.dropFirst() {
                guard case .integer(let value) = size else { return nil }
                sizes.append(Int(value))
            }
            return sizes
        }
    }

    public let inputs: [Input]
    public let nodes: [Node]
    /// By name: references.
    public let outputs: [(name: String, reference: String)]
    /// What the loss compares with the target; nil without a loss.
    public let measured: String?
    /// Inputs that take an output of the batch before.
    public let carries: [(input: String, output: String)]

    public init(_ model: TaskModel) throws {
        do {
            let json = try JSON.parse(model.graph)
            func list(_ key: String) throws(JSONError) -> [JSON] {
                guard let value = json[key] else { return [] }
                return try [JSON](json: value, at: key)
            }
            func text(_ json: JSON, _ key: String) throws(JSONError) -> String {
                try String(json: json[key] ?? .null, at: key)
            }
            func references(_ json: JSON) throws(JSONError) -> [String?] {
                var references: [String?] = []
                for input in try [JSON](json: json["inputs"] ?? .array([]), at: "inputs") {
                    if case .null = input {
                        references.append(nil)
                    } else {
                        references.append(try String(json: input, at: "inputs"))
                    }
                }
                return references
            }
            var (inputs, nodes): ([Input], [Node]) = ([], [])
            for input in try list("inputs") {
                inputs.append(
                    Input(
                        name: try text(input, "name"), dtype: try text(input, "dtype"),
                        shape: try [JSON](json: input["shape"] ?? .null, at: "shape")))
            }
            for node in try list("nodes") {
                nodes.append(
                    Node(
                        name: try text(node, "name"), component: try text(node, "component"),
                        attributes: try JSONObject(json: node["attributes"] ?? .object([:]), at: "attributes"),
                        inputs: try references(node)))
            }
            var (outputs, carries): ([(String, String)], [(String, String)]) = ([], [])
            for output in try list("outputs") { outputs.append((try text(output, "name"), try text(output, "from"))) }
            for carry in try list("carry") { carries.append((try text(carry, "input"), try text(carry, "output"))) }
            (self.inputs, self.nodes, self.outputs, self.carries) = (inputs, nodes, outputs, carries)
            measured = try json["loss"].flatMap { loss throws(JSONError) in try references(loss).first ?? nil }
        } catch {
            throw PluginError.data("the model's graph cannot be read: \(error)")
        }
    }

    public func node(_ name: String) -> Node? { nodes.first { $0.name == name } }

    /// The name in a reference, "stem" of "stem:2".
    public static func name(_ reference: String) -> String {
        reference.lastIndex(of: ":").map { String(reference[..<$0]) } ?? reference
    }

    /// Names of the nodes and inputs that a value depends on, its own among them.
    public func sources(of reference: String) -> Set<String> {
        var names: Set<String> = [Self.name(reference)]
        // A node stands behind what it takes.
        for node in nodes.reversed() where names.contains(node.name) {
            for case let input? in node.inputs { names.insert(Self.name(input)) }
        }
        return names
    }

    /// Names of the nodes that depend on an input, itself among them.
    public func dependents(of input: String) -> Set<String> {
        var names: Set<String> = [input]
        var count = 0
        while count < names.count {
            count = names.count
            for node in nodes where node.inputs.contains(where: { $0.map { names.contains(Self.name($0)) } ?? false }) {
                names.insert(node.name)
            }
        }
        return names
    }
}
