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

    /// A bundle by its folder's name.
    private struct Candidate: Sendable {
        let id: String
        let path: String
    }

    private struct State: Sendable {
        /// Not read yet, in the order of the search path.
        var candidates: [Candidate] = []
        var bundles: [String: PluginBundle] = [:]
        var loaded: [String: LoadedPlugin] = [:]
        var entries: [String: Entry] = [:]
        /// Ids of plugins, some perhaps unread or broken, in the order in which they were found.
        var order: [String] = []
        var problems: [String] = []
        var failures: [String: HostError] = [:]
    }

    public let runtime: Runtime
    private let target: String?
    private let state: Mutex<State>

    /// Finds the bundles in `folders`; of several plugins with one id the first that can be read counts.
    ///
    /// A manifest is read when something of its plugin is first asked for, because a process needs few of them.
    /// - Parameter target: an instruction-set level to load instead of the best one.
    public init(folders: [String] = PluginBundle.searchPath(), target: String? = nil, runtime: Runtime = .shared) {
        self.runtime = runtime
        self.target = target
        var found = State()
        for folder in folders {
            for name in PluginBundle.names(in: folder) {
                let id = String(name.dropLast(PluginBundle.suffix.count))
                if !found.order.contains(id) { found.order.append(id) }
                found.candidates.append(Candidate(id: id, path: folder + "/" + name))
            }
        }
        state = Mutex(found)
    }

    /// Reads the manifests of a plugin's bundles until one can be read; nil: of all plugins. Broken ones are logged.
    private func read(_ id: String? = nil) {
        let problems = state.withLock { state in
            let known = state.problems.count
            for candidate in state.candidates where id == nil || candidate.id == id {
                if state.entries[candidate.id] == nil { read(candidate, &state) }
            }
            state.candidates.removeAll { id == nil || $0.id == id }
            return state.problems[known...]
        }
        for problem in problems { runtime.logHandler(LAMINA_LOG_WARNING, problem) }
    }

    private func read(_ candidate: Candidate, _ state: inout State) {
        do {
            let bundle = try PluginBundle(path: candidate.path)
            let manifest = bundle.manifest
            state.bundles[manifest.id] = bundle
            state.entries[manifest.id] = Entry(
                id: manifest.id, name: manifest.name, version: manifest.version, license: manifest.license,
                documentation: manifest.documentation, path: bundle.path,
                obstacle: target == nil ? manifest.obstacle : nil, components: manifest.components)
        } catch {
            state.problems.append(error.description)
        }
    }

    /// Adds a plugin that is linked into the program, by its entry function.
    public func add(_ entry: LoadedPlugin.Entry) throws(HostError) {
        let plugin = try LoadedPlugin(entry: entry, from: "a plugin linked into this program", runtime: runtime)
        state.withLock { state in
            state.loaded[plugin.id] = plugin
            state.order.removeAll { $0 == plugin.id }
            state.order.append(plugin.id)
            state.entries[plugin.id] = Entry(
                id: plugin.id, name: plugin.name, version: plugin.version, license: plugin.license,
                documentation: plugin.documentation, path: nil, obstacle: nil,
                components: plugin.components.map(\.description))
        }
    }

    /// The plugins, in the order in which they were found. Reads every manifest.
    public var plugins: [Entry] {
        read()
        return state.withLock { state in state.order.compactMap { state.entries[$0] } }
    }

    /// One line for each bundle that could not be read, of those that were asked for.
    public var problems: [String] { state.withLock { $0.problems } }

    public func plugin(_ id: String) -> Entry? {
        read(id)
        return state.withLock { $0.entries[id] }
    }

    /// A component, or nil when it is not installed.
    public func component(kind: String, id: String) -> ComponentDescription? {
        plugin(Self.pluginID(of: id))?.components.first { $0.kind == kind && $0.id == id }
    }

    /// Every component of a kind, of all plugins.
    public func components(kind: String) -> [ComponentDescription] {
        plugins.flatMap(\.components).filter { $0.kind == kind }
    }

    /// The first component of a kind that fits, with no more manifests read than it takes.
    public func firstComponent(
        kind: String, where fits: (ComponentDescription) -> Bool
    ) -> ComponentDescription? {
        for id in state.withLock({ $0.order }) {
            if let found = plugin(id)?.components.first(where: { $0.kind == kind && fits($0) }) { return found }
        }
        return nil
    }

    private static func pluginID(of id: String) -> String { String(id.prefix { $0 != "." }) }

    /// What a component says of itself, without running its code. The error names what is missing and what is near.
    public func describe(kind: String, id: String) throws(HostError) -> ComponentDescription {
        let pluginID = Self.pluginID(of: id)
        if let plugin = plugin(pluginID) {
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
        let plugins = self.plugins
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
        let pluginID = Self.pluginID(of: id)
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
            guard let bundle = state.bundles[id] else {
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
