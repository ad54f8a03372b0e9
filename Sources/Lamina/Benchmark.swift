import CCPU
import Glibc
import LaminaFormats
import LaminaGraph
import LaminaHost
import LaminaRecipe
import LaminaTraining

/// A workload whose training step and single-sample inference are timed: a recipe, mostly one of those in a plugin's
/// bundle.
public struct Benchmark: Sendable {
    public let name: String
    public let path: String

    /// A recipe anywhere; its name is that of the file.
    public init(path: String) {
        self.path = path
        let file = path.split(separator: "/").last.map(String.init) ?? path
        name = file.hasSuffix(".yaml") ? String(file.dropLast(5)) : file
    }

    /// The workloads of the installed plugins, by name.
    public static func installed(_ registry: Registry = Lamina.registry) -> [Benchmark] {
        registry.plugins.flatMap { plugin -> [Benchmark] in
            guard let folder = plugin.path.map({ "\($0)/\(PluginBundle.benchmarkFolder)" }) else { return [] }
            return PluginBundle.names(in: folder, suffix: ".yaml").map { Benchmark(path: "\(folder)/\($0)") }
        }.sorted { $0.name < $1.name }
    }

    /// What was measured of one kind of run.
    public struct Measurement: Sendable {
        public enum Phase: String, Sendable {
            /// Forward, backward and update on a full batch.
            case train
            /// Forward on one sample.
            case infer
        }
        public let workload: String
        public let phase: Phase
        public let batch: Int
        public let repetitions: Int
        /// Seconds per run.
        public let median: Double
        public let fastest: Double
        /// Floating-point operations per run, as the layers count them; nil: nobody does, as for a procedure.
        public let operations: Double?
        /// Bytes of the process at its largest, as the system saw it and by plan: what it had before the first run
        /// (libraries, code, parameters, optimizer states; and what earlier workloads left) and what the plan adds, or what
        /// reading the data took, if that was more. Nil where the system does not say.
        public let predictedBytes: Int?
        public let measuredBytes: Int?
        /// In a profile: where the time went; empty for a procedure.
        public internal(set) var nodes: [Node] = []
        /// In a profile: seconds of the optimizer's update.
        public internal(set) var update: Double?
    }

    /// One row of a profile; seconds are means.
    public struct Node: Sendable {
        public let report: Plan.NodeReport
        public let forward: Double
        public let backward: Double
    }

    /// Times the workload: training if the recipe has data, a loss and an optimizer, and inference; the steps of a procedure.
    ///
    /// - Parameters:
    ///   - seconds: how long each kind is repeated.
    ///   - profile: measure every node, too, in runs of their own.
    public func run(
        seconds: Double, profile: Bool = false, registry: Registry = Lamina.registry
    ) throws(LaminaError) -> [Measurement] {
        try sorted {
            let recipe = try Recipe.load(path, registry: registry)
            var results: [Measurement] = []
            if recipe.procedure != nil { return [try procedure(recipe, seconds, registry)] }
            if recipe.data != nil, recipe.loss != nil, recipe.optimizer != nil {
                results.append(try training(recipe, seconds, profile, registry))
            }
            results.append(try inference(recipe, seconds, profile, registry))
            return results
        }
    }

    private func training(
        _ recipe: Recipe, _ seconds: Double, _ profile: Bool, _ registry: Registry
    ) throws -> Measurement {
        ProcessMemory.resetPeak()
        let trainer = try TrainingRun(recipe, registry: registry).trainer
        try trainer.readFirstBatch()
        let (before, peak) = (ProcessMemory.resident, ProcessMemory.peak)
        var step: UInt64 = 0
        let samples = try Samples(seconds) {
            step += 1
            try trainer.repeatStep(step)
        }
        let plan = trainer.stepPlan
        var result = Measurement(
            workload: name, phase: .train, batch: trainer.batchSize, repetitions: samples.count, median: samples.median,
            fastest: samples.fastest,
            operations: plan.nodeReports.reduce(0) { $0 + $1.forwardFLOPs + $1.backwardFLOPs },
            predictedBytes: before.map { max($0 + trainer.stepBytes, peak ?? 0) },
            measuredBytes: ProcessMemory.peak)
        if profile {
            let profile = StepProfile(plan)
            trainer.network.profile = profile
            defer { trainer.network.profile = nil }
            var update = 0.0
            let runs = try Samples(seconds) {
                step += 1
                var begin = 0.0
                try trainer.repeatStep(step) { begin = Samples.now }
                update += Samples.now - begin
            }.count
            result.nodes = Self.nodes(plan, profile, runs + Samples.warmUps)
            result.update = update / Double(runs + Samples.warmUps)
        }
        return result
    }

    /// Operations are not counted: only the procedure knows what it runs.
    private func procedure(_ recipe: Recipe, _ seconds: Double, _ registry: Registry) throws -> Measurement {
        ProcessMemory.resetPeak()
        let training = try ProcedureTraining(recipe, registry: registry)
        let samples = try Samples(seconds) { _ = try training.driver.step() }
        return Measurement(
            workload: name, phase: .train, batch: recipe.training.batch, repetitions: samples.count,
            median: samples.median, fastest: samples.fastest, operations: nil, predictedBytes: nil,
            measuredBytes: ProcessMemory.peak)
    }

    private func inference(
        _ recipe: Recipe, _ seconds: Double, _ profile: Bool, _ registry: Registry
    ) throws -> Measurement {
        ProcessMemory.resetPeak()
        let model = try Model(recipe, registry: registry)
        let plan = try model.plan(batch: 1)
        let (before, peak) = (ProcessMemory.resident, ProcessMemory.peak)
        // Inputs may be overwritten in place: each run gets them anew, as it would in use.
        let inputs = plan.inputs.map { input in
            let values = UnsafeMutableRawBufferPointer.allocate(byteCount: input.byteCount, alignment: 64)
            values.initializeMemory(as: UInt8.self, repeating: 0)
            if input.dtype == .float32 {
                let floats = values.bindMemory(to: Float.self)
                for index in floats.indices { floats[index] = Float(index * 7919 % 2003) / 2003 }
            }
            return values
        }
        defer { inputs.forEach { $0.deallocate() } }
        func run() throws {
            for (input, values) in zip(plan.inputs, inputs) {
                memcpy(input.data, values.baseAddress!, input.byteCount)
            }
            try model.network.forward(plan)
        }
        let samples = try Samples(seconds, run)
        var result = Measurement(
            workload: name, phase: .infer, batch: 1, repetitions: samples.count, median: samples.median,
            fastest: samples.fastest, operations: plan.nodeReports.reduce(0) { $0 + $1.forwardFLOPs },
            predictedBytes: before.map {
                max($0 + plan.arenaBytes + plan.persistentBytes + plan.scratchBytes * Lamina.threads, peak ?? 0)
            }, measuredBytes: ProcessMemory.peak)
        if profile {
            let profile = StepProfile(plan)
            model.network.profile = profile
            defer { model.network.profile = nil }
            let runs = try Samples(seconds, run).count
            result.nodes = Self.nodes(plan, profile, runs + Samples.warmUps)
        }
        return result
    }

    private static func nodes(_ plan: Plan, _ profile: StepProfile, _ runs: Int) -> [Node] {
        plan.nodeReports.enumerated().map { index, report in
            Node(
                report: report, forward: profile.forward[index] / Double(runs),
                backward: profile.backward[index] / Double(runs))
        }
    }

    /// Floating-point operations per second of multiply-adds in registers, on all of the threads: the most that this
    /// build can reach here. The best of several tries.
    public static func peak(registry: Registry = Lamina.registry) -> Double {
        let threads = Lamina.threads
        let rounds: Int64 = 2_000_000
        var best = Double.infinity
        for _ in 0..<40 {
            var factor: Float = 0.5
            let begin = Samples.now
            registry.runtime.parallelFor(count: threads, grain: 1, context: &factor) { factor, _, _ in
                let factor = factor!.assumingMemoryBound(to: Float.self).pointee
                // The result is looked at, or the loop could be left out.
                precondition(lamina_peak_run(2_000_000, factor) < .infinity)
            }
            best = min(best, Samples.now - begin)
        }
        return Double(lamina_peak_operations() * rounds) * Double(threads) / best
    }
}

/// Durations of a call that is repeated for a while.
private struct Samples {
    /// Calls before the first that counts.
    static let warmUps = 3
    /// Durations that are kept: of more, every second one, then every fourth, … so that memory stays as it is.
    private static let most = 1 << 16
    let count: Int
    private let sorted: [Double]

    init(_ seconds: Double, _ body: () throws -> Void) throws {
        for _ in 0..<Self.warmUps { try body() }
        var durations: [Double] = []
        durations.reserveCapacity(Self.most)
        let start = Self.now
        var begin = start
        var (count, stride) = (0, 1)
        while begin - start < seconds || count < 5 {
            try body()
            let end = Self.now
            if count % stride == 0 {
                if durations.count == Self.most {
                    for index in 0..<Self.most / 2 { durations[index] = durations[2 * index] }
                    durations.removeLast(Self.most / 2)
                    stride *= 2
                }
                durations.append(end - begin)
            }
            count += 1
            begin = Self.now
        }
        self.count = count
        durations.sort()
        sorted = durations
    }

    var median: Double { sorted[sorted.count / 2] }
    var fastest: Double { sorted[0] }

    static var now: Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}

/// What the kernel says of this process's memory (proc(5): status, clear_refs).
private enum ProcessMemory {
    static var resident: Int? { value("VmRSS:") }
    /// The most that was resident since the start or `resetPeak`.
    static var peak: Int? { value("VmHWM:") }

    static func resetPeak() {
        guard let file = fopen("/proc/self/clear_refs", "w") else { return }
        fputs("5", file)
        fclose(file)
    }

    private static func value(_ key: String) -> Int? {
        guard let file = fopen("/proc/self/status", "r") else { return nil }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        while fgets(&line, Int32(line.count), file) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            guard text.hasPrefix(key) else { continue }
            return text.dropFirst(key.count).split(whereSeparator: \.isWhitespace).first.flatMap { Int($0) }
                .map { $0 * 1024 }
        }
        return nil
    }
}
