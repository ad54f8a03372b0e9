import CLamina
import Glibc
import LaminaFormats
import LaminaHost
import LaminaSchema

/// What a task answers with; rows and text come in the order in which the task gives them.
public protocol TaskObserver: AnyObject {
    func row(_ cells: JSONObject)
    func text(_ text: String)
    func wrote(file path: String)
    /// How far a long task is, in units of its own; 0 ≤ `done` ≤ `total`.
    func progress(_ done: Int, of total: Int)
}

extension Model {
    /// The tasks that a model offers: those of the plugins that it needs.
    ///
    /// Of several tasks of one name only those count whose plugins compute the model: a plugin that had a part in training
    /// alone knows nothing of its layers.
    public var tasks: [ComponentDescription] {
        let all = Set(neededPlugins).sorted().compactMap(registry.plugin).flatMap(\.components).filter {
            $0.kind == LAMINA_KIND_TASK
        }
        let computing = Set(graph.definition.nodes.map { $0.component.prefix { $0 != "." } })
        func computes(_ task: ComponentDescription) -> Bool { computing.contains(task.id.prefix { $0 != "." }) }
        func name(_ task: ComponentDescription) -> Substring { task.id.drop { $0 != "." } }
        return all.filter { task in
            computes(task) || !all.contains { name($0) == name(task) && computes($0) }
        }
    }

    /// Ids of the plugins that made the model and compute it.
    var neededPlugins: [String] {
        var ids = archive?.manifest.plugins.map(\.id) ?? []
        ids += graph.definition.nodes.map { String($0.component.prefix { $0 != "." }) }
        if let procedure { ids.append(String(procedure.prefix { $0 != "." })) }
        // Blocks have become layers, perhaps of other plugins.
        if case .array(let layers)? = trainingRecord["recipe"]?["model"]?["layers"]
            ?? recipe?.json()["model"]?["layers"]
        {
            for case .object(let layer) in layers {
                ids += layer.members.map(\.key).filter { $0.contains(".") }.map { String($0.prefix { $0 != "." }) }
            }
        }
        return ids
    }

    /// The task of this name, with or without its plugin's id before it, words joined by "_" or "-".
    public func task(named name: String) throws(LaminaError) -> ComponentDescription {
        let id = String(name.map { $0 == "-" ? "_" : $0 })
        let found = tasks.filter { $0.id == id || $0.id.hasSuffix("." + id) }
        if let task = found.first {
            guard found.count == 1 else {
                throw LaminaError(
                    .usage, "several plugins offer '\(name)': say \(found.map(\.id).joined(separator: " or "))")
            }
            return task
        }
        let names = tasks.map(\.shortName)
        let missing = missingMakersAdvice
        guard !names.isEmpty else {
            throw LaminaError(
                .usage, missing.map { "there is no task '\(name)': \($0)" } ?? "no plugin of this model offers a task")
        }
        throw LaminaError(
            .usage,
            "this model has no task '\(name)'\(Suggestion.question(for: name, among: names)); it offers "
                + names.joined(separator: ", ") + (missing.map { "; \($0)" } ?? ""))
    }

    /// Runs a task of the model's plugins.
    public func run(
        task: ComponentDescription, _ attributes: JSONObject, arguments: [String], _ observer: any TaskObserver
    ) throws(LaminaError) {
        try sorted {
            let component = try registry.load(kind: LAMINA_KIND_TASK, id: task.id)
            let bound: AttributeSet
            do {
                bound = try AttributeSet.bind(
                    component.description.attributes, attributes, pathsRelativeTo: workingFolder)
            } catch let error as AttributeError {
                throw LaminaError(.usage, "\(task.id): \(error.text)")
            }
            let session = ModelSession(self, for: task.id)
            let status = TaskCall(session, observer).run(component, bound, arguments, registry.runtime)
            do {
                try registry.runtime.check(status, task.id)
            } catch {
                if let failure = session.failure {
                    throw session.lacksSteps && status == LAMINA_ERROR_UNSUPPORTED
                        ? LaminaError(failure.kind, "\(failure.text)\(advice("\(error)", task.id))") : failure
                }
                // Options and arguments are the command line's, not a recipe's.
                if status == LAMINA_ERROR_ATTRIBUTE { throw LaminaError(.usage, "\(error)") }
                throw error
            }
            if let failure = session.failure { throw failure }
        }
    }

    /// What a component says is to be done about what the host could not compute; "<id>: " stands before it.
    private func advice(_ text: String, _ id: String) -> String {
        let prefix = id + ": "
        return text.hasPrefix(prefix) ? "; " + text.dropFirst(prefix.count) : ""
    }

    private var workingFolder: String? {
        guard let path = getcwd(nil, 0) else { return nil }
        defer { free(path) }
        return String(cString: path)
    }
}
