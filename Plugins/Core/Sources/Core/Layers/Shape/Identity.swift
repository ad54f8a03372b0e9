import LaminaSDK

/// The identity, y = x, of any shape and type: a named place in a graph.
struct Identity: LinearLayer {
    static let name = "identity"
    static let documentation = "Passes its input on: y = x."

    init(_ attributes: Attributes) {}

    func infer(_ inference: Inference) throws {
        try inference.addOutput(inference.dtype(0), inference.shape(0))
        inference.setLayouts(.any)
    }

    func plan(_ planning: Planning) -> any PlannedLayer {
        planning.allowView()
        planning.allowGradientView()
        planning.allowSteps()
        return ViewPlan()
    }
}
