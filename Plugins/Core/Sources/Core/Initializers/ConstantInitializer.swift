import LaminaSDK

/// Every element is `value`. Reference: `torch.nn.init.constant_`.
struct ConstantInitializer: Initializer {
    static let name = "constant"
    static let documentation = "Every element has one value."
    static let attributes: [AttributeSchema] = [.real("value", default: 0, "The value.")]

    private let value: Float

    init(_ attributes: Attributes) { value = attributes.float("value") }

    func fill(_ out: Tensor, random: RandomStream, host: Host) {
        guard out.count > 0 else { return }
        out.floats.update(repeating: value, count: out.count)
    }
}
