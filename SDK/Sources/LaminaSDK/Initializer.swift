import CLamina

/// Fills a parameter before training.
public protocol Initializer: ComponentType {
    init(_ attributes: Attributes) throws
    /// `out` is float32 and plain.
    func fill(_ out: Tensor, random: lamina_random, host: Host) throws
}

extension Component {
    public static func initializer<I: Initializer>(_ type: I.Type) -> Component {
        Component(
            type, kind: LAMINA_KIND_INITIALIZER, vtable: InitializerTable.shared,
            factory: Factory<InitializerTable.Make>({ try I($0) }))
    }
}

enum InitializerTable {
    typealias Make = (Attributes) throws -> any Initializer

    nonisolated(unsafe) static let shared = UnsafeRawPointer(
        permanent(
            lamina_initializer(
                struct_size: UInt32(MemoryLayout<lamina_initializer>.size), reserved: 0,
                fill: { component, host, attributes, out, random in
                    host!.status {
                        let initializer = try Factory<Make>.of(component)(Attributes(attributes))
                        try initializer.fill(Tensor(out!), random: random, host: Host(host!))
                    }
                })))
}
