import CCPU
import CLamina
import Glibc

/// A plugin whose library is loaded and has introduced itself.
public final class LoadedPlugin: @unchecked Sendable {
    public typealias Entry = @convention(c) (UnsafePointer<lamina_host>?, UnsafeMutablePointer<lamina_plugin>?) -> Int32

    public let id: String
    public let name: String
    public let version: String
    public let license: String
    public let documentation: String
    public let abiMinor: Int
    public let components: [LoadedComponent]
    private let table: UnsafeMutablePointer<lamina_plugin>

    /// Loads a library and shakes hands. It is never unloaded.
    public static func load(path: String, runtime: Runtime = .shared) throws(HostError) -> LoadedPlugin {
        let control = lamina_cpu_float_control()
        defer {
            if lamina_cpu_float_control() != control {
                // A library built with -ffast-math switches denormals off for the whole process.
                lamina_cpu_set_float_control(control)
                runtime.logHandler(
                    LAMINA_LOG_WARNING, "\(path) changed the floating-point state while loading; it has been restored")
            }
        }
        guard let handle = dlopen(path, RTLD_NOW | RTLD_LOCAL) else {
            throw .incompatiblePlugin("\(path) cannot be loaded: \(String(cString: dlerror()))")
        }
        guard let symbol = dlsym(handle, "lamina_plugin_v\(LAMINA_ABI_MAJOR)") else {
            throw .incompatiblePlugin(
                "\(path) does not export lamina_plugin_v\(LAMINA_ABI_MAJOR): it is no plugin for this major version")
        }
        return try LoadedPlugin(entry: unsafeBitCast(symbol, to: Entry.self), from: path, runtime: runtime)
    }

    /// Shakes hands with an entry function: that of a library, or one linked into this program.
    public init(entry: Entry, from place: String, runtime: Runtime = .shared) throws(HostError) {
        table = .allocate(capacity: 1)
        table.initialize(to: lamina_plugin())
        table.pointee.struct_size = UInt32(MemoryLayout<lamina_plugin>.size)
        let status = entry(runtime.services, table)
        try runtime.check(status, "\(place) refused to start")
        guard let id = table.pointee.id, let version = table.pointee.version,
            table.pointee.component_count == 0 || table.pointee.components != nil
        else { throw .incompatiblePlugin("\(place) gave no id, version or components") }
        self.id = String(cString: id)
        guard self.id.isComponentName else {
            throw .incompatiblePlugin("\(place) calls itself '\(self.id)', wanted [a-z][a-z0-9_]*")
        }
        self.version = String(cString: version)
        name = table.pointee.name.map { String(cString: $0) } ?? self.id
        license = table.pointee.license.map { String(cString: $0) } ?? ""
        documentation = table.pointee.documentation.map { String(cString: $0) } ?? ""
        abiMinor = Int(table.pointee.abi_minor)
        var components: [LoadedComponent] = []
        for index in 0..<Int(max(0, table.pointee.component_count)) {
            guard let raw = table.pointee.components[index] else {
                throw .incompatiblePlugin("\(place): component \(index) is NULL")
            }
            let description = try ComponentDescription(raw, plugin: self.id)
            components.append(LoadedComponent(description: description, raw: raw))
        }
        self.components = components
    }

    /// Tells the plugin that the process ends.
    func shutdown() { table.pointee.shutdown?() }
}
