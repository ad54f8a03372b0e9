import CLamina
import Glibc
import LaminaFormats
import LaminaHost
import LaminaSDK
import LaminaSchema

/// The memory of a graph's parameters and buffers, by name as in PyTorch's state dictionaries.
///
/// Values are initialised, copied in, or left where they are in a mapped file (`borrow`), read-only.
public final class ParameterStore: @unchecked Sendable {
    public let graph: Graph
    private(set) var parameters: [UnsafeMutableRawPointer]
    private(set) var buffers: [UnsafeMutableRawPointer]
    private let memory: AlignedMemory?
    /// Keeps mapped files alive.
    private var owners: [AnyObject] = []
    /// Raised by whoever changes values; plans that prepacked weights look at it.
    public internal(set) var version = 1
    /// Raised when values move in memory.
    private(set) var bindingVersion = 1
    /// Whether some values lie in read-only memory.
    public private(set) var isReadOnly = false

    /// Reserves memory for all values; they are zero until initialised or loaded.
    public init(_ graph: Graph) throws(GraphError) {
        self.graph = graph
        let parameterSizes = graph.parameters.map { $0.shape.reduce(4, *) }
        let bufferSizes = graph.buffers.map { $0.shape.reduce($0.dtype.size, *) }
        var offsets: [Int] = []
        var total = 0  // Cannot overflow: the graph has checked the sum.
        for size in parameterSizes + bufferSizes {
            offsets.append(total)
            total += (size + 63) / 64 * 64
        }
        let memory = try AlignedMemory(bytes: total, purpose: "the parameters")
        self.memory = memory
        let base = memory.base
        let pointers = offsets.map { base + $0 }
        parameters = Array(pointers.prefix(parameterSizes.count))
        buffers = Array(pointers.dropFirst(parameterSizes.count))
    }

    /// The values of a part of another graph, where they are: "<prefix><name>" there is "<name>" here.
    ///
    /// Both stores change them; who does through one of them tells the other's networks.
    public init(_ graph: Graph, in whole: ParameterStore, prefix: String) throws(GraphError) {
        self.graph = graph
        memory = nil
        owners = [whole]
        var places: [String: UnsafeMutableRawPointer] = [:]
        for entry in whole.entries { places[entry.name] = entry.data }
        func place(_ name: String) throws(GraphError) -> UnsafeMutableRawPointer {
            guard let place = places[prefix + name] else {
                throw GraphError(.internal, "the whole graph has no '\(prefix + name)'")
            }
            return place
        }
        parameters = try graph.parameters.map { parameter throws(GraphError) in try place(parameter.name) }
        buffers = try graph.buffers.map { buffer throws(GraphError) in try place(buffer.name) }
    }

    /// Fills parameters with their initializers and buffers with their initial values, from one seed.
    public func initialize(seed: UInt64) throws(GraphError) {
        try checkWritable()
        for (index, parameter) in graph.parameters.enumerated() {
            do {
                let component = try graph.registry.load(
                    kind: LAMINA_KIND_INITIALIZER, id: parameter.initializer.component)
                let attributes: AttributeSet
                do {
                    attributes = try AttributeSet.bind(
                        component.description.attributes, parameter.initializer.attributes)
                } catch {
                    throw GraphError(.graph, "initializer of '\(parameter.name)': \(error.text)")
                }
                let tensor = DescriptorArray(count: 1)
                tensor.describe(0, TensorSpec(dtype: .float32, shape: parameter.shape.map(Int64.init)))
                tensor.base[0].data = parameters[index]
                let random = lamina_random(seed: seed, stream: Self.stream(parameter.name), offset: 0)
                let table = component.table(lamina_initializer.self)
                let runtime = graph.runtime
                let status = table.pointee.fill(component.raw, runtime.services, attributes.raw, tensor.base, random)
                try runtime.check(status, "\(parameter.initializer.component) for '\(parameter.name)'")
            } catch let error as GraphError {
                throw error
            } catch let error as HostError {
                var kind = GraphError.Kind.plugin
                if case .failed(let status, _) = error { kind = GraphError.kind(of: status) }
                throw GraphError(kind, "initializer of '\(parameter.name)': \(error)")
            } catch {
                throw GraphError(.internal, "\(error)")
            }
        }
        for (index, buffer) in graph.buffers.enumerated() { fill(buffer, at: buffers[index]) }
        version += 1
    }

    private func fill(_ buffer: Graph.Buffer, at pointer: UnsafeMutableRawPointer) {
        let count = buffer.shape.reduce(1, *)
        func store<Element>(_ value: Element) {
            pointer.assumingMemoryBound(to: Element.self).update(repeating: value, count: count)
        }
        switch buffer.dtype {
        case .float32: store(Float(buffer.initial))
        case .float64: store(buffer.initial)
        case .int64: store(Int64(buffer.initial))
        case .int32: store(Int32(buffer.initial))
        case .uint8, .bool: store(UInt8(buffer.initial))
        }
    }

    private static func stream(_ name: String) -> UInt64 {
        name.utf8.reduce(0x9e37_79b9_7f4a_7c15) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }

    /// Every value by name: what a safetensors file of the model holds.
    public var entries: [(name: String, dtype: DataType, shape: [Int], data: UnsafeMutableRawPointer)] {
        zip(graph.parameters, parameters).map { ($0.name, .float32, $0.shape, $1) }
            + zip(graph.buffers, buffers).map { ($0.name, $0.dtype, $0.shape, $1) }
    }

    /// The first value that is not a finite number, and where; nil: all are.
    public var firstNonFinite: (name: String, value: Float)? {
        for entry in entries where entry.dtype == .float32 {
            let values = UnsafeBufferPointer(
                start: entry.data.assumingMemoryBound(to: Float.self), count: entry.shape.reduce(1, *))
            if let value = values.first(where: { !$0.isFinite }) { return (entry.name, value) }
        }
        return nil
    }

    /// Copies values in by name. Every name has to be there with the right type and shape, and no other.
    public func load(_ tensors: [(name: String, dtype: DataType, shape: [Int], data: UnsafeRawPointer)])
        throws(GraphError)
    {
        try checkWritable()
        try match(tensors) { kind, index, size, source in
            memcpy(kind == .parameter ? self.parameters[index] : self.buffers[index], source, size)
        }
        version += 1
    }

    /// Copies in those values that have a place of the same name, type and shape; returns the names of these.
    @discardableResult
    public func take(
        _ tensors: [(name: String, dtype: DataType, shape: [Int], data: UnsafeRawPointer)]
    ) throws(GraphError) -> Set<String> {
        try checkWritable()
        var places: [String: Int] = [:]
        let own = entries
        for (index, entry) in own.enumerated() { places[entry.name] = index }
        var taken: Set<String> = []
        for tensor in tensors {
            guard let place = places[tensor.name], own[place].dtype == tensor.dtype, own[place].shape == tensor.shape
            else { continue }
            memcpy(own[place].data, tensor.data, tensor.shape.reduce(tensor.dtype.size, *))
            taken.insert(tensor.name)
        }
        version += 1
        return taken
    }

    /// Throws when values lie in read-only memory: then nothing may be written to them.
    public func checkWritable() throws(GraphError) {
        guard !isReadOnly else {
            throw GraphError(.graph, "the weights are mapped read-only: open the model with writable: true")
        }
    }

    /// Uses values where they are, without a copy; `owner` keeps them alive. Training such a store is refused.
    public func borrow(
        _ tensors: [(name: String, dtype: DataType, shape: [Int], data: UnsafeRawPointer)], owner: AnyObject
    ) throws(GraphError) {
        try match(tensors) { kind, index, _, source in
            switch kind {
            case .parameter: self.parameters[index] = UnsafeMutableRawPointer(mutating: source)
            case .buffer: self.buffers[index] = UnsafeMutableRawPointer(mutating: source)
            }
        }
        owners.append(owner)
        bindingVersion += 1
        isReadOnly = true
        version += 1
    }

    private enum EntryKind { case parameter, buffer }

    private func match(
        _ tensors: [(name: String, dtype: DataType, shape: [Int], data: UnsafeRawPointer)],
        _ body: (EntryKind, Int, Int, UnsafeRawPointer) -> Void
    ) throws(GraphError) {
        var given: [String: Int] = [:]
        for (index, tensor) in tensors.enumerated() { given[tensor.name] = index }
        let own = entries
        let names = Set(own.map(\.name))
        if let extra = tensors.first(where: { !names.contains($0.name) }) {
            throw GraphError(
                .data,
                "the weights hold '\(extra.name)', which the model does not have"
                    + Suggestion.question(for: extra.name, among: own.map(\.name)))
        }
        for entry in own {
            guard let index = given[entry.name] else {
                throw GraphError(.data, "the weights lack '\(entry.name)' \(entry.shape)")
            }
            let tensor = tensors[index]
            guard tensor.dtype == entry.dtype, tensor.shape == entry.shape else {
                throw GraphError(
                    .data,
                    "the weights have '\(entry.name)' as \(tensor.dtype.name) \(tensor.shape), wanted "
                        + "\(entry.dtype.name) \(entry.shape)")
            }
        }
        for (position, entry) in own.enumerated() {
            let isParameter = position < parameters.count
            body(
                isParameter ? .parameter : .buffer, isParameter ? position : position - parameters.count,
                entry.shape.reduce(entry.dtype.size, *), tensors[given[entry.name]!].data)
        }
    }
}
