import CLamina
import LaminaFormats
import LaminaSDK
import LaminaSchema

@testable import Data

/// A source, opened through the C vtable as the host does it.
final class OpenedSource {
    let services = TestServices()
    private let vtable: UnsafePointer<lamina_source>
    private var handle: UnsafeMutableRawPointer?
    private(set) var count = -1
    private(set) var fields: [(name: String, dtype: lamina_dtype, shape: [Int])] = []
    private(set) var classes: [String] = []
    private(set) var fingerprint: [UInt8] = []

    init(_ name: String, _ attributes: JSONObject) throws {
        let component = DataCatalogue.sources.first { $0.name == name }!.raw
        vtable = component.pointee.vtable.assumingMemoryBound(to: lamina_source.self)
        let bound = try AttributeSet.bind(attributeSchemas(of: component), attributes)
        try services.check(vtable.pointee.create(component, services.raw, bound.raw, &handle))
        var sink = lamina_source_sink()
        sink.struct_size = UInt32(MemoryLayout<lamina_source_sink>.size)
        sink.sink = Unmanaged.passUnretained(self).toOpaque()
        sink.set_count = { OpenedSource.at($0).count = Int($1) }
        sink.add_field = { sink, name, dtype, rank, shape in
            OpenedSource.at(sink).fields.append(
                (String(cString: name!), dtype, (0..<Int(rank)).map { Int(shape![$0]) }))
        }
        sink.add_class = { OpenedSource.at($0).classes.append(String(cString: $1!)) }
        sink.set_fingerprint = { OpenedSource.at($0).fingerprint = (0..<32).map { [bytes = $1!] in bytes[$0] } }
        try services.check(vtable.pointee.describe(handle, &sink))
    }

    deinit { vtable.pointee.destroy(handle) }

    private static func at(_ pointer: UnsafeMutableRawPointer?) -> OpenedSource {
        Unmanaged<OpenedSource>.fromOpaque(pointer!).takeUnretainedValue()
    }

    /// One tensor per field.
    func read(_ indices: [Int]) throws -> [TestTensor] {
        let tensors = fields.map { TestTensor($0.dtype, [indices.count] + $0.shape) }
        let outputs = tensors.map(\.raw.pointee)
        try services.check(
            vtable.pointee.read(handle, Int64(indices.count), indices.map(Int64.init), outputs))
        return tensors
    }
}

/// A transform, created through the C vtable as the host does it.
final class OpenedTransform {
    let services = TestServices()
    private let vtable: UnsafePointer<lamina_transform>
    private var handle: UnsafeMutableRawPointer?

    init(_ name: String, _ attributes: JSONObject = [:]) throws {
        let component = DataCatalogue.transforms.first { $0.name == name }!.raw
        vtable = component.pointee.vtable.assumingMemoryBound(to: lamina_transform.self)
        let bound = try AttributeSet.bind(attributeSchemas(of: component), attributes)
        try services.check(vtable.pointee.create(component, services.raw, bound.raw, &handle))
    }

    deinit { vtable.pointee.destroy(handle) }

    func infer(_ dtype: DataType, _ shape: [Int]) throws -> (dtype: DataType, shape: [Int]) {
        var (outDtype, outRank) = (lamina_dtype(), Int32(0))
        var outShape = [Int64](repeating: 0, count: 8)
        try services.check(
            vtable.pointee.infer(
                handle, dtype.raw, Int32(shape.count), shape.map(Int64.init), &outDtype, &outRank, &outShape))
        return (DataType(outDtype)!, outShape.prefix(Int(outRank)).map(Int.init))
    }

    /// Applies the transform to a batch; `shape` is that of one sample.
    func apply<Element: BitwiseCopyable>(
        _ values: [Element], _ dtype: DataType, _ shape: [Int], isTraining: Bool = false, seed: UInt64 = 1
    ) throws -> TestTensor {
        let (outDtype, outShape) = try infer(dtype, shape)
        let batch = values.count / shape.reduce(1, *)
        let input = TestTensor(dtype.raw, [batch] + shape)
        values.withUnsafeBytes { input.bytes.copyMemory(from: $0) }
        let output = TestTensor(outDtype.raw, [batch] + outShape)
        try services.check(
            vtable.pointee.apply(
                handle, isTraining ? LAMINA_PHASE_TRAINING : LAMINA_PHASE_INFERENCE, input.raw, output.raw,
                lamina_random(seed: seed, stream: 7, offset: 0)))
        return output
    }
}

/// Expects that opening fails with this status and a text that has all the parts.
func failure(_ name: String, _ attributes: JSONObject) -> Failure? {
    do {
        _ = try OpenedSource(name, attributes)
        return nil
    } catch {
        return error as? Failure ?? Failure(status: -1, text: "\(error)")
    }
}
