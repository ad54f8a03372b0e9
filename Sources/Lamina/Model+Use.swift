import LaminaHost

/// What people may do with a model, and what not.
extension Model {
    /// Plugins that made the model and are not installed: it is computed without them, but their tasks are not there.
    public var missingMakers: [String] {
        Set(neededPlugins).sorted().filter { registry.plugin($0) == nil }
    }

    /// Commands for the model's tasks.
    private var taskCommands: [String] { tasks.map { "`lamina task MODEL \($0.shortName)`" } }

    /// Commands that fit the model: tasks, where a procedure trained it, for then it is no mapping of samples to targets.
    var usage: String {
        let run = "`lamina run MODEL --input X.safetensors --output Y.safetensors`"
        guard procedure != nil else { return "`lamina predict MODEL FILE`, \(run)" }
        guard missingMakers.isEmpty else {
            return "`lamina task MODEL`, with plugin \(missingMakers.joined(separator: ", ")) installed; \(run)"
        }
        return (taskCommands + [run]).joined(separator: ", ")
    }

    /// Why a model that a procedure trained has no loss and no metrics on data, and what judges it; nil: it may have some.
    var evaluationObstacle: String? {
        guard let procedure, graph.definition.loss == nil else { return nil }
        let reason = "'\(procedure)' trained the model, which has no loss or metrics on a dataset"
        if let makers = missingMakersAdvice { return "\(reason): \(makers)" }
        return taskCommands.isEmpty ? reason : "\(reason); it offers \(taskCommands.joined(separator: ", "))"
    }

    /// Where tasks of the model come from that are not there; nil: all plugins are.
    public var missingMakersAdvice: String? {
        let makers = missingMakers
        guard !makers.isEmpty else { return nil }
        let (plugins, are) = makers.count == 1 ? ("plugin", "is") : ("plugins", "are")
        return
            "the model's tasks come from \(plugins) \(makers.joined(separator: ", ")), which \(are) not installed: put the bundle "
            + "where lamina finds it, or name its folder with --plugin-path"
    }
}

extension ComponentDescription {
    /// As the command line names a task: without the plugin, words joined by "-".
    public var shortName: String { String(id.drop { $0 != "." }.dropFirst().map { $0 == "_" ? "-" : $0 }) }
}
