import ArgumentParser
import Lamina
import LaminaArchive
import LaminaFormats
import LaminaGraph

struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Show a model's layers, shapes, parameters; with --plan also memory and work.",
        discussion: """
            Without the plugins that the model needs, shows what the archive itself says. --graph dot writes the network for \
            Graphviz: lamina inspect MODEL --graph dot | dot -Tsvg > MODEL.svg
            """)

    @Argument(help: "The archive.")
    var model: String

    @Flag(help: "Plan a step for a batch and show memory and floating-point operations per node.")
    var plan = false

    @Option(help: "Samples in the planned batch.")
    var batch = 1

    @Flag(help: "Plan a training step, not an inference.")
    var training = false

    @Option(help: "Write the network as a drawing instead: dot.")
    var graph: GraphFormat?

    @Flag(help: "Accept an archive that was zipped again by another tool.")
    var tolerant = false

    @OptionGroup var base: BaseOption
    @OptionGroup var format: FormatOption
    @OptionGroup var host: HostOptions

    func validate() throws {
        if !(1...1 << 31).contains(batch) { throw ValidationError("--batch is \(batch), wanted 1 to \(1 << 31)") }
    }

    func run() throws {
        let registry = host.registry()
        if !plan {
            let archive = try Archive.open(self.model, tolerant: tolerant)
            if let graph { return try show(graph, archive) }
            let obstacles = Model.obstacles(archive.manifest, registry)
            if !obstacles.isEmpty { return try show(archive, lacking: obstacles) }
        }
        let model = try Model.open(self.model, base: base.base, tolerant: tolerant, registry: registry)
        let step = plan ? try model.plan(batch: batch, training: training) : nil
        if format.format == .json {
            json(model, step).show()
        } else {
            text(model)
            if let step { text(step) }
        }
    }

    private func text(_ model: Model) {
        Terminal.result("\(model.name): \(model.graph.parameterCount) parameters")
        let rows = model.graph.summary.map { [$0.name, $0.component, $0.output, "\($0.parameters)"] }
        Terminal.result(Text.table(["node", "layer", "output", "parameters"], rows, right: [3]))
        if let base = model.base {
            Terminal.result("differs from its base \(base.manifest.model.name) in \(base.archive.path)")
        }
        for plugin in model.archive?.manifest.plugins ?? [] {
            Terminal.result("needs plugin \(plugin.id) \(plugin.versions)")
        }
        if let procedure = model.procedure {
            Terminal.result("trained by \(procedure)" + (model.missingMakersAdvice.map { "; \($0)" } ?? ""))
        }
        if !model.labels.isEmpty { Terminal.result("labels: \(model.labels.joined(separator: ", "))") }
    }

    private func text(_ plan: Plan) {
        let rows = plan.nodeReports.map { node in
            [
                node.name, node.component, "\(node.outputShape)", Text.bytes(node.outputBytes),
                Text.scaled(node.forwardFLOPs), Text.scaled(node.backwardFLOPs),
            ]
        }
        Terminal.result("")
        Terminal.result(
            Text.table(["node", "layer", "output", "memory", "forward FLOP", "backward FLOP"], rows, right: [3, 4, 5]))
        Terminal.result(
            "activations and workspaces \(Text.bytes(plan.arenaBytes)) (\(Text.bytes(plan.unsharedBytes)) without sharing), "
                + "prepacked weights \(Text.bytes(plan.persistentBytes)), scratch per thread \(Text.bytes(plan.scratchBytes))"
        )
    }

    private func json(_ model: Model, _ plan: Plan?) -> JSON {
        var object = JSONObject([
            ("name", .string(model.name)), ("parameters", .integer(Int64(model.graph.parameterCount))),
            (
                "nodes",
                .array(
                    model.graph.summary.map {
                        [
                            "name": .string($0.name), "component": .string($0.component), "output": .string($0.output),
                            "parameters": .integer(Int64($0.parameters)),
                        ]
                    })
            ),
            ("labels", .array(model.labels.map { .string($0) })),
        ])
        if let procedure = model.procedure { object.append("procedure", .string(procedure)) }
        if let base = model.base {
            object.append(
                "base",
                [
                    "name": .string(base.manifest.model.name), "path": .string(base.archive.path),
                    "sha256": .string(base.manifest.identity),
                ])
        }
        if let plan {
            let nodes = plan.nodeReports.map { node -> JSON in
                [
                    "name": .string(node.name), "component": .string(node.component),
                    "shape": .array(node.outputShape.map { .integer(Int64($0)) }),
                    "bytes": .integer(Int64(node.outputBytes)),
                    "forward_flops": .number(node.forwardFLOPs), "backward_flops": .number(node.backwardFLOPs),
                ]
            }
            object.append(
                "plan",
                [
                    "arena_bytes": .integer(Int64(plan.arenaBytes)),
                    "unshared_bytes": .integer(Int64(plan.unsharedBytes)),
                    "persistent_bytes": .integer(Int64(plan.persistentBytes)),
                    "scratch_bytes": .integer(Int64(plan.scratchBytes)), "nodes": .array(nodes),
                ])
        }
        return .object(object)
    }
}
