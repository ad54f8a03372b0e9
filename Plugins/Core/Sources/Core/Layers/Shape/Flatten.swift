import LaminaSDK

/// Joins the axes `start_axis` … `end_axis` into one; the memory stays as it is.
///
/// [d0, …, ds, …, de, …] → [d0, …, ds · … · de, …]. A scalar becomes [1].
struct Flatten: LinearLayer {
    static let name = "flatten"
    static let documentation = "Joins neighbouring axes into one; by default all but the batch."
    static let attributes: [AttributeSchema] = [
        .integer("start_axis", default: 1, "first axis to join; negative ones count from the end"),
        .integer("end_axis", default: -1, "last axis to join, inclusive"),
    ]

    let start: Int
    let end: Int

    init(_ attributes: Attributes) {
        start = attributes.integer("start_axis")
        end = attributes.integer("end_axis")
    }

    func infer(_ inference: Inference) throws {
        let shape = inference.shape(0)
        if shape.isEmpty { return try inference.addOutput(inference.dtype(0), [Dimension(1)]) }
        let first = try inference.axis(start, "start_axis", of: shape)
        let last = try inference.axis(end, "end_axis", of: shape)
        guard first <= last else {
            throw PluginError.attribute(
                "start_axis \(start) lies behind end_axis \(end) for input \(inference.host.text(shape)): swap them")
        }
        let joined = try inference.product(shape[first...last])
        try inference.addOutput(inference.dtype(0), shape[..<first] + [joined] + shape[(last + 1)...])
    }

    func plan(_ planning: Planning) -> any PlannedLayer {
        planning.allowView()
        planning.allowGradientView()
        return ViewPlan()
    }
}
