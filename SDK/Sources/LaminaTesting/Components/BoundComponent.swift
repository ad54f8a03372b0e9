import CLamina
import LaminaFormats
import LaminaSDK
import LaminaSchema

/// A component of one kind with checked attributes: what every harness begins with.
struct BoundComponent<Table> {
    let raw: UnsafePointer<lamina_component>
    let table: UnsafePointer<Table>
    let host: TestHost
    let attributes: AttributeSet

    /// Throws `AttributeError`. Another kind is a bug of the test.
    init(_ component: Component, kind: String, _ attributes: JSONObject, _ host: TestHost) throws {
        precondition(component.kind == kind, "\(component.name) is a \(component.kind), not a \(kind)")
        raw = component.raw
        table = raw.pointee.vtable.assumingMemoryBound(to: Table.self)
        self.host = host
        self.attributes = try AttributeSet.bind(attributeSchemas(of: raw), attributes)
    }

    /// Calls the component's `create`.
    func create(
        _ function: (
            UnsafePointer<lamina_component>?, UnsafePointer<lamina_host>?, UnsafePointer<lamina_attributes>?,
            UnsafeMutablePointer<UnsafeMutableRawPointer?>?
        ) -> lamina_status
    ) throws(CallError) -> UnsafeMutableRawPointer? {
        var handle: UnsafeMutableRawPointer?
        let status = function(raw, host.raw, attributes.raw, &handle)
        try finish("create", status)
        guard handle != nil else {
            throw CallError(
                call: "create", status: LAMINA_ERROR_INTERNAL, text: "create succeeds but leaves its result NULL",
                argument: -1)
        }
        return handle
    }

    /// Throws for a failed call, for scratch memory that was overrun and for writes to or beside `tensors`.
    func finish(_ call: String, _ status: lamina_status, _ tensors: WatchedTensors...) throws(CallError) {
        try finish(call, status, tensors)
    }

    func finish(_ call: String, _ status: lamina_status, _ tensors: [WatchedTensors]) throws(CallError) {
        let outside = host.endCall()
        try host.check(status, call)
        if let fault = outside.first ?? tensors.lazy.compactMap(\.fault).first {
            throw CallError(call: call, status: LAMINA_ERROR_INTERNAL, text: "\(call) \(fault)", argument: -1)
        }
    }
}

/// Tensors with the bytes that must still be there after a call.
struct WatchedTensors {
    let tensors: TensorArray
    /// nil: writing is allowed, every element has to be written.
    private let contents: [[UInt8]?]?

    /// Tensors that a call only reads.
    static func readOnly(_ tensors: TensorArray) -> WatchedTensors {
        for index in 0..<tensors.count { tensors.setFlag(LAMINA_TENSOR_READ_ONLY, true, for: index) }
        return WatchedTensors(tensors: tensors, contents: tensors.memory.map { $0?.contents })
    }

    /// Tensors that a call may change, within their bounds.
    static func changed(_ tensors: TensorArray) -> WatchedTensors {
        WatchedTensors(tensors: tensors, contents: Array(repeating: nil, count: tensors.count))
    }

    /// Tensors that a call writes whole.
    static func written(_ tensors: TensorArray) -> WatchedTensors { WatchedTensors(tensors: tensors, contents: nil) }

    var fault: String? {
        for index in 0..<tensors.count {
            guard let memory = tensors.memory[index], let form = tensors.forms[index] else { continue }
            if let damage = memory.damage { return damage }
            if let before = contents?[index] {
                if !memory.holds(before) { return "writes to \(memory.name), which is read-only" }
            } else if contents == nil, let element = memory.firstPoisoned(elementSize: form.dtype.size) {
                return "leaves element \(element) of \(memory.name) unwritten"
            }
        }
        return nil
    }
}

extension TensorArray {
    /// Plain tensors that hold `values`.
    convenience init(_ values: [TensorValue], names: [String]) {
        self.init(values.map { TensorForm($0) }, names: names)
        allocate()
        for (index, value) in values.enumerated() { store(value, at: index) }
    }

    var values: [TensorValue] { (0..<count).map { value(at: $0)! } }
}
