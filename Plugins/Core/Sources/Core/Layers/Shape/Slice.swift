import LaminaSDK

/// Takes the elements start, start + step, … before `end` along one axis, as `x[start:end:step]` in Python.
///
/// Negative `start` and `end` count from the end of the axis; bounds beyond it are moved to it. Any layout.
struct Slice: LinearLayer {
    static let name = "slice"
    static let documentation = "Takes a range of one axis: input[start:end:step]."
    static let attributes: [AttributeSchema] = [
        .integer("axis", default: 1, "the axis of which a range is taken; negative ones count from the end"),
        .integer("start", default: 0, -1e15...1e15, "first element; negative: from the end"),
        .integer(
            "end", default: nil, -1e15...1e15, "the element behind the last; negative: from the end; by default all"),
        .integer("step", default: 1, 1...1e12, "distance between the elements taken"),
    ]

    let axis: Int
    let start: Int
    let end: Int?
    let step: Int

    init(_ attributes: Attributes) {
        axis = attributes.integer("axis")
        start = attributes.integer("start")
        end = attributes.optionalInteger("end")
        step = attributes.integer("step")
    }

    func infer(_ inference: Inference) throws {
        var shape = inference.shape(0)
        let position = try inference.axis(axis, "axis", of: shape)
        if let size = shape[position].literal {
            shape[position] = Dimension(count(size))
        } else {
            shape[position] = try count(shape[position], inference.host)
        }
        try inference.addOutput(inference.dtype(0), shape)
        inference.setLayouts(.any)
    }

    /// Where the range begins in an axis of `size`.
    private func begin(_ size: Int) -> Int { min(max(start < 0 ? start + size : start, 0), size) }

    private func count(_ size: Int) -> Int {
        let stop = min(max(end.map { $0 < 0 ? $0 + size : $0 } ?? size, 0), size)
        return max(0, (stop - begin(size) + step - 1) / step)
    }

    /// For a symbolic size, which has to be large enough for the bounds: `plan` checks it.
    private func count(_ size: Dimension, _ host: Host) throws -> Dimension {
        // Both bounds as size · (0 or 1) + constant.
        let stop = end ?? 0
        let stopCountsFromEnd = end.map { $0 < 0 } ?? true
        let length: Dimension
        if (start < 0) == stopCountsFromEnd {
            length = Dimension(max(0, stop - start))
        } else if stopCountsFromEnd {
            length = try host.subtract(size, Dimension(start - stop))
        } else {
            length = try host.subtract(Dimension(stop - start), size)
        }
        if step == 1 { return length }
        return try host.floorDivide(host.add(length, Dimension(step - 1)), Dimension(step))
    }

    func plan(_ planning: Planning) throws -> any PlannedLayer {
        let (x, y) = (planning.input(0), planning.output(0))
        let position = resolved(axis, rank: x.rank)
        let size = x.size(position)
        guard count(size) == y.size(position) else {
            throw PluginError.shape(
                "the input has shape \(x.shape), too short on axis \(position) for start \(start) and end "
                    + "\(end.map { "\($0)" } ?? "of the axis"): wanted room for \(y.size(position)) elements", input: 0)
        }
        return SlicePlan(part: Part(y, at: begin(size), of: x, axis: position, step: step))
    }
}

struct SlicePlan: PlannedLayer {
    let part: Part

    func forward(_ run: Run) {
        if part.count == 0 { return }
        let (x, y) = (run.input(0), run.output(0))
        let size = x.elementSize
        part.take.copy(y.bytes, x.bytes + part.offset * size, size: size, host: run.host)
    }

    // dx = dy in the range, 0 elsewhere
    func backward(_ run: Run) {
        let (dy, dx) = (run.outputGradient(0), run.inputGradient(0))
        if dx.isAbsent || dx.count == 0 { return }
        if !dx.accumulates { zero(dx.floats, dx.count, run.host) }
        if part.count == 0 { return }
        part.put.gradient(dx.floats + part.offset, dy.floats, accumulate: dx.accumulates, host: run.host)
    }
}
