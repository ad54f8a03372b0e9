import ArgumentParser
import Lamina
import LaminaArchive
import LaminaFormats
import LaminaHost
import LaminaSDK
import LaminaSchema

struct Plugins: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plugins",
        abstract: "What is installed, what it offers, what a model lacks here.",
        subcommands: [List.self, Show.self, Why.self, Verify.self], defaultSubcommand: List.self)

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "The installed plugins. Runs no foreign code.")

        @OptionGroup var format: FormatOption
        @OptionGroup var host: HostOptions

        func run() {
            let plugins = host.registry().plugins
            if format.format == .json {
                JSON.array(plugins.map(\.json)).show()
                return
            }
            let rows = plugins.map { plugin in
                [
                    plugin.id, plugin.version, "\(plugin.components.count)", plugin.obstacle ?? "ready",
                    plugin.path ?? "linked in",
                ]
            }
            Terminal.result(Text.table(["plugin", "version", "components", "state", "folder"], rows, right: [2]))
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract: "A plugin's components, or a component's attributes with defaults and documentation.")

        @Argument(help: "A plugin by its id, or a component as PLUGIN.NAME.")
        var name: String

        @OptionGroup var format: FormatOption
        @OptionGroup var host: HostOptions

        func run() throws {
            let registry = host.registry()
            if let plugin = registry.plugin(name) { return show(plugin) }
            let all = registry.plugins.flatMap(\.components)
            let found = all.filter { $0.id == name }
            guard !found.isEmpty else {
                let near = Suggestion.question(for: name, among: registry.plugins.map(\.id) + all.map(\.id))
                throw LaminaError(.plugin, "no installed plugin or component is named '\(name)'\(near)")
            }
            if format.format == .json {
                JSON.array(found.map(\.description)).show()
            } else {
                Terminal.result(found.map(text).joined(separator: "\n\n"))
            }
        }

        private func show(_ plugin: Registry.Entry) {
            if format.format == .json { return plugin.json.show() }
            Terminal.result("\(plugin.id) \(plugin.version) (\(plugin.license)): \(plugin.documentation)")
            let rows = plugin.components.map { [$0.kind, $0.id, "\($0.version)", $0.documentation] }
            Terminal.result(Text.table(["kind", "component", "version", ""], rows, right: [2]))
        }

        private func text(_ component: ComponentDescription) -> String {
            var text = "\(component.kind) \(component.id), version \(component.version): \(component.documentation)"
            if !component.inputs.isEmpty {
                let ports = component.inputs.map { $0.arity == .required ? $0.name : "\($0.name) (\($0.arity))" }
                text += "\ninputs: \(ports.joined(separator: ", "))"
            }
            if component.attributes.isEmpty { return text + "\nno attributes" }
            let rows = component.attributes.map { attribute -> [String] in
                let value = attribute.defaultJSON.map { $0 == "null" ? "optional" : "default \($0)" } ?? "required"
                return [attribute.name, attribute.requirement, value, attribute.documentation]
            }
            return text + "\n" + Text.table(["attribute", "value", "", ""], rows)
        }
    }

    struct Why: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "why",
            abstract: "What a model needs and what is missing here, from its manifest alone.")

        @Argument(help: "The archive.")
        var model: String

        @Flag(help: "Accept an archive that was zipped again by another tool.")
        var tolerant = false

        @OptionGroup var format: FormatOption
        @OptionGroup var host: HostOptions

        func run() throws {
            let archive = try Archive.open(model, tolerant: tolerant)
            let registry = host.registry()
            let reader = Model.reader(archive.manifest)
            let obstacles =
                Model.obstacles(archive.manifest, registry) + Model.readingObstacles(archive.manifest, registry)
            if format.format == .json {
                JSON.object(
                    JSONObject([
                        ("archive", .string(model)), ("ok", .bool(obstacles.isEmpty)),
                        ("reader", reader.map { .string($0) } ?? .null),
                        ("missing", .array(obstacles.map { .string($0) })),
                    ])
                ).show()
            } else {
                for plugin in archive.manifest.plugins {
                    let names = plugin.components.map { "\($0.name)@\($0.version)" }
                    Terminal.result(
                        "needs \(plugin.id) \(plugin.versions), ABI \(plugin.abi): \(names.joined(separator: ", "))")
                }
                if let reader { Terminal.result("reads files to predict as source \(reader) read the training data") }
                for obstacle in obstacles { Terminal.result("missing: \(obstacle)") }
                if obstacles.isEmpty { Terminal.result("everything is installed") }
            }
            if !obstacles.isEmpty { throw ExitCode(LaminaError.Kind.plugin.exitCode) }
        }
    }
}

extension Plugins {
    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify",
            abstract:
                "Compare the installed plugins' libraries with the hashes of their plugin.json. Runs no foreign code.")

        @OptionGroup var format: FormatOption
        @OptionGroup var host: HostOptions

        func run() throws {
            let results = host.registry().plugins.compactMap { plugin in
                plugin.path.map { path in (plugin: plugin, path: path, fault: fault(path)) }
            }
            if format.format == .json {
                JSON.array(
                    results.map {
                        [
                            "id": .string($0.plugin.id), "path": .string($0.path), "ok": .bool($0.fault == nil),
                            "fault": $0.fault.map { .string($0) } ?? .null,
                        ]
                    }
                ).show()
            } else {
                for result in results {
                    Terminal.result("\(result.plugin.id) \(result.plugin.version): \(result.fault ?? "ok")")
                }
            }
            if results.contains(where: { $0.fault != nil }) { throw ExitCode(LaminaError.Kind.verification.exitCode) }
        }

        private func fault(_ path: String) -> String? {
            do {
                try PluginBundle(path: path).verify()
                return nil
            } catch {
                return LaminaError(error).text
            }
        }
    }
}

extension Registry.Entry {
    var json: JSON {
        var object = JSONObject([
            ("id", .string(id)), ("name", .string(name)), ("version", .string(version)), ("license", .string(license)),
            ("documentation", .string(documentation)), ("path", path.map { .string($0) } ?? .null),
            ("obstacle", obstacle.map { .string($0) } ?? .null),
        ])
        object.append("components", .array(components.map(\.description)))
        return .object(object)
    }
}

extension ComponentDescription {
    /// As in `plugin.json`, with the full id.
    var description: JSON {
        guard case .object(let own) = json else { return json }
        return .object(JSONObject([("id", .string(id))] + own.members.map { ($0.key, $0.value) }))
    }
}
