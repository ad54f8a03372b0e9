import LaminaSDK

/// Cuts a tensor into consecutive sections along one axis, one output each.
///
/// Either `parts` equal sections or sections of the given `sizes`. Any layout.
struct Split: LinearLayer {
    static let name = "split"
    static let documentation = "Cuts the input into sections along one axis, one output each."
    static let attributes: [AttributeSchema] = [
        .integer("axis", default: 1, "the axis that is cut; negative ones count from the end"),
        .integer("parts", default: nil, 1...1e6, "number of equal sections; or give sizes"),
        .optionalIntegers("sizes", 0...1e12, count: 1...1_000_000, "size of each section; or give parts"),
    ]

    let axis: Int
    let parts: Int?
    let sizes: [Int]?

    init(_ attributes: Attributes) throws {
        axis = attributes.integer("axis")
        parts = attributes.optionalInteger("parts")
        sizes = attributes.optionalIntegers("sizes")
        guard (parts == nil) != (sizes == nil) else {
            throw PluginError.attribute(
                parts == nil
                    ? "neither parts nor sizes is given: set parts to the number of equal sections, or list their sizes"
                    : "both parts and sizes are given: remove one of them")
        }
    }

    func infer(_ inference: Inference) throws {
        let host = inference.host
        let shape = inference.shape(0)
        let position = try inference.axis(axis, "axis", of: shape)
        let size = shape[position]
        if let parts {
            if let literal = size.literal, literal % parts != 0 {
                throw PluginError.shape(
                    "the input has shape \(host.text(shape)), of which axis \(position) cannot be cut into \(parts) "
                        + "equal parts: list their sizes instead", input: 0)
            }
            let section = try host.floorDivide(size, Dimension(parts))
            for _ in 0..<parts { try add(section) }
        } else if let sizes {
            let sum = sizes.reduce(0, +)
            if let literal = size.literal, literal != sum { throw misfit(sum, host.text(shape), position) }
            for section in sizes { try add(Dimension(section)) }
        }
        inference.setLayouts(.any)

        func add(_ section: Dimension) throws {
            var output = shape
            output[position] = section
            try inference.addOutput(inference.dtype(0), output)
        }
    }

    private func misfit(_ sum: Int, _ shape: String, _ axis: Int) -> PluginError {
        PluginError.shape(
            "the input has shape \(shape), but sizes \(sizes ?? []) add up to \(sum): wanted the size of axis \(axis)",
            input: 0)
    }

    func plan(_ planning: Planning) throws -> any PlannedLayer {
        let x = planning.input(0)
        let position = resolved(axis, rank: x.rank)
        var start = 0
        let parts = (0..<planning.outputCount).map { index in
            let y = planning.output(index)
            defer { start += y.size(position) }
            return Part(y, at: start, of: x, axis: position, step: 1)
        }
        guard start == x.size(position) else { throw misfit(start, "\(x.shape)", position) }
        return SplitPlan(parts: parts)
    }
}

struct SplitPlan: PlannedLayer {
    let parts: [Part]

    func forward(_ run: Run) {
        let x = run.input(0)
        let size = x.elementSize
        for (index, part) in parts.enumerated() where part.count > 0 {
            part.take.copy(run.output(index).bytes, x.bytes + part.offset * size, size: size, host: run.host)
        }
    }

    // each section of dx = dy_i; zero where nobody uses the output
    func backward(_ run: Run) {
        let dx = run.inputGradient(0)
        if dx.isAbsent || dx.count == 0 { return }
        let accumulate = dx.accumulates
        let isPartial = parts.indices.contains { run.outputGradient($0).isAbsent }
        if isPartial && !accumulate { zero(dx.floats, dx.count, run.host) }
        for (index, part) in parts.enumerated() where part.count > 0 {
            let dy = run.outputGradient(index)
            if dy.isAbsent { continue }
            part.put.gradient(dx.floats + part.offset, dy.floats, accumulate: accumulate, host: run.host)
        }
    }
}
