@testable import LaminaSDK

/// y = x, with one mistake in what it says of its tangent.
struct FaultyTangent: TangentLayer {
    enum Fault: String, CaseIterable {
        case none, noOutput, unknownReference, ownParameter, otherOwner, twice, wrongShape, silent
    }

    static let name = "faulty_tangent"
    static let documentation = "Passes its input on and makes one mistake in its tangent."
    static let attributes: [AttributeSchema] = [
        .string("fault", default: "none", choices: Fault.allCases.map(\.rawValue), "Which mistake.")
    ]
    let fault: Fault

    init(_ attributes: Attributes) { fault = Fault(rawValue: attributes.string("fault"))! }

    func infer(_ inference: Inference) throws { try inference.addOutput(.float32, inference.shape(0)) }

    func plan(_ planning: Planning) -> any PlannedLayer { CopyPlan() }

    func expandTangent(_ tangent: TangentExpansion) throws {
        switch fault {
        case .none: try tangent.addOutput(tangent.tangent())
        case .noOutput: break
        case .unknownReference: try tangent.addOutput("#7")
        case .ownParameter:
            try tangent.addOutput(
                tangent.add("core.dense", name: "d", inputs: [tangent.tangent()], ["units": .integer(4)]))
        case .otherOwner:
            try Expansion(raw: tangent.raw.pointee.expansion, host: tangent.host).add(
                "core.relu", name: "d", inputs: [tangent.tangent()], sharing: "fc")
        case .twice: for _ in 0...1 { try tangent.add("core.relu", name: "d", inputs: [tangent.tangent()]) }
        case .wrongShape:
            try tangent.addOutput(tangent.add("core.reduce_sum", name: "d", inputs: [tangent.tangent()]))
        // Nothing of it depends on its input.
        case .silent: try tangent.addOutput(nil)
        }
    }
}
