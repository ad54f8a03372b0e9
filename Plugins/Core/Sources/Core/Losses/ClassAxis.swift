import LaminaSDK

/// The attribute `class_axis`: along which axis of logits or scores the classes lie.
///
/// 1 as in PyTorch by default: [N, C, d…]. −1 is the last, as sequence models give it: [N, T, C]. The target has the same
/// shape without that axis. Axis 0 is the batch and no choice.
struct ClassAxis {
    let value: Int

    static let schema = AttributeSchema.integer(
        "class_axis", default: 1, -7...7, "The axis of the classes; -1: the last, as in [N, T, C].")

    init(_ attributes: Attributes) { value = attributes.integer("class_axis") }
    init(_ value: Int) { self.value = value }

    /// Counted from 0; nil when a tensor of that rank has no such axis, or it is the batch.
    func position(rank: Int) -> Int? {
        let position = value < 0 ? value + rank : value
        return position >= 1 && position < rank ? position : nil
    }

    /// Why there is no position: the end of a message that says what shape there is.
    var fault: String { "class_axis is \(value), which no axis behind the batch is: -1 is the last, 1 the second" }
}
