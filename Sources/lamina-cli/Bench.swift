import ArgumentParser
import Glibc
import Lamina
import LaminaFormats
import LaminaHost
import LaminaSchema

struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Time training steps and single-sample inference of the plugins' workloads.",
        discussion: """
            Each workload is a recipe in a plugin's bundle; a path to a recipe of yours works, too. A training step is forward, \
            backward and update on one batch that stays the same; a recipe without data, loss or optimizer has none. \
            Inference is forward on one sample. Times are medians. The peak is that of multiply-adds in registers on all \
            threads, measured before and after; GFLOP/s count the arithmetic of the layers' definitions, so that an algorithm \
            that needs less may exceed it. Memory is that of the process at its largest: by plan, what it has before the first \
            run (of several workloads: with what the ones before have left) and what the plan adds; and as the system measured it.
            """)

    @Argument(help: "Names of workloads, or recipes; all workloads unless given.")
    var workloads: [String] = []

    @Option(help: "Seconds to repeat each for.")
    var seconds = 2.0

    @Flag(help: "Show where the time goes: every node, and the update.")
    var profile = false

    @OptionGroup var format: FormatOption
    @OptionGroup var host: HostOptions

    func validate() throws {
        guard seconds > 0, seconds <= 3600 else {
            throw ValidationError("--seconds is \(seconds), wanted more than 0, up to 3600")
        }
    }

    func run() throws {
        let registry = host.registry()
        let benchmarks = try chosen(Benchmark.installed(registry))
        var peak = Benchmark.peak(registry: registry)
        var all: [Benchmark.Measurement] = []
        for benchmark in benchmarks {
            Terminal.progress("\(benchmark.name) …")
            defer { Terminal.clearProgress() }
            all += try benchmark.run(seconds: seconds, profile: profile, registry: registry)
        }
        // A machine that was busy with something else at the start is asked again.
        peak = max(peak, Benchmark.peak(registry: registry))
        if format.format == .text, profile { all.forEach { show($0, peak) } }
        if format.format == .json {
            json(all, peak).show()
        } else {
            Terminal.result(
                Text.table(
                    [
                        "workload", "phase", "batch", "median", "fastest", "runs", "GFLOP/s", "of peak",
                        "memory by plan",
                        "measured",
                    ], all.map { row($0, peak) }, right: [2, 3, 4, 5, 6, 7, 8, 9]))
            Terminal.result("peak \(Text.decimal(peak / 1e9, 0)) GFLOP/s on \(Lamina.threads) threads")
        }
    }

    private func chosen(_ installed: [Benchmark]) throws -> [Benchmark] {
        if workloads.isEmpty {
            guard !installed.isEmpty else {
                throw LaminaError(.plugin, "no installed plugin has workloads; name a recipe")
            }
            return installed
        }
        return try workloads.map { word in
            if let found = installed.first(where: { $0.name == word }) { return found }
            if word.hasSuffix(".yaml") || access(word, F_OK) == 0 { return Benchmark(path: word) }
            let names = installed.map(\.name)
            throw LaminaError(
                .usage,
                "there is no workload '\(word)'\(Suggestion.question(for: word, among: names)); installed: "
                    + "\(names.isEmpty ? "none" : names.joined(separator: ", ")); a recipe is given by its path"
            )
        }
    }

    private func row(_ result: Benchmark.Measurement, _ peak: Double) -> [String] {
        let rate = result.operations.map { $0 / result.median }
        return [
            result.workload, result.phase.rawValue, "\(result.batch)", Text.time(result.median),
            Text.time(result.fastest), "\(result.repetitions)", rate.map { Text.decimal($0 / 1e9, 1) } ?? "?",
            rate.map { Text.percent($0 / peak) } ?? "?",
            result.predictedBytes.map(Text.bytes) ?? "?", result.measuredBytes.map(Text.bytes) ?? "?",
        ]
    }

    /// Where the time of a run goes.
    private func show(_ result: Benchmark.Measurement, _ peak: Double) {
        func speed(_ operations: Double, _ seconds: Double) -> [String] {
            guard seconds > 0, operations > 0 else { return ["", ""] }
            return [
                Text.decimal(operations / seconds / 1e9, 1), Text.decimal(operations / seconds / peak * 100, 1) + " %",
            ]
        }
        let heading = "\(result.workload), \(result.phase.rawValue), batch \(result.batch): \(Text.time(result.median))"
        guard !result.nodes.isEmpty else { return Terminal.result("\(heading); a procedure has no profile by node\n") }
        let rows = result.nodes.map { node -> [String] in
            let runs = node.report.runsIn == nil
            return [
                node.report.name, node.report.component, "\(node.report.outputShape)",
                node.report.runsIn.map { "in \($0)" } ?? Text.time(node.forward),
            ]
                + speed(runs ? node.report.forwardFLOPs : 0, node.forward)
                + [
                    runs && node.forward > 0
                        ? Text.decimal(Double(node.report.forwardBytes) / node.forward / 1e9, 1) : "",
                    node.backward > 0 ? Text.time(node.backward) : "",
                ] + speed(node.report.backwardFLOPs, node.backward)
        }
        Terminal.result(heading)
        Terminal.result(
            Text.table(
                [
                    "node", "layer", "output", "forward", "GFLOP/s", "of peak", "GB/s", "backward", "GFLOP/s",
                    "of peak",
                ], rows, right: [3, 4, 5, 6, 7, 8, 9]))
        let forward = result.nodes.reduce(0) { $0 + $1.forward }
        let backward = result.nodes.reduce(0) { $0 + $1.backward }
        let sums =
            ["forward \(Text.time(forward))"]
            + (result.update.map { ["backward \(Text.time(backward))", "update \(Text.time($0))"] } ?? [])
        Terminal.result(sums.joined(separator: ", ") + "\n")
    }

    private func json(_ results: [Benchmark.Measurement], _ peak: Double) -> JSON {
        let rows = results.map { result -> JSON in
            var object = JSONObject([
                ("workload", .string(result.workload)), ("phase", .string(result.phase.rawValue)),
                ("batch", .integer(Int64(result.batch))), ("repetitions", .integer(Int64(result.repetitions))),
                ("median_seconds", .number(result.median)), ("fastest_seconds", .number(result.fastest)),
                ("flops", result.operations.map { .number($0) } ?? .null),
                ("predicted_bytes", result.predictedBytes.map { .integer(Int64($0)) } ?? .null),
                ("measured_bytes", result.measuredBytes.map { .integer(Int64($0)) } ?? .null),
            ])
            if profile {
                object.append(
                    "nodes",
                    .array(
                        result.nodes.map { node in
                            [
                                "name": .string(node.report.name),
                                "runs_in": node.report.runsIn.map { .string($0) } ?? .null,
                                "component": .string(node.report.component),
                                "forward_seconds": .number(node.forward), "backward_seconds": .number(node.backward),
                                "forward_flops": .number(node.report.forwardFLOPs),
                                "backward_flops": .number(node.report.backwardFLOPs),
                                "forward_bytes": .integer(Int64(node.report.forwardBytes)),
                            ]
                        }))
                if let update = result.update { object.append("update_seconds", .number(update)) }
            }
            return .object(object)
        }
        return [
            "peak_flops_per_second": .number(peak), "threads": .integer(Int64(Lamina.threads)),
            "measurements": .array(rows),
        ]
    }
}
