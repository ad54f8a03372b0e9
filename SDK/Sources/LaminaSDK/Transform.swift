import CLamina

/// A change of one field, batch by batch: normalising, resizing, augmenting.
public protocol Transform: ComponentType {
    init(_ attributes: Attributes) throws
    /// Type and shape of one sample after the change; shapes are without the batch dimension.
    func infer(_ dtype: DataType, _ shape: [Int]) throws -> (DataType, [Int])
    /// A batch, plain; `output` never overlaps `input`.
    func apply(_ input: Tensor, to output: Tensor, isTraining: Bool, random: lamina_random, host: Host) throws
}

extension Component {
    public static func transform<T: Transform>(_ type: T.Type) -> Component {
        Component(
            type, kind: LAMINA_KIND_TRANSFORM, vtable: TransformTable.shared,
            factory: Factory<TransformTable.Make>({ try T($0) }))
    }
}

enum TransformTable {
    typealias Make = (Attributes) throws -> any Transform
    typealias TransformBox = Box<any Transform>

    nonisolated(unsafe) static let shared = UnsafeRawPointer(
        permanent(
            lamina_transform(
                struct_size: UInt32(MemoryLayout<lamina_transform>.size), reserved: 0,
                create: { component, host, attributes, out in
                    host!.status {
                        let transform = try Factory<Make>.of(component)(Attributes(attributes))
                        out!.pointee = TransformBox(transform, Host(host!)).retained
                    }
                },
                destroy: { TransformBox.release($0) },
                infer: { handle, dtype, rank, shape, outDtype, outRank, outShape in
                    let box = TransformBox.at(handle)
                    return box.host.raw.status {
                        guard let type = DataType(dtype) else {
                            throw PluginError.type("the field has an element type that this SDK does not know")
                        }
                        let (newType, newShape) = try box.value.infer(type, (0..<Int(rank)).map { Int(shape![$0]) })
                        // The host's array has room for 8.
                        guard newShape.count <= 8, newShape.allSatisfy({ $0 >= 0 }) else {
                            throw PluginError.shape(
                                "the transform makes samples of shape \(newShape): wanted at most 8 dimensions, none "
                                    + "below 0")
                        }
                        outDtype!.pointee = newType.raw
                        outRank!.pointee = Int32(newShape.count)
                        for (axis, size) in newShape.enumerated() { outShape![axis] = Int64(size) }
                    }
                },
                apply: { handle, phase, input, output, random in
                    let box = TransformBox.at(handle)
                    return box.host.raw.status {
                        try box.value.apply(
                            Tensor(input!), to: Tensor(output!), isTraining: phase == LAMINA_PHASE_TRAINING,
                            random: random, host: box.host)
                    }
                })))
}
