import LaminaGraph
import LaminaRecipe

extension Model {
    /// The plan of a step for a batch: memory and work per node. Open dimensions other than the batch count as 1.
    ///
    /// - Parameter training: with gradients of all parameters; without a loss's target, of the sum of the outputs.
    public func plan(batch: Int, training: Bool = false) throws(LaminaError) -> Plan {
        try sorted {
            let shapes = graph.definition.inputs.map { input in
                input.shape.map { size -> Int in
                    switch size {
                    case .fixed(let value): value
                    case .symbol(let name): name == Recipe.batchDimension ? batch : 1
                    }
                }
            }
            return try network.plan(
                PlanRequest(inputs: shapes, phase: training ? .training : .inference, parameterGradients: training))
        }
    }
}
