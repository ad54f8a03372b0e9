import LaminaSDK

/// The elementwise quotient of two tensors with broadcasting, y = a / b.
struct Divide: TangentLayer {
    static let name = "divide"
    static let documentation = "Elementwise quotient of two inputs with broadcasting: y = left / right."
    static let inputs = [Port("left"), Port("right")]

    init(_ attributes: Attributes) {}

    func infer(_ inference: Inference) throws { try inference.addOutput(.float32, inference.broadcast()) }

    func plan(_ planning: Planning) -> any PlannedLayer {
        Division(
            loops: BinaryLoops(planning, leftReads: Division.leftReads, rightReads: Division.rightReads))
    }

    // ẏ = (ȧ − y · ḃ) / b
    func expandTangent(_ tangent: TangentExpansion) throws {
        var numerator = tangent.tangent(0)
        if let divisor = tangent.tangent(1) {
            let product = try tangent.add(
                "core.\(Multiply.name)", name: "product", inputs: [tangent.output(), divisor])
            let left = try numerator ?? tangent.zeros(like: tangent.output(), name: "zero")
            numerator = try tangent.add("core.\(Subtract.name)", name: "difference", inputs: [left, product])
        }
        try tangent.addOutput(tangent.addLayer(name: "tangent", inputs: [numerator, tangent.input(1)]))
    }
}

struct Division: BinaryPlan {
    static var leftReads: [Int] { [1] }
    static var rightReads: [Int] { [0, 1] }

    let loops: BinaryLoops

    @inline(__always) static func value(_ a: Vector, _ b: Vector) -> Vector { a / b }
    // da = dy / b
    @inline(__always) static func gradientOfLeft(_ dy: Vector, _ a: Vector, _ b: Vector) -> Vector { dy / b }
    // db = −dy · a / b²
    @inline(__always) static func gradientOfRight(_ dy: Vector, _ a: Vector, _ b: Vector) -> Vector {
        -dy * (a / b / b)
    }
}
