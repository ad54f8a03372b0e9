import LaminaSDK

/// A convolution over time whose output at t depends on inputs up to t alone: all of its padding stands before the start.
struct CausalConvolution {
    let filters: Int
    let kernel: Int
    var dilation = 1
    var bias = true

    /// How far back it looks.
    var reach: Int { (kernel - 1) * dilation }

    /// The largest dilation times kernel, so that paddings stay within what cnn.conv1d takes.
    static let largestReach = 1_000_000

    func add(to expansion: Expansion, _ name: String, of input: String) throws -> String {
        try expansion.add(
            "cnn.conv1d", name: name, inputs: [input],
            [
                "filters": .integer(filters), "kernel": .integers([kernel]), "padding": .integers([reach, 0]),
                "dilation": .integers([dilation]), "bias": .bool(bias),
            ])
    }
}

extension Expansion {
    /// A 1 × 1 convolution: a dense layer at every time.
    func pointwise(_ name: String, of input: String, filters: Int, bias: Bool = true) throws -> String {
        try CausalConvolution(filters: filters, kernel: 1, bias: bias).add(to: self, name, of: input)
    }

    /// [N, T, F] to [N, F, T] or back.
    func transposed(_ name: String, of input: String) throws -> String {
        try add("core.permute", name: name, inputs: [input], ["axes": .integers([0, 2, 1])])
    }
}
