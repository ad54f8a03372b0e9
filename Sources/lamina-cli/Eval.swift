import ArgumentParser
import Lamina
import LaminaFormats
import LaminaTraining

struct Eval: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "eval",
        abstract: "Loss and metrics of a model on a dataset.",
        discussion: """
            The data is that of the recipe recorded in the archive: its test data, or with --split its training or validation \
            data. --data takes the data section of another recipe file instead.
            """)

    @Argument(help: "The archive.")
    var model: String

    @Option(help: "A recipe whose data section to use.")
    var data: String?

    @Option(help: "Which of the recipe's datasets: test, validation or train.")
    var split: Model.Split = .test

    @Option(help: "Samples per batch.")
    var batch = 256

    @Flag(help: "Accept an archive that was zipped again by another tool.")
    var tolerant = false

    @OptionGroup var base: BaseOption
    @OptionGroup var format: FormatOption
    @OptionGroup var host: HostOptions

    func validate() throws {
        if !(1...1 << 31).contains(batch) { throw ValidationError("--batch is \(batch), wanted 1 to \(1 << 31)") }
    }

    func run() throws {
        let model = try Model.open(self.model, base: base.base, tolerant: tolerant, registry: host.registry())
        let result = try model.evaluate(on: split, recipe: data, batch: batch) { done, total in
            Terminal.progress("evaluating \(done)/\(total)")
        }
        Terminal.clearProgress()
        if format.format == .json {
            result.json.show()
        } else {
            Terminal.result("samples  \(result.samples)")
            if let loss = result.loss { Terminal.result("loss  \(Text.decimal(loss, 6))") }
            for (name, value) in result.values { Terminal.result("\(name)  \(Text.decimal(value, 6))") }
        }
    }
}

extension Model.Split: ExpressibleByArgument {}

extension Evaluator.Result {
    var json: JSON {
        var object = JSONObject([("samples", .integer(Int64(samples)))])
        if let loss { object.append("loss", .number(loss)) }
        object.append("metrics", .object(JSONObject(values.map { ($0.name, .number($0.value)) })))
        let matrices = self.matrices.map { name, matrix -> (String, JSON) in
            let rows = (0..<matrix.rows).map { row -> JSON in
                .array(matrix.values[row * matrix.columns..<(row + 1) * matrix.columns].map { .number($0) })
            }
            return (name, .array(rows))
        }
        if !matrices.isEmpty { object.append("matrices", .object(JSONObject(matrices))) }
        return .object(object)
    }
}
