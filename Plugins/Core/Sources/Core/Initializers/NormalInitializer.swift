import LaminaSDK

/// Normal with a mean and a standard deviation; one row may stay 0.
///
/// `zero_row` is for the padding index of an embedding, whose vector PyTorch sets to 0 too. Reference:
/// `torch.nn.init.normal_`.
struct NormalInitializer: Initializer {
    static let name = "normal"
    static let documentation = "Normal with mean and standard deviation."
    static let attributes: [AttributeSchema] = [
        .real("mean", default: 0, "Mean."),
        .real("std", default: 1, 0 ... .infinity, "Standard deviation."),
        .integer(
            "zero_row", default: nil, 0...1e15, "This row of the first axis is 0, such as an embedding's padding."),
    ]

    private let mean, deviation: Double
    private let zeroRow: Int?

    init(_ attributes: Attributes) {
        mean = attributes.real("mean")
        deviation = attributes.real("std")
        zeroRow = attributes.optionalInteger("zero_row")
    }

    func fill(_ out: Tensor, random: RandomStream, host: Host) throws {
        if let zeroRow, out.rank == 0 || zeroRow >= out.size(0) {
            throw PluginError.attribute(
                "zero_row is \(zeroRow), the parameter has shape \(out.shape): wanted a row of its first axis")
        }
        out.fillNormal(mean, deviation, random, host)
        if let zeroRow, out.count > 0 {
            let size = out.product(1, out.rank)
            (out.floats + zeroRow * size).update(repeating: 0, count: size)
        }
    }
}
