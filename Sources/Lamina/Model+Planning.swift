import LaminaGraph
import LaminaRecipe

extension Model {
    /// The plan of a step for a batch: memory and work per node. Open dimensions other than the batch count as 16, or as
    /// the next power of two up to 256 that the layers accept.
    ///
    /// - Parameter training: with gradients of all parameters; without a loss's target, of the sum of the outputs.
    public func plan(batch: Int, training: Bool = false) throws(LaminaError) -> Plan {
        try sorted {
            try probe(batch: batch) { shapes in
                try network.plan(
                    PlanRequest(inputs: shapes, phase: training ? .training : .inference, parameterGradients: training))
            }
        }
    }

    /// Whether an input has a dimension other than the batch without a fixed size.
    var hasOpenSizes: Bool {
        graph.definition.inputs.contains { input in
            input.shape.contains {
                if case .symbol(let name) = $0 { return name != Recipe.batchDimension }
                return false
            }
        }
    }

    /// What is tried for open dimensions, in this order.
    static let openSizes = [16, 32, 64, 128, 256]

    /// Calls `body` with input shapes in which open dimensions have the first size that it accepts.
    ///
    /// - Throws: what `body` threw for the largest size; at once what is no fault of shapes.
    func probe<Result>(batch: Int, _ body: ([[Int]]) throws -> Result) throws -> Result {
        let sizes = hasOpenSizes ? Self.openSizes : [1]
        for size in sizes {
            let shapes = graph.definition.inputs.map { input in
                input.shape.map { dimension -> Int in
                    switch dimension {
                    case .fixed(let value): value
                    case .symbol(let name): name == Recipe.batchDimension ? batch : size
                    }
                }
            }
            do {
                return try body(shapes)
            } catch {
                let kind = LaminaError(error).kind
                guard size != sizes.last, kind == .recipe || kind == .data else { throw error }
            }
        }
        throw LaminaError(.internal, "there are no sizes to try")
    }
}
