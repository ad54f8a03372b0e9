import CLamina

/// One dimension of a shape while shapes are inferred: a number, or a symbol of the host such as the batch size.
///
/// Arithmetic on numbers stays in the plugin; with a symbol the host builds the expression, so that equal
/// expressions are equal dimensions.
public struct Dimension: Equatable, Sendable {
    public let value: Int64

    public init(_ value: Int64) { self.value = value }
    public init(_ value: Int) { self.value = Int64(value) }

    /// The number, or nil when the dimension is symbolic.
    public var literal: Int? { value >= 0 ? Int(value) : nil }
    public var isSymbolic: Bool { value < 0 }
}

extension Host {
    public func add(_ a: Dimension, _ b: Dimension) throws -> Dimension {
        try compute(a, LAMINA_DIMENSION_ADD, "+", b)
    }
    public func subtract(_ a: Dimension, _ b: Dimension) throws -> Dimension {
        try compute(a, LAMINA_DIMENSION_SUBTRACT, "-", b)
    }
    public func multiply(_ a: Dimension, _ b: Dimension) throws -> Dimension {
        try compute(a, LAMINA_DIMENSION_MULTIPLY, "·", b)
    }
    public func floorDivide(_ a: Dimension, _ b: Dimension) throws -> Dimension {
        try compute(a, LAMINA_DIMENSION_FLOOR_DIVIDE, "/", b)
    }

    private func compute(_ a: Dimension, _ operation: Int32, _ sign: String, _ b: Dimension) throws -> Dimension {
        let result = raw.pointee.dimension(raw, operation, a.value, b.value)
        guard result != .min else { throw PluginError.shape("\(text(a)) \(sign) \(text(b)) is not a valid dimension") }
        return Dimension(result)
    }

    /// "32", "N", "N·14": for error messages.
    public func text(_ dimension: Dimension) -> String {
        if let literal = dimension.literal { return "\(literal)" }
        return raw.pointee.dimension_text(raw, dimension.value).map { String(cString: $0) } ?? "?"
    }

    /// "[N, 3, 28, 28]": for error messages.
    public func text(_ shape: [Dimension]) -> String {
        "[" + shape.map { text($0) }.joined(separator: ", ") + "]"
    }
}
