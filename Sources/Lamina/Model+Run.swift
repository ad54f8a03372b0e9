import CLamina
import Glibc
import LaminaGraph
import LaminaSDK

extension Model {
    /// What one run gave.
    public struct RunResult: Sendable {
        /// Every output by name; with a target also "loss".
        public var outputs: [NamedTensor]
        /// With `gradients`: of every parameter that is trained and of every floating-point input, by name.
        public var gradients: [NamedTensor]
    }

    /// Runs the network once on raw tensors, one per input, by name.
    ///
    /// - Parameters:
    ///   - inputs: every graph input; with a loss also "target".
    ///   - gradients: also compute d(loss)/d(parameters and inputs); without a loss of the sum of the outputs.
    ///   - trainMode: dropout on, batch statistics, as in training.
    public func run(
        _ inputs: [NamedTensor], gradients: Bool = false, trainMode: Bool = false, seed: UInt64 = 0
    ) throws(LaminaError) -> RunResult {
        try sorted {
            let plan = try self.plan(inputs, gradients: gradients, trainMode: trainMode)
            for input in plan.inputs { try fill(input, inputs) }
            if let target = plan.target { try fill(target, inputs) }
            try network.forward(plan, seed: seed)
            if gradients { try network.backward(plan, seed: seed) }
            if trainMode { network.parametersChanged() }
            return collect(plan, gradients: gradients)
        }
    }

    private func plan(_ inputs: [NamedTensor], gradients: Bool, trainMode: Bool) throws -> Plan {
        let definition = graph.definition
        var known = definition.inputs.map(\.name)
        if definition.loss != nil { known.append(GraphDefinition.targetName) }
        if let extra = inputs.first(where: { !known.contains($0.name) }) {
            throw LaminaError(
                .data, "there is no input '\(extra.name)'; the model takes \(known.joined(separator: ", "))")
        }
        var shapes: [[Int]] = []
        for input in definition.inputs {
            guard let given = inputs.first(where: { $0.name == input.name }) else {
                throw LaminaError(
                    .data, "input '\(input.name)' is missing; got \(inputs.map(\.name).joined(separator: ", "))")
            }
            guard given.dtype == input.dtype else {
                throw LaminaError(.data, "input '\(input.name)' is \(given.dtype.name), wanted \(input.dtype.name)")
            }
            shapes.append(given.shape)
        }
        let target = inputs.first { $0.name == GraphDefinition.targetName }
        let request = PlanRequest(
            inputs: shapes, target: target.map { .init($0.dtype, $0.shape) }, phase: trainMode ? .training : .inference,
            parameterGradients: gradients, inputGradients: gradients)
        do {
            return try network.plan(request)
        } catch {
            // The graph was accepted when it was made: what does not fit are these tensors.
            throw error.kind == .graph ? LaminaError(.data, error.text) : LaminaError(error)
        }
    }

    private func fill(_ planned: PlannedTensor, _ inputs: [NamedTensor]) throws {
        let given = inputs.first { $0.name == planned.name }!
        given.bytes.withUnsafeBytes { if $0.count > 0 { memcpy(planned.data, $0.baseAddress!, $0.count) } }
    }

    private func collect(_ plan: Plan, gradients: Bool) -> RunResult {
        var result = RunResult(outputs: plan.outputs.map { NamedTensor($0.name, $0) }, gradients: [])
        if let loss = plan.loss { result.outputs.append(NamedTensor("loss", loss)) }
        guard gradients else { return result }
        for (index, parameter) in graph.parameters.enumerated() where !parameter.isFrozen {
            let count = parameter.shape.reduce(1, *)
            let values = Array(UnsafeBufferPointer(start: network.parameterGradients[index], count: count))
            result.gradients.append(NamedTensor(parameter.name, parameter.shape, values))
        }
        for case let gradient? in plan.inputGradients { result.gradients.append(NamedTensor(gradient.name, gradient)) }
        return result
    }
}
