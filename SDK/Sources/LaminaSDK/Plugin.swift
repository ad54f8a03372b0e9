import CLamina

/// A plugin's catalogue. Its library's entry function hands it to the host:
///
///     @c(lamina_plugin_v1)
///     public func entry(_ host: UnsafePointer<lamina_host>?, _ out: UnsafeMutablePointer<lamina_plugin>?) -> Int32 {
///         Plugin.export(MyPlugin.plugin, to: out)
///     }
public struct Plugin {
    /// [a-z][a-z0-9_]*: the prefix of its components' ids.
    public var id: String
    public var name: String
    public var version: String
    /// SPDX identifier.
    public var license: String
    public var documentation: String
    public var components: [Component]

    public init(
        id: String, name: String, version: String, license: String, documentation: String, components: [Component]
    ) {
        self.id = id
        self.name = name
        self.version = version
        self.license = license
        self.documentation = documentation
        self.components = components
    }

    /// Fills the host's struct. What it points to lives as long as the process.
    public static func export(_ plugin: Plugin, to out: UnsafeMutablePointer<lamina_plugin>?) -> Int32 {
        guard let out, out.pointee.struct_size >= UInt32(MemoryLayout<lamina_plugin>.size) else {
            return LAMINA_ERROR_UNSUPPORTED
        }
        out.pointee.abi_minor = UInt32(LAMINA_ABI_MINOR)
        out.pointee.id = permanent(plugin.id)
        out.pointee.name = permanent(plugin.name)
        out.pointee.version = permanent(plugin.version)
        out.pointee.license = permanent(plugin.license)
        out.pointee.documentation = permanent(plugin.documentation)
        out.pointee.component_count = Int32(plugin.components.count)
        out.pointee.components = permanent(plugin.components.map { Optional($0.raw) })
        out.pointee.shutdown = nil
        out.pointee.get_extension = nil
        return LAMINA_OK
    }
}
