import CLamina
import Glibc
import LaminaSDK

/// A plugin's shared library, loaded as a host loads it: for tests of what is really shipped.
public struct PluginLibrary: Sendable {
    public let id: String
    public let name: String
    public let version: String
    public let components: [Component]

    /// Loads the library at `path` and calls its entry function. It is never unloaded. Throws `PluginLibraryError`.
    public init(path: String, host: TestHost) throws(PluginLibraryError) {
        guard let library = dlopen(path, RTLD_NOW | RTLD_LOCAL | Int32(RTLD_NODELETE)) else {
            throw PluginLibraryError(
                "cannot load \(path): \(dlerror().map { String(cString: $0) } ?? "no reason given")")
        }
        guard let symbol = dlsym(library, "lamina_plugin_v1") else {
            throw PluginLibraryError("\(path) does not export lamina_plugin_v1")
        }
        typealias Entry = @convention(c) (UnsafePointer<lamina_host>?, UnsafeMutablePointer<lamina_plugin>?) -> Int32
        let entry = unsafeBitCast(symbol, to: Entry.self)
        var plugin = lamina_plugin()
        plugin.struct_size = UInt32(MemoryLayout<lamina_plugin>.size)
        let status = entry(host.raw, &plugin)
        do { try host.check(status, "lamina_plugin_v1") } catch { throw PluginLibraryError("\(path): \(error)") }
        guard let id = plugin.id, let name = plugin.name, let version = plugin.version, plugin.component_count >= 0,
            plugin.component_count == 0 || plugin.components != nil
        else { throw PluginLibraryError("\(path): id, name, version or the list of components is missing") }
        self.id = String(cString: id)
        self.name = String(cString: name)
        self.version = String(cString: version)
        var components: [Component] = []
        for index in 0..<Int(plugin.component_count) {
            guard let raw = plugin.components[index] else {
                throw PluginLibraryError("\(path): component \(index) is NULL")
            }
            components.append(Component(raw))
        }
        self.components = components
    }

    /// The component of this kind and name, without the plugin's id. Throws `PluginLibraryError`.
    public func component(_ kind: String, _ name: String) throws(PluginLibraryError) -> Component {
        guard let component = components.first(where: { $0.kind == kind && $0.name == name }) else {
            throw PluginLibraryError("plugin '\(id)' has no \(kind) '\(name)'")
        }
        return component
    }
}

/// Why a library is no plugin.
public struct PluginLibraryError: Error, Sendable, CustomStringConvertible {
    public let description: String
    init(_ text: String) { description = text }
}
