import CLamina
import LaminaSDK

/// Counts epochs in a parameter.
final class Counter: Procedure {
    static let name = "counter"
    static let documentation = "Counts."
    static let attributes: [AttributeSchema] = [.string("fault", default: "", "What is wrong.")]

    private let fault: String
    private var epoch = 0

    init(_ attributes: Attributes, host: Host) { fault = attributes.string("fault") }

    func define(_ model: ProcedureModel) throws {
        model.progress(1, "counting")
        if fault == "data" { try model.addData("numbers", .float32, []) }
        try model.addInput("row", .int64)
        try model.add("core.table", name: "table", inputs: ["row", nil])
        try model.addOutput("count", "table")
    }

    func start(_ run: ProcedureRun) {}

    func step(_ run: ProcedureRun) -> ProcedureProgress {
        epoch += 1
        run.parameter(0).floats[0] += 1
        var progress = ProcedureProgress()
        progress.isFinished = epoch == run.epochs
        progress.epochs = fault == "epochs" ? -1 : epoch
        progress.fraction = fault == "fraction" ? .nan : 0.5
        progress.items = fault == "items" ? .infinity : 1
        return progress
    }

    func save() -> String { fault == "json" ? "[1]" : "{\"epoch\": \(epoch)}" }

    func restore(_ json: String, _ run: ProcedureRun) throws {
        guard let epoch = Int(json.filter(\.isNumber)) else { throw PluginError.data("no state: \(json)") }
        self.epoch = epoch
    }
}

/// Encodes a text, has the model compute with it, and decodes what comes back.
struct Spell: ModelTask {
    static let name = "spell"
    static let documentation = "There and back."
    static let attributes: [AttributeSchema] = [.string("fault", default: "", "What is wrong.")]

    private let fault: String

    init(_ attributes: Attributes, host: Host) { fault = attributes.string("fault") }

    func run(_ model: TaskModel, _ arguments: [String], _ answer: TaskAnswer) throws {
        if fault == "row" { return answer.raw.pointee.add_row(answer.raw.pointee.sink, -1, nil) }
        if fault == "nothing" { _ = try model.evaluate([], given: []) }
        let ids = try model.encode(arguments[0], for: fault == "input" ? "none" : "text")
        let buffer = TensorBuffer(.int64, [ids.count])
        for (index, id) in ids.enumerated() { buffer.tensor.int64s[index] = id }
        let output = try withExtendedLifetime(buffer) {
            try model.evaluate(["out"], given: [("text", buffer.tensor)])[0]
        }
        let same = (0..<output.count).map { output.int64s[$0] }
        if fault == "writes" { output.int64s[0] += 1 }
        answer.addRow([
            "ids": .integers(same.map { Int($0) }), "back": .string(try model.decode(same, for: "text")),
            "last": .string(try model.token(fault == "id" ? 7 : same[same.count - 1], for: "text")),
            "unknown": .integer(Int(model.special(.unknown, for: "text") ?? -1)), "graph": .string(model.graph),
        ])
    }
}
