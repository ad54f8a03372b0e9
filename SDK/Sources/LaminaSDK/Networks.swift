import CLamina

/// The networks of a recipe, as its procedure sees them: looked at in `define`, run in `start`, `restore`, `step` and `publish`.
///
/// ```swift
/// let pass = try networks.plan(discriminator, batch: networks.batch, [.training, .parameterGradients])
/// pass.inputs[0].floats.update(from: images, count: count)
/// try networks.forward(pass)
/// // fill pass.outputGradients[0] from pass.outputs[0]
/// try networks.backward(pass)
/// try networks.update(discriminator)
/// ```
public struct Networks {
    public let raw: UnsafePointer<lamina_networks>

    private var sink: UnsafeMutableRawPointer? { raw.pointee.sink }

    /// A network by its number: the recipe's order.
    public struct Description {
        public let raw: UnsafePointer<lamina_network>

        public var name: String { String(cString: raw.pointee.name) }
        public var inputs: [PortShape] { (0..<Int(raw.pointee.input_count)).map { PortShape(raw.pointee.inputs[$0]) } }
        public var outputs: [PortShape] {
            (0..<Int(raw.pointee.output_count)).map { PortShape(raw.pointee.outputs[$0]) }
        }
        public var parameterCount: Int { Int(raw.pointee.parameter_count) }
        /// Writable in `start`, `restore`, `step` and `publish`; see `parametersChanged`.
        public func parameter(_ index: Int) -> Tensor { Tensor(raw.pointee.parameters + index) }
    }

    /// An input or an output; the shape is that of one sample, and -1 is a size that is open.
    public struct PortShape: Sendable, Equatable {
        public var name: String
        public var dtype: DataType?
        public var shape: [Int]

        init(_ raw: lamina_port_shape) {
            name = String(cString: raw.name)
            dtype = DataType(raw.dtype)
            shape = (0..<Int(raw.rank)).map { Int(raw.shape[$0]) }
        }

        public var count: Int { shape.reduce(1, *) }
    }

    /// What a pass is planned for: LAMINA_PASS_….
    public struct Options: OptionSet, Sendable {
        public let rawValue: UInt32
        public init(rawValue: UInt32) { self.rawValue = rawValue }
        /// Dropout and batch statistics.
        public static let training = Options(rawValue: LAMINA_PASS_TRAINING)
        public static let parameterGradients = Options(rawValue: LAMINA_PASS_PARAMETER_GRADIENTS)
        public static let inputGradients = Options(rawValue: LAMINA_PASS_INPUT_GRADIENTS)
        /// Its parameter gradients may be added to those of passes before.
        public static let accumulates = Options(rawValue: LAMINA_PASS_ACCUMULATES)
        /// The derivative of the outputs along tangents of the inputs, which follow the inputs.
        public static let tangent = Options(rawValue: LAMINA_PASS_TANGENT)
    }

    public var count: Int { Int(raw.pointee.count) }
    public subscript(index: Int) -> Description { Description(raw: raw.pointee.networks[index]!) }
    /// The recipe's train.batch.
    public var batch: Int { Int(raw.pointee.batch) }

    public func index(of name: String) -> Int? { (0..<count).first { self[$0].name == name } }

    /// Plans a pass for `batch` samples; its tensors stay where they are once no more passes are planned.
    public func plan(_ network: Int, batch: Int, _ options: Options) throws -> Pass {
        var pass: UnsafePointer<lamina_pass>?
        try check(
            raw.pointee.plan(sink, Int32(network), Int64(batch), options.rawValue, &pass),
            "the host could not plan a pass of network \(network)")
        guard let pass else { throw PluginError.internal("the host planned no pass of network \(network)") }
        return Pass(raw: pass)
    }

    public func forward(_ pass: Pass) throws { try check(raw.pointee.forward(sink, pass.raw), "a forward pass failed") }

    /// - Parameter accumulating: parameter gradients are added to what they are.
    public func backward(_ pass: Pass, accumulating: Bool = false) throws {
        try check(raw.pointee.backward(sink, pass.raw, accumulating ? 1 : 0), "a backward pass failed")
    }

    /// A step of the network's optimizer.
    public func update(_ network: Int) throws {
        try check(raw.pointee.update(sink, Int32(network)), "the optimizer of network \(network) failed")
    }

    /// To be called when the procedure has changed parameters itself.
    public func parametersChanged(_ network: Int) throws {
        try check(raw.pointee.parameters_changed(sink, Int32(network)), "network \(network) could not be changed")
    }

    /// The tensors of the next batch of a stream, as `ProcedureModel.addData` asked for them; until the next call.
    public func nextBatch(_ stream: Int = 0) throws -> Tensors {
        var batch: UnsafePointer<lamina_batch>?
        try check(raw.pointee.next_batch(sink, Int32(stream), &batch), "no batch of stream \(stream) could be read")
        guard let batch, let tensors = batch.pointee.tensors else {
            throw PluginError.internal("the host read no batch of stream \(stream)")
        }
        return Tensors(tensors)
    }

    /// Whole batches of an epoch of a stream.
    public func batchesPerEpoch(_ stream: Int = 0) -> Int { Int(raw.pointee.batches_per_epoch(sink, Int32(stream))) }

    /// Adds to a number in people's curves, which is the mean over an epoch.
    public func measure(_ name: String, _ sum: Double, count: Double = 1) {
        raw.pointee.measure(sink, name, sum, count)
    }

    /// A trained model to judge samples by; it lives as long as the procedure. Also in `define`.
    public func open(_ path: String, host: Host) throws -> TaskModel {
        guard Int(raw.pointee.struct_size) > MemoryLayout<lamina_networks>.offset(of: \.open)! else {
            throw PluginError.unsupported("this host opens no models for procedures; use a newer one")
        }
        var model: UnsafePointer<lamina_task_model>?
        try check(raw.pointee.open(sink, path, &model), "\(path) could not be opened")
        guard let model else { throw PluginError.internal("the host opened no model of \(path)") }
        return TaskModel(raw: model, host: host)
    }

    /// Writes a file beside the model for people to look at.
    public func writeSample(_ name: String, _ bytes: [UInt8]) throws {
        let status = bytes.withUnsafeBytes { raw.pointee.write_sample(sink, name, $0.baseAddress, UInt64($0.count)) }
        try check(status, "sample '\(name)' could not be written")
    }
}

/// A planned pass through a network; see `lamina_pass`. Batches come first in all shapes.
public struct Pass {
    public let raw: UnsafePointer<lamina_pass>

    /// To be filled before `forward`.
    public var inputs: Tensors { Tensors(raw.pointee.inputs) }
    public var outputs: Tensors { Tensors(raw.pointee.outputs) }
    /// To be filled before `backward`.
    public var outputGradients: Tensors { Tensors(raw.pointee.output_gradients) }
    public var inputGradients: Tensors { Tensors(raw.pointee.input_gradients) }
}
