import CLamina
import Glibc
import Lamina
import LaminaSDK
import Testing

/// Learns the mean of a file's numbers, one number a step, into each row of a table; and tasks that look at it.
enum TrialPlugin {
    nonisolated(unsafe) static let plugin = Plugin(
        id: "trial", name: "Trial", version: "1.0.0", license: "MIT", documentation: "A procedure and its tasks.",
        components: [
            .procedure(Mean.self), .task(Report.self), .task(Sum.self), .task(Misuse.self), .tokenizer(NoTokens.self),
        ])

    static let registry: Registry = {
        let registry = Registry()
        try! registry.add { _, out in Plugin.export(plugin, to: out) }
        return registry
    }()

    final class Mean: Procedure {
        static let name = "mean"
        static let documentation = "The mean of numbers."
        static let itemName = "numbers"
        static let attributes: [AttributeSchema] = [
            .reals("numbers", "What to learn from."),
            .string(
                "fault", default: "", "Where it fails: define, step, node, loss, figures, asset; no_loss tells none."),
        ]

        private let numbers: [Double]
        private let fault: String
        private let host: Host
        private var position = 0
        private var epochs = 0

        init(_ attributes: Attributes, host: Host) throws {
            numbers = attributes.reals("numbers")
            fault = attributes.string("fault")
            self.host = host
        }

        func define(_ model: ProcedureModel) throws {
            if fault == "define" { throw PluginError.data("there are no numbers; give some") }
            model.progress(0.5, "looking at numbers")
            try model.addInput("row", .int64)
            try model.add(
                fault == "node" ? "core.nothing" : "core.embedding", name: "table", inputs: ["row"],
                ["count": .integer(numbers.count), "dimension": .integer(2)])
            try model.addOutput("mean", "table")
            try model.addAsset(
                fault == "asset" ? "Numbers" : "numbers.txt",
                Array(numbers.map { "\($0)" }.joined(separator: "\n").utf8))
            try model.addState("sums", .float64, [1])
        }

        func start(_ run: ProcedureRun) throws {
            let table = run.parameter(0)
            for index in 0..<table.count { table.floats[index] = 0 }
        }

        func step(_ run: ProcedureRun) throws -> ProcedureProgress {
            if fault == "step" { throw PluginError.data("number \(position) cannot be learnt") }
            if host.isCancelled { throw PluginError.cancelled }
            // The order of the sum is the state's, so a run that was stopped has other bits only by a mistake.
            let sum = run.state(0).doubles
            sum[0] += numbers[position] * Double(run.seed)
            position += 1
            if position == numbers.count { (position, epochs) = (0, epochs + 1) }
            let done = epochs * numbers.count + position
            var progress = ProcedureProgress()
            progress.epochs = epochs
            progress.isFinished = epochs == run.epochs
            progress.fraction = Double(done) / Double(numbers.count * run.epochs)
            progress.items = 1
            (progress.lossSum, progress.lossCount) = (fault == "loss" ? .nan : 1 / Double(done), 1)
            if fault == "figures" { progress.fraction = .nan }
            if fault == "no_loss" { progress.lossCount = 0 }
            return progress
        }

        func publish(_ run: ProcedureRun) throws {
            if host.isCancelled { throw PluginError.cancelled }
            let (table, sum) = (run.parameter(0), run.state(0).doubles[0])
            let mean = sum / Double(max(epochs * numbers.count + position, 1))
            for index in 0..<table.count { table.floats[index] = Float(mean) + Float(index) }
        }

        func save() throws -> String { "{\"position\": \(position), \"epochs\": \(epochs)}" }

        func restore(_ json: String, _ run: ProcedureRun) throws {
            let digits = json.split { !$0.isNumber }.compactMap { Int($0) }
            guard digits.count == 2 else { throw PluginError.data("no state: \(json)") }
            (position, epochs) = (digits[0], digits[1])
        }
    }

    /// One row per argument, from the parameter, the asset and the options.
    struct Report: ModelTask {
        static let name = "report_rows"
        static let documentation = "Rows of the table."
        static let usage = "ROW…"
        static let attributes: [AttributeSchema] = [
            .integer("times", default: 1, 1...10, "How often each is counted."),
            .bool("loud", default: false, "Whether text is added."),
            .strings("tags", default: [], "Words to show."),
        ]

        private let times: Int
        private let isLoud: Bool
        private let tags: [String]

        init(_ attributes: Attributes, host: Host) throws {
            times = attributes.integer("times")
            isLoud = attributes.bool("loud")
            tags = attributes.strings("tags")
        }

        func run(_ model: TaskModel, _ arguments: [String], _ answer: TaskAnswer) throws {
            guard let table = model.parameter("table.weight"), let asset = model.asset("numbers.txt") else {
                throw PluginError.data("the model was not trained by trial.mean")
            }
            guard model.parameter("table") == nil, model.asset("none.txt") == nil else {
                throw PluginError.internal("the model has what it has not")
            }
            for (index, argument) in arguments.enumerated() {
                guard let row = Int(argument), row >= 0, row < table.shape[0] else {
                    throw PluginError.data("there is no row '\(argument)', wanted 0 to \(table.shape[0] - 1)")
                }
                answer.addRow([
                    "row": .integer(row), "value": .real(Double(table.floats[2 * row]) * Double(times)),
                    "bytes": .integer(asset.count), "tags": .strings(tags),
                ])
                answer.progress(index + 1, of: arguments.count)
            }
            if isLoud { answer.add(text: "done") }
            answer.wrote(file: "/nowhere")
        }
    }

    /// Computes the table's output for rows, and the output from given vectors.
    struct Sum: ModelTask {
        static let name = "look_up"
        static let documentation = "The table's rows, computed by the graph."

        init(_ attributes: Attributes, host: Host) throws {}

        func run(_ model: TaskModel, _ arguments: [String], _ answer: TaskAnswer) throws {
            let rows = arguments.map { Int64($0) ?? 0 }
            let wanted = arguments.first == "bad" ? ["nothing"] : ["table"]
            let tensor = TensorBuffer(.int64, [rows.count])
            for (index, row) in rows.enumerated() {
                tensor.tensor.int64s[index] = row
            }
            let vectors = try withExtendedLifetime(tensor) {
                try model.evaluate(wanted, given: [("row", tensor.tensor)])[0]
            }
            let first = (0..<vectors.count).map { Double(vectors.floats[$0]) }
            // What is given is not computed again.
            let copy = TensorBuffer(.float32, vectors.shape)
            for index in 0..<vectors.count { copy.tensor.floats[index] = vectors.floats[index] + 1 }
            let given = try withExtendedLifetime(copy) {
                try model.evaluate(["table"], given: [("table", copy.tensor)])[0]
            }
            answer.addRow([
                "vectors": .reals(first), "given": .reals((0..<given.count).map { Double(given.floats[$0]) }),
            ])
        }
    }

    /// Calls the host as no task may, and hides that it was refused.
    struct Misuse: ModelTask {
        static let name = "misuse"
        static let documentation = "What a faulty plugin does."

        init(_ attributes: Attributes, host: Host) throws {}

        func run(_ model: TaskModel, _ arguments: [String], _ answer: TaskAnswer) throws {
            let (table, sink) = (model.raw.pointee, answer.raw.pointee)
            var evaluation = lamina_task_evaluation()
            evaluation.struct_size = UInt32(MemoryLayout<lamina_task_evaluation>.size)
            var outputs: UnsafePointer<lamina_tensor>?
            switch arguments.first {
            case "row": sink.add_row(sink.sink, -1, nil)
            case "text": sink.add_text(sink.sink, lamina_string(data: nil, size: .max))
            case "nothing": _ = table.evaluate(table.sink, nil, &outputs)
            case "names":
                evaluation.wanted_count = -1
                _ = table.evaluate(table.sink, &evaluation, &outputs)
            case "twice":
                let row = TensorBuffer(.int64, [1])
                withExtendedLifetime(row) {
                    _ = try? model.evaluate(["table", "table"], given: [("row", row.tensor)])
                }
            case "values":
                let words = ["row", "table"].map { (word: String) in UnsafePointer<CChar>(strdup(word)) }
                words.withUnsafeBufferPointer { names in
                    (evaluation.given_count, evaluation.given) = (1, names.baseAddress)
                    (evaluation.wanted_count, evaluation.wanted) = (1, names.baseAddress! + 1)
                    [lamina_tensor()].withUnsafeBufferPointer { values in
                        // Either no values at all, or one that is empty.
                        evaluation.values = arguments.count > 1 ? values.baseAddress : nil
                        _ = table.evaluate(table.sink, &evaluation, &outputs)
                    }
                }
            case "encode": _ = table.encode(table.sink, "none", 1, lamina_string(data: nil, size: 0), nil)
            case "decode": _ = table.decode(table.sink, "none", -5, nil, nil)
            case "token": _ = table.token(table.sink, "row", 1 << 40, nil)
            case "special": #expect(table.special(table.sink, "row", 77) == -1)
            default: break
            }
        }
    }

    /// A vocabulary of nothing, which no host accepts.
    final class NoTokens: Tokenizer {
        static let name = "no_tokens"
        static let documentation = "Nothing."
        nonisolated(unsafe) static var destroyed = 0

        init(_ attributes: Attributes, json: UnsafeRawBufferPointer, host: Host) {}
        deinit { Self.destroyed += 1 }

        static func train(_ attributes: Attributes, on texts: TextFeed, host: Host) -> [UInt8] { [] }
        var vocabularySize: Int { 0 }
        func special(_ token: SpecialToken) -> Int? { nil }
        func encode(_ text: UnsafeBufferPointer<UInt8>, into ids: inout [Int64]) {}
        func decode(_ ids: UnsafeBufferPointer<Int64>) -> [UInt8] { [] }
        func token(_ id: Int) -> String? { nil }
        func id(of token: String) -> Int? { nil }
    }
}
