import CTokenLayers
import LaminaSDK

/// Rotary positions: pairs of each head's features are turned by an angle that grows with the step.
///
///     (a, b) → (a cos θ - b sin θ, b cos θ + a sin θ),    θ = t · base^(-2 i / size) for pair i of step t
///
/// Products of queries and keys then depend on their distance alone. Pairs are features i and i + size / 2 of a head,
/// as in GPT-NeoX and Llama, or 2 i and 2 i + 1 with `interleaved`, as in the paper. Features behind `size` stay. Input
/// and output [N, T, heads · D]; or, `packed`, [N, T, (heads + 2 key_heads) · D] as `transformer.dot_product_attention`
/// takes it, whose values stay. Su, Lu, Pan, Wen, Liu: RoFormer, arXiv 2104.09864.
struct Rotary: Layer {
    static let name = "rotary"
    static let documentation = "Rotary positions: pairs of each head's features are turned by the step's angle."
    static let attributes: [AttributeSchema] = [
        .integer("heads", 1...65536, "heads of the input; packed: of the query"),
        .integer("key_heads", default: nil, 1...65536, "heads of key and value in a packed input; default: heads"),
        .real("base", default: 10000, 1e-6...1e12, "wavelengths grow from 2π towards 2π times this"),
        .bool("interleaved", default: false, "pairs are neighbours instead of halves"),
        .bool("packed", default: false, "the input holds query, key and value side by side"),
        .integer("size", default: nil, 2...1e9, "how many features of a head turn, an even number; default: all"),
    ]

    let heads, keyHeads: Int
    let base: Double
    let isInterleaved, isPacked: Bool
    let size: Int?

    init(_ attributes: Attributes) throws {
        heads = attributes.integer("heads")
        keyHeads = attributes.optionalInteger("key_heads") ?? heads
        base = attributes.real("base")
        isInterleaved = attributes.bool("interleaved")
        isPacked = attributes.bool("packed")
        size = attributes.optionalInteger("size")
        if let size, size % 2 != 0 {
            throw PluginError.attribute("size is \(size), wanted an even number, as features turn in pairs")
        }
    }

    /// How many heads lie side by side, of which the last ones may be values.
    var parts: Int { isPacked ? heads + 2 * keyHeads : heads }

    func infer(_ inference: Inference) throws {
        let shape = try inference.sequence(0, "input")
        let width = try inference.literal(shape[2], "the last dimension")
        guard width > 0, width % parts == 0 else {
            throw PluginError.shape(
                "the input has \(width) features, wanted a multiple of \(parts)"
                    + (isPacked ? ": \(heads) heads and twice \(keyHeads)" : ", its heads"), input: 0)
        }
        let depth = width / parts
        if let size, size > depth {
            throw PluginError.attribute("size is \(size), but a head has \(depth) features: wanted at most these")
        }
        guard size != nil || depth % 2 == 0 else {
            throw PluginError.shape(
                "a head has \(depth) features, wanted an even number, or a smaller `size`, as features turn in pairs",
                input: 0)
        }
        try inference.addOutput(.float32, shape)
    }

    func plan(_ planning: Planning) -> any PlannedLayer { RotaryPlan(planning, self) }
}

struct RotaryPlan: PlannedLayer {
    private let shape: lamina_rotary
    private let table: PositionTable
    private let rows: Int

    init(_ planning: Planning, _ layer: Rotary) {
        let x = planning.input(0)
        let (steps, width) = (x.size(1), x.size(2))
        let depth = width / layer.parts
        let size = layer.size ?? depth
        rows = x.size(0) * steps
        shape = lamina_rotary(
            steps: Int64(steps), width: Int64(width),
            heads: Int64(layer.isPacked ? layer.heads + layer.keyHeads : layer.heads), depth: Int64(depth),
            turned: Int64(size), interleaved: layer.isInterleaved ? 1 : 0, reserved: 0)
        table = PositionTable(
            planning, steps: steps, width: layer.isInterleaved ? 2 * size : size, base: layer.base)
        planning.allowReuse()
        planning.allowGradientReuse()
        let operations = 3 * Double(rows) * Double(shape.heads) * Double(size)
        planning.setFLOPs(forward: operations, backward: operations)
    }

    func forward(_ run: Run) {
        if rows > 0 { turn(run, 1, run.input(0).floats, run.output(0).floats, accumulate: false) }
    }

    // A rotation's transpose turns back.
    func backward(_ run: Run) {
        let dx = run.inputGradient(0)
        if rows == 0 || dx.isAbsent { return }
        turn(run, -1, run.outputGradient(0).floats, dx.floats, accumulate: dx.accumulates)
    }

    private func turn(_ run: Run, _ direction: Float, _ x: Floats, _ y: Floats, accumulate: Bool) {
        let size = Int(shape.turned)
        let isInterleaved = shape.interleaved != 0
        let angles = table.rows(run, size: size) { row, pair, cosine, sine in
            if isInterleaved {
                (row[2 &* pair], row[2 &* pair &+ 1]) = (cosine, cosine)
                (row[size &+ 2 &* pair], row[size &+ 2 &* pair &+ 1]) = (-sine, sine)
            } else {
                (row[pair], row[size / 2 &+ pair]) = (cosine, sine)
            }
        }
        run.host.parallelFor(rows, grain: max(1, elementGrain / Int(shape.width))) { begin, end in
            withUnsafePointer(to: shape) {
                lamina_rotary_turn($0, angles, Int64(begin), Int64(end), direction, x, y, accumulate ? 1 : 0)
            }
        }
    }
}
