import LaminaArchive
import LaminaFormats
import LaminaHost

extension Model {
    /// What the archive's plugins lack on this machine, one line each, from manifests alone: no foreign code runs.
    public static func obstacles(_ manifest: Manifest, _ registry: Registry = Lamina.registry) -> [String] {
        manifest.plugins.flatMap { needed -> [String] in
            let list = needed.components.map { "\($0.kind) \(needed.id).\($0.name) version \($0.version)" }
            guard let plugin = registry.plugin(needed.id) else {
                return [
                    "the model needs plugin '\(needed.id)' \(needed.versions), which is not installed here, for "
                        + "\(list.joined(separator: ", ")); see `lamina plugins list`"
                ]
            }
            if let obstacle = plugin.obstacle { return ["plugin '\(needed.id)' cannot run here: \(obstacle)"] }
            return needed.components.compactMap { component in
                let id = "\(needed.id).\(component.name)"
                let installed = plugin.components.first { $0.kind == component.kind && $0.id == id }
                if installed?.version == component.version { return nil }
                let has = installed.map { "version \($0.version)" } ?? "none"
                return "the model needs \(component.kind) '\(id)' version \(component.version); plugin '\(needed.id)' "
                    + "\(plugin.version) has \(has); install \(needed.versions)"
            }
        }
    }

    /// The source that read the training data, by its id; files to predict are read as it did.
    public static func reader(_ manifest: Manifest) -> String? {
        guard case .string(let id)? = manifest.preprocess.decode["reader"]?["component"] else { return nil }
        return id
    }

    /// What reading files to predict lacks on this machine, beside `obstacles`: the network alone runs without.
    public static func readingObstacles(_ manifest: Manifest, _ registry: Registry = Lamina.registry) -> [String] {
        if let id = reader(manifest) {
            if registry.component(kind: "source", id: id) != nil { return [] }
            let plugin = id.split(separator: ".").first.map(String.init) ?? id
            let lack = registry.plugin(plugin) == nil ? "is not installed here" : "has no such source here"
            return ["predicting from files needs source '\(id)'; plugin '\(plugin)' \(lack); see `lamina plugins list`"]
        }
        if registry.firstComponent(kind: "source", where: { !$0.suffixes.isEmpty }) != nil { return [] }
        return ["predicting from files needs a plugin with a source that reads them; none is installed here"]
    }
}
