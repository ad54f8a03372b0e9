import LaminaSDK

/// The difference of two tensors with broadcasting, y = a − b.
struct Subtract: TangentLayer {
    static let name = "subtract"
    static let documentation = "Difference of two inputs with broadcasting: y = left - right."
    static let inputs = [Port("left"), Port("right")]

    init(_ attributes: Attributes) {}

    func infer(_ inference: Inference) throws { try inference.addOutput(.float32, inference.broadcast()) }

    func plan(_ planning: Planning) -> any PlannedLayer {
        Subtraction(
            loops: BinaryLoops(planning, leftReads: Subtraction.leftReads, rightReads: Subtraction.rightReads))
    }

    // ẏ = ȧ − ḃ, of y's shape: zeros of that take the place of one that is missing
    func expandTangent(_ tangent: TangentExpansion) throws {
        let terms = try (0...1).map { index in
            try tangent.tangent(index) ?? tangent.zeros(like: tangent.output(), name: "zero")
        }
        try tangent.addOutput(tangent.addLayer(name: "tangent", inputs: terms))
    }
}

struct Subtraction: BinaryPlan {
    static var leftReads: [Int] { [] }
    static var rightReads: [Int] { [] }

    let loops: BinaryLoops

    @inline(__always) static func value(_ a: Vector, _ b: Vector) -> Vector { a - b }
    // da = dy
    @inline(__always) static func gradientOfLeft(_ dy: Vector, _ a: Vector, _ b: Vector) -> Vector { dy }
    // db = −dy
    @inline(__always) static func gradientOfRight(_ dy: Vector, _ a: Vector, _ b: Vector) -> Vector { -dy }
}
