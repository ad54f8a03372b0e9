import CLamina

extension Component {
    /// A catalogue entry for a layer.
    public static func layer<L: Layer>(_ type: L.Type) -> Component { entry(type, kind: LAMINA_KIND_LAYER) }

    /// A catalogue entry for a loss: the input named "target" is the target, the output a scalar.
    public static func loss<L: Layer>(_ type: L.Type) -> Component { entry(type, kind: LAMINA_KIND_LOSS) }

    private static func entry<L: Layer>(_ type: L.Type, kind: String) -> Component {
        Component(
            type, kind: kind, inputs: type.inputs, link: type.link, vtable: LayerTable.shared,
            factory: Factory<LayerTable.Make>({ try L($0) }))
    }
}

/// The C functions behind every Swift layer. They find the Swift value in the handle that `create` and `plan` return.
enum LayerTable {
    typealias Make = (Attributes) throws -> any Layer
    typealias LayerBox = Box<any Layer>
    typealias PlannedBox = Box<any PlannedLayer>

    nonisolated(unsafe) static let shared = UnsafeRawPointer(
        permanent(
            lamina_layer(
                struct_size: UInt32(MemoryLayout<lamina_layer>.size), reserved: 0,
                create: { component, host, attributes, out in
                    host!.status {
                        let layer = try Factory<Make>.of(component)(Attributes(attributes))
                        out!.pointee = LayerBox(layer, Host(host!)).retained
                    }
                },
                destroy: { LayerBox.release($0) },
                infer: { handle, inference in
                    let box = LayerBox.at(handle)
                    return box.host.raw.status { try box.value.infer(Inference(raw: inference!, host: box.host)) }
                },
                plan: { handle, planning, out in
                    let box = LayerBox.at(handle)
                    return box.host.raw.status {
                        let planned = try box.value.plan(Planning(raw: planning!, host: box.host))
                        out!.pointee = PlannedBox(planned, box.host).retained
                    }
                },
                release: { PlannedBox.release($0) },
                prepare: { handle, run in
                    let box = PlannedBox.at(handle)
                    return box.host.raw.status { try box.value.prepare(Run(raw: run!, host: box.host)) }
                },
                forward: { handle, run in
                    let box = PlannedBox.at(handle)
                    return box.host.raw.status { try box.value.forward(Run(raw: run!, host: box.host)) }
                },
                backward: { handle, run in
                    let box = PlannedBox.at(handle)
                    return box.host.raw.status { try box.value.backward(Run(raw: run!, host: box.host)) }
                },
                get_extension: { handle, id in
                    let layer = LayerBox.at(handle).value
                    switch id.map({ String(cString: $0) }) {
                    case LAMINA_EXTENSION_MERGE where layer is any MergeableLayer: return MergeTable.shared
                    case LAMINA_EXTENSION_JVP where layer is any TangentLayer: return TangentTable.shared
                    default: return nil
                    }
                },
                forward_range: { handle, run, begin, count in
                    let box = PlannedBox.at(handle)
                    box.value.forward(Run(raw: run!, host: box.host), Int(begin)..<Int(begin + count))
                })))
}
