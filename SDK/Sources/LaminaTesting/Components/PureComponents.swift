import CLamina
import LaminaFormats
import LaminaSDK
import LaminaSchema

// Kinds without a state of their own: one call each.

/// Fills a float32 tensor of `shape` with an initializer. Throws `AttributeError` or `CallError`.
public func fill(
    _ shape: [Int], with component: Component, _ attributes: JSONObject = [:], seed: UInt64 = 1, stream: UInt64 = 0,
    host: TestHost = TestHost()
) throws -> TensorValue {
    let bound = try BoundComponent<lamina_initializer>(component, kind: LAMINA_KIND_INITIALIZER, attributes, host)
    let out = TensorArray([TensorForm(.float32, shape.map(Int64.init))], names: ["the parameter"])
    out.allocate()
    let random = lamina_random(seed: seed, stream: stream, offset: 0)
    let status = bound.table.pointee.fill(bound.raw, host.raw, bound.attributes.raw, out.raw, random)
    try bound.finish("fill", status, .written(out))
    return out.values[0]
}

/// The factor of a schedule at `step`, 0 at the first. Throws `AttributeError` or `CallError`.
public func factor(
    of component: Component, _ attributes: JSONObject = [:], step: Int, stepsPerEpoch: Int, totalSteps: Int,
    host: TestHost = TestHost()
) throws -> Double {
    let bound = try BoundComponent<lamina_schedule>(component, kind: LAMINA_KIND_SCHEDULE, attributes, host)
    var factor = Double.nan
    let status = bound.table.pointee.factor(
        bound.raw, host.raw, bound.attributes.raw, UInt64(step), UInt64(stepsPerEpoch), UInt64(totalSteps), &factor)
    try bound.finish("factor", status)
    guard factor.isFinite else {
        throw CallError(
            call: "factor", status: LAMINA_ERROR_INTERNAL, text: "the factor is \(factor) at step \(step)", argument: -1
        )
    }
    return factor
}

/// The subgraph that a block has expanded to.
public struct ExpandedBlock: Sendable, Equatable {
    public struct Node: Sendable, Equatable {
        public let name: String
        /// Id of a layer or of another block.
        public let component: String
        public let attributes: JSONObject
        /// "#0" is the block's first input, otherwise a node's name, perhaps with ":1"; "" is not connected.
        public let inputs: [String]
        /// The layer whose parameters it uses; nil: its own.
        public let share: String?
        /// Ids of initializers by parameter.
        public let initializers: [String: String]
    }
    public fileprivate(set) var nodes: [Node] = []
    public fileprivate(set) var outputs: [String] = []

    /// The node of this name.
    public subscript(name: String) -> Node? { nodes.first { $0.name == name } }
}

/// Expands a block with `inputCount` inputs. Throws `AttributeError` or `CallError`, also for references to nodes that
/// do not come before.
public func expand(
    _ component: Component, _ attributes: JSONObject = [:], inputCount: Int = 1, host: TestHost = TestHost()
) throws -> ExpandedBlock {
    let bound = try BoundComponent<lamina_block>(component, kind: LAMINA_KIND_BLOCK, attributes, host)
    let sink = ExpansionSink(inputCount: inputCount)
    var expansion = lamina_expansion()
    expansion.struct_size = UInt32(MemoryLayout<lamina_expansion>.size)
    expansion.input_count = Int32(inputCount)
    expansion.sink = Unmanaged.passUnretained(sink).toOpaque()
    expansion.add_node = { ExpansionSink.of($0).add($1!.pointee) }
    expansion.add_output = { ExpansionSink.of($0).addOutput(String(cString: $1!)) }
    let status = withExtendedLifetime(sink) {
        bound.table.pointee.expand(bound.raw, host.raw, bound.attributes.raw, &expansion)
    }
    if let fault = sink.fault {
        throw CallError(call: "expand", status: LAMINA_ERROR_INTERNAL, text: fault, argument: -1)
    }
    try bound.finish("expand", status)
    if sink.block.outputs.isEmpty {
        throw CallError(call: "expand", status: LAMINA_ERROR_INTERNAL, text: "the block has no output", argument: -1)
    }
    return sink.block
}

private final class ExpansionSink {
    var block = ExpandedBlock()
    var fault: String?
    let inputCount: Int

    init(inputCount: Int) { self.inputCount = inputCount }

    static func of(_ sink: UnsafeMutableRawPointer?) -> ExpansionSink {
        Unmanaged.fromOpaque(sink!).takeUnretainedValue()
    }

    private func refuse(_ text: String) -> lamina_status {
        fault = fault ?? text
        return LAMINA_ERROR_INTERNAL
    }

    private func isKnown(_ reference: String) -> Bool {
        if reference.isEmpty { return true }
        if reference.hasPrefix("#") { return Int(reference.dropFirst()).map { 0..<inputCount ~= $0 } ?? false }
        let parts = reference.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 2, parts.count < 2 || Int(parts[1]) != nil else { return false }
        return block[String(parts[0])] != nil
    }

    func add(_ node: lamina_block_node) -> lamina_status {
        let name = String(cString: node.name)
        guard !name.isEmpty, block[name] == nil else { return refuse("two nodes are named '\(name)'") }
        let inputs = (0..<Int(node.input_count)).map { node.inputs[$0].map { String(cString: $0) } ?? "" }
        for input in inputs where !isKnown(input) {
            return refuse("node '\(name)' has input '\(input)', which is no node before it and no input of the block")
        }
        let share = node.share.map { String(cString: $0) }
        if let share, !share.contains("."), block[share] == nil {
            return refuse("node '\(name)' shares the parameters of '\(share)', which is no node before it")
        }
        do {
            block.nodes.append(
                .init(
                    name: name, component: String(cString: node.component), attributes: try JSONObject(node.attributes),
                    inputs: inputs, share: share,
                    initializers: Dictionary(
                        uniqueKeysWithValues: (0..<Int(node.initializer_count)).map {
                            (
                                String(cString: node.initializers[$0].parameter),
                                String(cString: node.initializers[$0].component)
                            )
                        })))
            return LAMINA_OK
        } catch {
            return refuse("node '\(name)': \(error)")
        }
    }

    func addOutput(_ reference: String) -> lamina_status {
        guard isKnown(reference) else { return refuse("output '\(reference)' is no node") }
        block.outputs.append(reference)
        return LAMINA_OK
    }
}
