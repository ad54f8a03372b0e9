import LaminaSDK

/// The elementwise (Hadamard) product of two tensors with broadcasting, y = a · b.
struct Multiply: TangentLayer {
    static let name = "multiply"
    static let documentation = "Elementwise product of two inputs with broadcasting: y = left · right."
    static let inputs = [Port("left"), Port("right")]

    init(_ attributes: Attributes) {}

    func infer(_ inference: Inference) throws { try inference.addOutput(.float32, inference.broadcast()) }

    func plan(_ planning: Planning) -> any PlannedLayer {
        Multiplication(
            loops: BinaryLoops(planning, leftReads: Multiplication.leftReads, rightReads: Multiplication.rightReads))
    }

    // ẏ = ȧ · b + a · ḃ
    func expandTangent(_ tangent: TangentExpansion) throws { try tangent.expandProduct() }
}

struct Multiplication: BinaryPlan {
    static var leftReads: [Int] { [1] }
    static var rightReads: [Int] { [0] }

    let loops: BinaryLoops

    @inline(__always) static func value(_ a: Vector, _ b: Vector) -> Vector { a * b }
    // da = dy · b
    @inline(__always) static func gradientOfLeft(_ dy: Vector, _ a: Vector, _ b: Vector) -> Vector { dy * b }
    // db = dy · a
    @inline(__always) static func gradientOfRight(_ dy: Vector, _ a: Vector, _ b: Vector) -> Vector { dy * a }
}

extension TangentExpansion {
    /// Adds the nodes for the tangent of a layer y = a · b that is linear in either input: ẏ = ȧ · b + a · ḃ.
    func expandProduct() throws {
        let left = try tangent(0).map { try addLayer(name: "left", inputs: [$0, input(1)]) }
        let right = try tangent(1).map { try addLayer(name: "right", inputs: [input(0), $0]) }
        guard let left, let right else { return try addOutput(left ?? right) }
        try addOutput(add("core.\(Add.name)", name: "tangent", inputs: [left, right]))
    }
}
