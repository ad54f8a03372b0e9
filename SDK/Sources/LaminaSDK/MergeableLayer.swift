import CLamina

/// A layer that can be folded into the one behind which it stands, as a low-rank update into the weight that it updates.
public protocol MergeableLayer: Layer {
    /// Changes the parameters of the layer before so that this one can be left out at inference.
    ///
    /// Throws `PluginError.unsupported`, with nothing written, if it cannot be folded into such a layer.
    func merge(_ merging: Merging) throws
}

/// The parameters of a layer that is to be folded, and of the one that it is folded into.
public struct Merging {
    public let raw: UnsafePointer<lamina_merging>
    public let host: Host

    public init(raw: UnsafePointer<lamina_merging>, host: Host) {
        self.raw = raw
        self.host = host
    }

    /// The layer's own, in the order in which it declared them.
    public func parameter(_ index: Int) -> Tensor { Tensor(raw.pointee.parameters + index) }

    /// The id of the layer behind which it stands.
    public var targetComponent: String { String(cString: raw.pointee.target_component) }
    public var targetNames: [String] {
        (0..<Int(raw.pointee.target_count)).map { String(cString: raw.pointee.target_names[$0]!) }
    }
    /// A parameter of the layer behind which it stands, to be changed; nil: it has none of that name.
    public func target(_ name: String) -> Tensor? {
        targetNames.firstIndex(of: name).map { Tensor(raw.pointee.targets + $0) }
    }
}

/// The C function behind every Swift layer that can be folded.
enum MergeTable {
    nonisolated(unsafe) static let shared = UnsafeRawPointer(
        permanent(
            lamina_merge(
                struct_size: UInt32(MemoryLayout<lamina_merge>.size), reserved: 0,
                merge: { handle, merging in
                    let box = LayerTable.LayerBox.at(handle)
                    return box.host.raw.status {
                        guard let layer = box.value as? any MergeableLayer else {
                            throw PluginError.unsupported("it cannot be folded")
                        }
                        try layer.merge(Merging(raw: merging!, host: box.host))
                    }
                })))
}
