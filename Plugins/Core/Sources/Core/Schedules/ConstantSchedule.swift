import LaminaSDK

/// The factor 1 at every step, or another one.
struct ConstantSchedule: Schedule {
    static let name = "constant"
    static let documentation = "The same factor at every step."
    static let attributes: [AttributeSchema] = [.real("factor", default: 1, 0 ... .infinity, "The factor.")]

    private let factor: Double

    init(_ attributes: Attributes) { factor = attributes.real("factor") }

    func factor(step: Int, stepsPerEpoch: Int, totalSteps: Int) -> Double { factor }
}
