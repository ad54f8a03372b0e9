import CLamina
import LaminaFormats
import LaminaSDK
import LaminaSchema

/// What a layer's `infer` has declared.
public struct InferredLayer: Sendable {
    public struct Output: Sendable, Equatable {
        public let dtype: DataType
        /// Dimensions, of which negative ones are symbols of the host.
        public let dimensions: [Dimension]
        /// The shape when every dimension is a number.
        public var shape: [Int] { dimensions.map { $0.literal ?? -1 } }
    }

    public struct Parameter: Sendable, Equatable {
        public let name: String
        public let shape: [Int]
        /// Id of an initializer component.
        public let initializer: String
        public let initializerAttributes: JSONObject
        public let noDecay: Bool
    }

    public struct Buffer: Sendable, Equatable {
        public let name: String
        public let shape: [Int]
        public let dtype: DataType
        public let initial: Double
    }

    public internal(set) var outputs: [Output] = []
    public internal(set) var parameters: [Parameter] = []
    public internal(set) var buffers: [Buffer] = []
    /// Plain alone unless the layer says otherwise.
    public internal(set) var layouts: Layouts = .plain
    public internal(set) var preferredLayout: Layouts = []

    /// The accepted layouts that differ for inputs of these ranks: channels-last matters from rank 3 on.
    func layoutsToTry(_ ranks: [Int]) -> [Layouts] {
        let hasChannels = (ranks + outputs.map(\.dimensions.count)).contains { $0 >= 3 }
        let candidates: [Layouts] = hasChannels ? [.plain, .channelsLast] : [.plain]
        let accepted = candidates.filter { layouts.contains($0) }
        return accepted.isEmpty ? [.plain] : accepted
    }

    public func parameter(_ name: String) -> Parameter? { parameters.first { $0.name == name } }
}

/// Collects what `infer` declares, and says what of it is wrong.
final class InferenceSink {
    var inferred = InferredLayer()
    var faults: [String] = []

    private static func of(_ sink: UnsafeMutableRawPointer?) -> InferenceSink {
        Unmanaged<InferenceSink>.fromOpaque(sink!).takeUnretainedValue()
    }

    /// Runs `body` with the struct that a layer gets.
    func withInference(_ inputs: TensorArray, _ body: (UnsafePointer<lamina_inference>) -> lamina_status)
        -> lamina_status
    {
        var inference = lamina_inference()
        inference.struct_size = UInt32(MemoryLayout<lamina_inference>.size)
        inference.input_count = Int32(inputs.count)
        inference.inputs = UnsafePointer(inputs.raw)
        inference.sink = Unmanaged.passUnretained(self).toOpaque()
        inference.add_output = { sink, dtype, rank, shape in
            InferenceSink.of(sink).addOutput(dtype, dimensions(rank, shape))
        }
        inference.add_parameter = { sink, parameter in InferenceSink.of(sink).addParameter(parameter!.pointee) }
        inference.add_buffer = { sink, buffer in InferenceSink.of(sink).addBuffer(buffer!.pointee) }
        inference.set_layouts = { sink, accepted, preferred in
            let sink = InferenceSink.of(sink)
            sink.inferred.layouts = Layouts(rawValue: accepted)
            sink.inferred.preferredLayout = Layouts(rawValue: preferred)
            if !Layouts.any.isSuperset(of: sink.inferred.layouts) || accepted == 0 {
                sink.faults.append("set_layouts accepts \(accepted), which is no set of layouts")
            }
        }
        return withExtendedLifetime(self) { body(&inference) }
    }

    private func refuse(_ text: String) -> lamina_status {
        faults.append(text)
        return LAMINA_ERROR_SHAPE
    }

    private func addOutput(_ dtype: lamina_dtype, _ shape: [Int64]?) -> lamina_status {
        guard let shape, shape.allSatisfy({ $0 != .min }) else {
            return refuse("add_output has no valid shape")
        }
        guard let dtype = DataType(dtype) else { return refuse("add_output has an unknown element type") }
        inferred.outputs.append(.init(dtype: dtype, dimensions: shape.map { Dimension($0) }))
        return LAMINA_OK
    }

    private func addParameter(_ parameter: lamina_parameter) -> lamina_status {
        guard let name = parameter.name.map({ String(cString: $0) }), !name.isEmpty else {
            return refuse("a parameter has no name")
        }
        guard let shape = dimensions(parameter.rank, parameter.shape), shape.allSatisfy({ $0 >= 0 }) else {
            return refuse("parameter '\(name)' has a shape that is not literal")
        }
        guard inferred.parameter(name) == nil, !inferred.buffers.contains(where: { $0.name == name }) else {
            return refuse("the name '\(name)' stands for two parameters or buffers")
        }
        guard let initializer = parameter.initializer.map({ String(cString: $0) }), initializer.contains(".") else {
            return refuse("parameter '\(name)' names no initializer component (\"core.constant\")")
        }
        do {
            inferred.parameters.append(
                .init(
                    name: name, shape: shape.map { Int($0) }, initializer: initializer,
                    initializerAttributes: try JSONObject(parameter.initializer_attributes),
                    noDecay: parameter.flags & LAMINA_PARAMETER_NO_DECAY != 0))
            return LAMINA_OK
        } catch {
            return refuse("the initializer attributes of parameter '\(name)': \(error)")
        }
    }

    private func addBuffer(_ buffer: lamina_buffer) -> lamina_status {
        guard let name = buffer.name.map({ String(cString: $0) }), !name.isEmpty else {
            return refuse("a buffer has no name")
        }
        guard let shape = dimensions(buffer.rank, buffer.shape), shape.allSatisfy({ $0 >= 0 }),
            let dtype = DataType(buffer.dtype)
        else { return refuse("buffer '\(name)' has no literal shape or no known type") }
        guard inferred.parameter(name) == nil, !inferred.buffers.contains(where: { $0.name == name }) else {
            return refuse("the name '\(name)' stands for two parameters or buffers")
        }
        inferred.buffers.append(
            .init(name: name, shape: shape.map { Int($0) }, dtype: dtype, initial: buffer.initial_value))
        return LAMINA_OK
    }
}

/// The dimensions of a C shape, or nil when it is none.
func dimensions(_ rank: Int32, _ shape: UnsafePointer<Int64>?) -> [Int64]? {
    guard rank >= 0, rank <= 8, rank == 0 || shape != nil else { return nil }
    return (0..<Int(rank)).map { shape![$0] }
}
