import CLamina

/// A training regime of its own: what a recipe's `procedure:` names, instead of epochs over a dataset.
///
/// The host calls `define`, builds the model, and calls `start` (or, in a resumed run, `restore`) and then `step` until
/// it is finished; between steps it reports, saves and stops. It owns all tensors.
public protocol Procedure: ComponentType, AnyObject {
    /// What steps go through, plural: "words".
    static var itemName: String { get }
    init(_ attributes: Attributes, host: Host) throws
    /// Says what the model is, what belongs into its archive, and which tensors training needs.
    func define(_ model: ProcedureModel) throws
    /// Initial values. The nodes' initializers have filled the parameters; states are zero.
    func start(_ run: ProcedureRun) throws
    /// A portion of the training, best of a tenth of a second to a second.
    func step(_ run: ProcedureRun) throws -> ProcedureProgress
    /// Before every save: makes the parameters what the model shall hold.
    func publish(_ run: ProcedureRun) throws
    /// Where the training stands besides parameters and states: a JSON object.
    func save() throws -> String
    /// Goes on from what `save` wrote; parameters and states hold what they held.
    func restore(_ json: String, _ run: ProcedureRun) throws
}

extension Procedure {
    public static var itemName: String { "samples" }
    public func publish(_ run: ProcedureRun) throws {}
}

/// What `Procedure.define` fills: the model's graph and files, and the training's own tensors.
public struct ProcedureModel {
    public let raw: UnsafePointer<lamina_procedure_model>

    private var sink: UnsafeMutableRawPointer? { raw.pointee.sink }

    /// An input of the trained model; `shape` is that of one sample.
    public func addInput(_ name: String, _ dtype: DataType, _ shape: [Int] = []) throws {
        try check(
            raw.pointee.add_input(sink, name, dtype.raw, Int32(shape.count), shape.map(Int64.init)),
            "the host refused input '\(name)'")
    }

    /// Adds a node and returns the reference to its first output; `inputs` are inputs of the model or nodes before it;
    /// nil leaves an optional one unconnected.
    @discardableResult
    public func add(
        _ component: String, name: String, inputs: [String?], _ attributes: KeyValuePairs<String, AttributeValue> = [:]
    ) throws -> String {
        try withBlockNode(component, name, inputs, attributes.map { ($0, $1) }) { node in
            try check(raw.pointee.add_node(sink, node), "the host refused node '\(name)' (\(component))")
        }
        return name
    }

    public func addOutput(_ name: String, _ reference: String) throws {
        try check(raw.pointee.add_output(sink, name, reference), "the host refused output '\(name)'")
    }

    /// A file in the model's archive, under `assets/`.
    public func addAsset(_ name: String, _ bytes: [UInt8]) throws {
        let status = bytes.withUnsafeBytes { raw.pointee.add_asset(sink, name, $0.baseAddress, UInt64($0.count)) }
        try check(status, "the host refused asset '\(name)'")
    }

    /// A tensor of the training's own, zero at first, that checkpoints hold.
    public func addState(_ name: String, _ dtype: DataType, _ shape: [Int]) throws {
        try check(
            raw.pointee.add_state(sink, name, dtype.raw, Int32(shape.count), shape.map(Int64.init)),
            "the host refused state '\(name)'")
    }

    /// The recipe's networks, to look at; nil: it has none, or the host is older than them.
    public var networks: Networks? {
        Int(raw.pointee.struct_size) > MemoryLayout<lamina_procedure_model>.offset(of: \.add_data)!
            ? raw.pointee.networks.map { Networks(raw: $0) } : nil
    }

    /// Makes one of the networks a part of the model; the others are for training alone.
    public func publish(_ network: Int) throws {
        try check(raw.pointee.publish(sink, Int32(network)), "the host refused to publish network \(network)")
    }

    /// Asks for a tensor of each sample of the recipe's data; `shape` is that of one sample.
    ///
    /// - Parameters:
    ///   - stream: streams go through the samples in orders of their own.
    ///   - isTarget: the recipe's data.target; otherwise the next of data.input.
    public func addData(
        _ name: String, _ dtype: DataType, _ shape: [Int], stream: Int = 0, isTarget: Bool = false
    ) throws {
        try check(
            raw.pointee.add_data(
                sink, Int32(stream), isTarget ? LAMINA_DATA_TARGET : LAMINA_DATA_INPUT, name, dtype.raw,
                Int32(shape.count), shape.map(Int64.init)), "the host refused data '\(name)'")
    }

    /// How far a long definition is, 0 to 1, and what it does: "counting words".
    public func progress(_ fraction: Double, _ text: String) { raw.pointee.progress(sink, fraction, text) }
}

/// The tensors of a training run.
public struct ProcedureRun {
    public let raw: UnsafePointer<lamina_procedure_run>

    public var parameterCount: Int { Int(raw.pointee.parameter_count) }
    /// Parameter `index` of the model: those of its nodes, in their order; writable.
    public func parameter(_ index: Int) -> Tensor { Tensor(raw.pointee.parameters + index) }
    public var stateCount: Int { Int(raw.pointee.state_count) }
    /// State `index`, as `define` has added them; writable.
    public func state(_ index: Int) -> Tensor { Tensor(raw.pointee.states + index) }
    /// All random numbers of the training follow from it.
    public var seed: UInt64 { raw.pointee.seed }
    /// Passes over all there is to learn from, as the recipe says; may have grown in a resumed run.
    public var epochs: Int { Int(raw.pointee.epochs) }
    /// The recipe's networks; nil: it has none, or the host is older than them.
    public var networks: Networks? {
        Int(raw.pointee.struct_size) > MemoryLayout<lamina_procedure_run>.offset(of: \.networks)!
            ? raw.pointee.networks.map { Networks(raw: $0) } : nil
    }
}

/// What a step did, and how far the training is.
public struct ProcedureProgress: Sendable {
    public var isFinished = false
    /// Complete passes so far.
    public var epochs = 0
    /// Of the whole training, 0 to 1.
    public var fraction = 0.0
    /// What the step went through, in units of `Procedure.itemName`.
    public var items = 0.0
    /// Losses of the step, and of how many they are the sum; 0: none is known.
    public var lossSum = 0.0
    public var lossCount = 0.0
    /// On the learning rate that training began with.
    public var learningRateFactor = 1.0

    public init() {}

    /// What a step has told; nothing is changed.
    public init(_ raw: lamina_procedure_progress) {
        isFinished = raw.is_finished != 0
        epochs = Int(raw.epochs)
        (fraction, items) = (raw.fraction, raw.items)
        (lossSum, lossCount) = (raw.loss_sum, raw.loss_count)
        learningRateFactor = raw.learning_rate_factor
    }

    /// What of it cannot be, as the end of a sentence about the step; nil: nothing. A loss may have become infinite.
    public var fault: String? {
        if !(0...1 << 53).contains(epochs) { return "tells \(epochs) complete epochs" }
        if !fraction.isFinite { return "tells that \(fraction) of the training is done, wanted 0 to 1" }
        if !(items >= 0 && items.isFinite) { return "tells that it went through \(items) items" }
        if !(lossCount >= 0 && lossCount.isFinite) { return "tells losses of \(lossCount) items" }
        if !learningRateFactor.isFinite { return "tells a learning rate factor of \(learningRateFactor)" }
        return nil
    }

    /// Writes the fields one by one: the host's struct may be older than this SDK, and shorter.
    func store(in raw: UnsafeMutablePointer<lamina_procedure_progress>) {
        raw.pointee.is_finished = isFinished ? 1 : 0
        raw.pointee.epochs = Int64(epochs)
        (raw.pointee.fraction, raw.pointee.items) = (fraction, items)
        (raw.pointee.loss_sum, raw.pointee.loss_count) = (lossSum, lossCount)
        raw.pointee.learning_rate_factor = learningRateFactor
    }
}

extension Component {
    public static func procedure<P: Procedure>(_ type: P.Type) -> Component {
        Component(
            type, kind: LAMINA_KIND_PROCEDURE, vtable: ProcedureTable.table(itemName: type.itemName),
            factory: Factory<ProcedureTable.Make>({ try P($0, host: $1) }))
    }
}

enum ProcedureTable {
    typealias Make = (Attributes, Host) throws -> any Procedure
    typealias ProcedureBox = Box<any Procedure>

    static func table(itemName: String) -> UnsafeRawPointer {
        UnsafeRawPointer(
            permanent(
                lamina_procedure(
                    struct_size: UInt32(MemoryLayout<lamina_procedure>.size), reserved: 0,
                    create: { component, host, attributes, out in
                        host!.status {
                            let procedure = try Factory<Make>.of(component)(Attributes(attributes), Host(host!))
                            out!.pointee = ProcedureBox(procedure, Host(host!)).retained
                        }
                    },
                    destroy: { ProcedureBox.release($0) },
                    define: { handle, model in
                        call(handle) { try $0.define(ProcedureModel(raw: model!)) }
                    },
                    start: { handle, run in call(handle) { try $0.start(ProcedureRun(raw: run!)) } },
                    step: { handle, run, progress in
                        call(handle) { try $0.step(ProcedureRun(raw: run!)).store(in: progress!) }
                    },
                    publish: { handle, run in call(handle) { try $0.publish(ProcedureRun(raw: run!)) } },
                    save: { handle, sink, write in
                        call(handle) { procedure in
                            var text = try procedure.save()
                            text.withUTF8 { bytes in
                                bytes.withMemoryRebound(to: CChar.self) {
                                    write!(sink, lamina_string(data: $0.baseAddress, size: UInt64($0.count)))
                                }
                            }
                        }
                    },
                    restore: { handle, run, json in
                        call(handle) { try $0.restore(String(json), ProcedureRun(raw: run!)) }
                    },
                    item_name: permanent(itemName))))
    }
}

/// Calls the procedure behind a handle. No method: a closure that C calls must not capture its type.
private func call(_ handle: UnsafeMutableRawPointer?, _ body: (any Procedure) throws -> Void) -> lamina_status {
    let box = ProcedureTable.ProcedureBox.at(handle)
    return box.host.raw.status { try body(box.value) }
}
