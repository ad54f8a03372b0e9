import Lamina
import LaminaReport
import LaminaTraining

/// Shows a procedure at work: a bar on a terminal, otherwise plain lines now and then.
final class ProcedureDisplay: ProcedureObserver {
    private let report: TrainingReport
    private var lastShown = 0.0

    init(_ report: TrainingReport) { self.report = report }

    /// Tells how far a long definition is.
    static func definition(_ fraction: Double, _ text: String) {
        if fraction < 1 {
            Terminal.progress("\(text) \(Text.decimal(fraction * 100, 0)) %")
        } else {
            Terminal.message(text)
        }
    }

    func stepEnded(_ progress: ProcedureTraining.Progress) {
        let now = Terminal.now
        guard now - lastShown >= (Terminal.isErrorATerminal ? 0.1 : 10) else { return }
        lastShown = now
        let loss = progress.meanLoss.map { "loss \(Text.decimal($0, 4))  " } ?? ""
        let speed = "\(loss)\(Text.decimal(progress.itemsPerSecond, 0)) \(progress.itemName)/s"
        let left = progress.secondsLeft.map { "  \(Text.duration($0)) left" } ?? ""
        // Last, for they may be many, and a terminal's line is cut at its width.
        let measures = progress.values.map { "  \($0.name) \(Text.decimal($0.value, 3))" }.joined()
        let epoch = "epoch \(progress.epoch)/\(progress.epochs)"
        if Terminal.isErrorATerminal {
            let width = max(10, min(30, Terminal.columns - 75))
            let filled = Int(Double(width) * min(max(progress.fraction, 0), 1))
            let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
            Terminal.progress(
                "\(epoch) \(bar) \(Text.decimal(progress.fraction * 100, 1)) %  \(speed)\(left)\(measures)")
        } else {
            Terminal.message("\(epoch)  \(Text.decimal(progress.fraction * 100, 1)) %  \(speed)\(left)\(measures)")
        }
    }

    func sample(_ name: String, _ bytes: UnsafeRawBufferPointer) throws { try report.write(sample: name, bytes) }

    func epochEnded(_ record: EpochRecord, _ training: ProcedureTraining) throws {
        var loss = record.trainLoss.isNaN ? "" : "train_loss \(Text.decimal(record.trainLoss, 4))  "
        for value in record.values { loss += "\(value.name) \(Text.decimal(value.value, 4))  " }
        Terminal.message(
            "epoch \(record.epoch)/\(training.recipe.training.epochs)  \(loss)(\(Text.duration(record.seconds)), "
                + "\(Text.decimal(record.samplesPerSecond, 0)) \(training.driver.itemName)/s)")
        try report.write(training.state.history.map(HistoryRow.init), confusion: nil)
    }
}
