import CLamina

/// A component that can be called.
public struct LoadedComponent: @unchecked Sendable {
    public let description: ComponentDescription
    public let raw: UnsafePointer<lamina_component>

    /// The functions of its kind.
    public func table<Table>(_ type: Table.Type = Table.self) -> UnsafePointer<Table> {
        raw.pointee.vtable.assumingMemoryBound(to: Table.self)
    }
}

extension LoadedComponent {
    /// Throws when a function that its kind has to have is missing, so that the others need not look.
    func checkTable() throws(HostError) {
        let kind = description.kind
        switch kind {
        case "layer", "loss":
            try check(
                lamina_layer.self, lastOf10: \.get_extension,
                [
                    ("create", \.create), ("destroy", \.destroy), ("infer", \.infer), ("plan", \.plan),
                    ("release", \.release), ("forward", \.forward),
                ])
        case "block": try check(lamina_block.self, [("expand", \.expand)])
        case "initializer": try check(lamina_initializer.self, [("fill", \.fill)])
        case "optimizer":
            try check(
                lamina_optimizer.self,
                [
                    ("create", \.create), ("destroy", \.destroy), ("declare_state", \.declare_state), ("step", \.step),
                ])
        case "schedule": try check(lamina_schedule.self, [("factor", \.factor)])
        case "metric":
            try check(
                lamina_metric.self,
                [
                    ("create", \.create), ("destroy", \.destroy), ("reset", \.reset), ("update", \.update),
                    ("result", \.result), ("direction", \.direction),
                ])
        case "source":
            try check(
                lamina_source.self, lastOf10: \.read,
                [("create", \.create), ("destroy", \.destroy), ("describe", \.describe), ("read", \.read)])
        case "transform":
            try check(
                lamina_transform.self,
                [("create", \.create), ("destroy", \.destroy), ("infer", \.infer), ("apply", \.apply)])
        case "batch_transform":
            try check(
                lamina_batch_transform.self, [("create", \.create), ("destroy", \.destroy), ("apply", \.apply)])
        case "procedure":
            try check(
                lamina_procedure.self,
                [
                    ("create", \.create), ("destroy", \.destroy), ("define", \.define), ("start", \.start),
                    ("step", \.step), ("save", \.save), ("restore", \.restore), ("item_name", \.item_name),
                ])
        case "task": try check(lamina_task.self, [("run", \.run), ("usage", \.usage)])
        case "tokenizer":
            try check(
                lamina_tokenizer.self,
                [
                    ("train", \.train), ("create", \.create), ("destroy", \.destroy),
                    ("vocabulary_size", \.vocabulary_size), ("special", \.special), ("encode", \.encode),
                    ("decode", \.decode), ("token", \.token), ("id", \.id),
                ])
        default: throw .incompatiblePlugin("\(description.id): this host does not know components of kind '\(kind)'")
        }
    }

    /// - Parameter lastOf10: the last field that version 1.0 has, of tables that have grown since.
    private func check<Table>(
        _ type: Table.Type, lastOf10: PartialKeyPath<Table>? = nil,
        _ functions: [(name: String, field: PartialKeyPath<Table>)]
    ) throws(HostError) {
        let place = "\(description.kind) '\(description.id)'"
        // Every table starts with its size.
        let size = Int(raw.pointee.vtable.loadUnaligned(as: UInt32.self))
        let wanted = lastOf10.map { MemoryLayout<Table>.offset(of: $0)! + 8 } ?? MemoryLayout<Table>.size
        guard size >= wanted else {
            throw .incompatiblePlugin(
                "\(place): its table has \(size) bytes, wanted \(wanted) or more; "
                    + "build the plugin again with this SDK and set struct_size")
        }
        for (name, field) in functions {
            let offset = MemoryLayout<Table>.offset(of: field)!
            let function = raw.pointee.vtable.loadUnaligned(fromByteOffset: offset, as: UInt.self)
            guard function != 0 else {
                throw .incompatiblePlugin("\(place): its function '\(name)' is NULL (a bug of the plugin)")
            }
        }
    }
}
