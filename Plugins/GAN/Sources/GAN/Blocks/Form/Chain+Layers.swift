import LaminaSDK

extension Chain {
    /// A convolution of images; `isLast`: no normalisation follows.
    mutating func convolution(
        _ name: String, _ form: ConvolutionForm, filters: Int, kernel: Int, stride: Int = 1, padding: Int = 0,
        isLast: Bool = false
    ) throws {
        let bias = form.hasBias(isLast: isLast)
        try weighted(
            form.norm == .spectral ? "gan.spectral_conv2d" : "cnn.conv2d", name,
            [
                ("filters", .integer(filters)), ("kernel", .integers([kernel])), ("stride", .integers([stride])),
                ("padding", .integers([padding])), ("bias", .bool(bias)),
            ], form.norm, form.initial, bias: bias)
    }

    /// A transposed convolution of images; `isLast`: no normalisation follows.
    mutating func transposed(
        _ name: String, _ form: ConvolutionForm, filters: Int, kernel: Int, stride: Int = 1, padding: Int = 0,
        outputPadding: Int = 0, isLast: Bool = false
    ) throws {
        let bias = form.hasBias(isLast: isLast)
        try add(
            "cnn.conv_transpose2d", name,
            [
                "filters": .integer(filters), "kernel": .integers([kernel]), "stride": .integers([stride]),
                "padding": .integers([padding]), "output_padding": .integers([outputPadding]), "bias": .bool(bias),
            ], initializers: form.initial.weights(bias: bias))
    }

    /// A dense layer, its weights normalised with `norm` spectral.
    mutating func dense(_ name: String, units: Int, _ norm: Normalization, _ initial: InitialValues) throws {
        try weighted(
            norm == .spectral ? "gan.spectral_dense" : "core.dense", name, [("units", .integer(units))], norm, initial,
            bias: true)
    }

    /// A layer, or the block that normalises its weights and knows itself how they begin.
    private mutating func weighted(
        _ component: String, _ name: String, _ attributes: [(name: String, value: AttributeValue)],
        _ norm: Normalization, _ initial: InitialValues, bias: Bool
    ) throws {
        if norm == .spectral {
            try add(component, name, attributes + initial.values)
        } else {
            try add(component, name, attributes, initializers: initial.weights(bias: bias))
        }
    }

    /// Batch or instance norm of images; nothing with other forms.
    mutating func normalize(_ name: String, _ form: ConvolutionForm) throws {
        switch form.norm {
        case .none, .spectral: break
        case .batch: try add("core.batch_norm2d", name, initializers: form.initial.scales)
        case .instance: try add("core.instance_norm2d", name)
        }
    }

    mutating func leaky(_ name: String, slope: Double = 0.2) throws {
        try add("core.leaky_relu", name, ["slope": .real(slope)])
    }

    /// Nothing when the rate is 0.
    mutating func dropout(_ name: String, rate: Double) throws {
        if rate > 0 { try add("core.dropout", name, ["rate": .real(rate)]) }
    }
}
