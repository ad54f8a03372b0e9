import Glibc
import LaminaSDK

/// The clock of a schedule: it ticks once per step or once per epoch.
struct ScheduleTime {
    private let countsEpochs: Bool

    static func schema(_ value: String) -> AttributeSchema {
        .string("unit", default: value, choices: ["step", "epoch"], "Whether time counts steps or epochs.")
    }

    init(_ attributes: Attributes) { countsEpochs = attributes.string("unit") == "epoch" }

    /// Whole ticks before `step`.
    func ticks(_ step: Int, stepsPerEpoch: Int) -> Int { countsEpochs ? step / max(stepsPerEpoch, 1) : step }
}

/// (1 + cos πx) / 2: from 1 at x = 0 to 0 at x = 1 and beyond.
func cosineDescent(_ x: Double) -> Double { (1 + cos(.pi * min(max(x, 0), 1))) / 2 }
