import CLamina
import LaminaFormats
import LaminaSchema
import Synchronization

/// What is installed: finds components by kind and id, and loads a plugin when one of its components is first used.
///
/// Questions ("which attributes has this layer?") are answered from the manifests; only `load` runs foreign code. A
/// broken bundle becomes an entry of `problems` and affects nothing else.
public final class Registry: Sendable {
    /// One plugin, from a bundle or linked into the program.
    public struct Entry: Sendable {
        public let id: String
        public let name: String
        public let version: String
        public let license: String
        public let documentation: String
        /// The bundle's folder; nil when it is linked in.
        public let path: String?
        /// Why it cannot run here; nil when it can.
        public let obstacle: String?
        public let components: [ComponentDescription]
    }

    private struct State: Sendable {
        var bundles: [PluginBundle] = []
        var loaded: [String: LoadedPlugin] = [:]
        var entries: [Entry] = []
        var problems: [String] = []
        var failures: [String: HostError] = [:]
    }

    public let runtime: Runtime
    private let target: String?
    private let state: Mutex<State>

    /// Reads the manifests of all bundles in `folders`; of several plugins with one id the first counts.
    ///
    /// - Parameter target: an instruction-set level to load instead of the best one.
    public init(folders: [String] = PluginBundle.searchPath(), target: String? = nil, runtime: Runtime = .shared) {
        self.runtime = runtime
        self.target = target
        var found = State()
        for folder in folders {
            for name in PluginBundle.names(in: folder) {
                do {
                    let bundle = try PluginBundle(path: folder + "/" + name)
                    let manifest = bundle.manifest
                    if found.entries.contains(where: { $0.id == manifest.id }) { continue }
                    found.bundles.append(bundle)
                    found.entries.append(
                        Entry(
                            id: manifest.id, name: manifest.name, version: manifest.version, license: manifest.license,
                            documentation: manifest.documentation, path: bundle.path,
                            obstacle: target == nil ? manifest.obstacle : nil, components: manifest.components))
                } catch {
                    found.problems.append(error.description)
                }
            }
        }
        state = Mutex(found)
    }

    /// Adds a plugin that is linked into the program, by its entry function.
    public func add(_ entry: LoadedPlugin.Entry) throws(HostError) {
        let plugin = try LoadedPlugin(entry: entry, from: "a plugin linked into this program", runtime: runtime)
        state.withLock { state in
            state.loaded[plugin.id] = plugin
            state.entries.removeAll { $0.id == plugin.id }
            state.entries.append(
                Entry(
                    id: plugin.id, name: plugin.name, version: plugin.version, license: plugin.license,
                    documentation: plugin.documentation, path: nil, obstacle: nil,
                    components: plugin.components.map(\.description)))
        }
    }

    /// The plugins, in the order in which they were found.
    public var plugins: [Entry] { state.withLock { $0.entries } }
    /// One line for each bundle that could not be read.
    public var problems: [String] { state.withLock { $0.problems } }

    public func plugin(_ id: String) -> Entry? { plugins.first { $0.id == id } }

    /// Every component of a kind, of all plugins.
    public func components(kind: String) -> [ComponentDescription] {
        plugins.flatMap(\.components).filter { $0.kind == kind }
    }

    /// What a component says of itself, without running its code. The error names what is missing and what is near.
    public func describe(kind: String, id: String) throws(HostError) -> ComponentDescription {
        let plugins = self.plugins
        let pluginID = id.split(separator: ".", maxSplits: 1).first.map(String.init) ?? id
        if let plugin = plugins.first(where: { $0.id == pluginID }) {
            if let found = plugin.components.first(where: { $0.kind == kind && $0.id == id }) { return found }
            let others = plugin.components.filter { $0.id == id }.map(\.kind)
            if let other = others.first {
                throw .missingComponent("'\(id)' is \(article(other)), wanted \(article(kind))")
            }
            let near = Suggestion.question(for: id, among: plugin.components.filter { $0.kind == kind }.map(\.id))
            throw .missingComponent(
                "plugin '\(pluginID)' \(plugin.version) has no \(kind) '\(id)'"
                    + (near.isEmpty ? "; see `lamina plugins show \(pluginID)`" : near))
        }
        let candidates = plugins.flatMap(\.components).filter { $0.kind == kind }.map(\.id)
        // A name without its plugin: perhaps one of the plugins has it.
        let owner = id.contains(".") ? nil : candidates.first { $0.hasSuffix("." + id) }
        let near = owner.map { "; did you mean '\($0)'?" } ?? Suggestion.question(for: id, among: candidates)
        let installed = plugins.map(\.id).sorted().joined(separator: ", ")
        throw .missingComponent(
            "\(kind) '\(id)' needs plugin '\(pluginID)', which is not installed (installed: "
                + "\(installed.isEmpty ? "none" : installed))" + (near.isEmpty ? "; see `lamina plugins list`" : near))
    }

    /// The component, ready to be called; loads its plugin at the first use.
    public func load(kind: String, id: String) throws(HostError) -> LoadedComponent {
        _ = try describe(kind: kind, id: id)
        let pluginID = String(id.split(separator: ".", maxSplits: 1)[0])
        let plugin = try loadPlugin(pluginID)
        guard let component = plugin.components.first(where: { $0.description.kind == kind && $0.description.id == id })
        else { throw .missingComponent("plugin '\(pluginID)' has no \(kind) '\(id)'") }
        try component.checkTable()
        return component
    }

    private func loadPlugin(_ id: String) throws(HostError) -> LoadedPlugin {
        let result: Result<LoadedPlugin, HostError> = state.withLock { state in
            if let plugin = state.loaded[id] { return .success(plugin) }
            if let failure = state.failures[id] { return .failure(failure) }
            guard let bundle = state.bundles.first(where: { $0.manifest.id == id }) else {
                return .failure(.missingComponent("plugin '\(id)' is not installed"))
            }
            runtime.loadLibraries()
            do throws(HostError) {
                let plugin = try bundle.load(target: target, runtime: runtime)
                state.loaded[id] = plugin
                return .success(plugin)
            } catch {
                state.failures[id] = error
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// Tells loaded plugins that the process ends.
    public func shutdown() { state.withLock { $0.loaded.values.forEach { $0.shutdown() } } }

    private func article(_ kind: String) -> String {
        (["a", "e", "i", "o", "u"].contains(kind.first.map(String.init) ?? "") ? "an " : "a ") + kind
    }
}
