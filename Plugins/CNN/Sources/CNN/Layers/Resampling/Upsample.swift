import LaminaSDK

/// Upsampling of images by whole factors: y [N, C, H · f, W · g] of x [N, C, H, W].
///
/// `nearest` repeats every value: y[h, w] = x[⌊h / f⌋, ⌊w / g⌋]. `bilinear` weighs, along each axis, the two values
/// between whose centres the output's centre (h + ½) / f − ½ lies; beyond the first and last centre it is their value.
/// Source: `torch.nn.Upsample` with `align_corners=False`.
struct Upsample: LinearLayer {
    static let name = "upsample2d"
    static let documentation = "Enlarges images by whole factors: nearest or bilinear."
    static let attributes: [AttributeSchema] = [
        .extents("factor", default: 2, axes: 2, "how much larger the output is"),
        .string(
            "mode", default: "nearest", choices: ["nearest", "bilinear"], "what stands between the input's values"),
    ]

    private let factor: [Int]
    private let isBilinear: Bool

    init(_ attributes: Attributes) throws {
        factor = try attributes.perAxis("factor", rank: 2)
        isBilinear = attributes.string("mode") == "bilinear"
    }

    func infer(_ inference: Inference) throws {
        let image = try inference.image(TwoAxes.self)
        let spatial = try (0..<2).map { try inference.enlarged(image.spatial[$0], by: factor[$0], axis: $0) }
        try inference.addOutput(.float32, [image.batch, image.channels] + spatial)
        inference.setLayouts(.any)
    }

    func plan(_ planning: Planning) throws -> any PlannedLayer {
        try planning.requireExtents()
        let (x, y) = (planning.input(0), planning.output(0))
        planning.setOverwrites()
        let operations = Double(y.count) * (isBilinear ? 7 : 1)
        planning.setFLOPs(forward: isBilinear ? operations : 0, backward: operations)
        let axes = (0..<2).map { UpsamplingAxis(input: x.size($0 + 2), factor: factor[$0], isBilinear: isBilinear) }
        return UpsamplePlan(
            planes: x.isChannelsLast ? x.size(0) : x.size(0) * x.size(1), channels: x.isChannelsLast ? x.size(1) : 1,
            height: axes[0], width: axes[1], isBilinear: isBilinear)
    }
}

extension Inference {
    /// A spatial size times a factor.
    func enlarged(_ size: Dimension, by factor: Int, axis: Int) throws -> Dimension {
        if let size = size.literal {
            try requireExtent(size, axis)
            return Dimension(size * factor)
        }
        return factor == 1 ? size : try host.multiply(size, Dimension(factor))
    }
}

/// Along one axis: which two inputs an output lies between, and which outputs see an input.
struct UpsamplingAxis {
    let input, output, factor: Int
    /// Per output: the input before it, the one behind it, and the latter's weight.
    let first, second: [Int]
    let weight: [Float]
    /// Per input: the outputs that see it.
    let outputs: [Range<Int>]

    init(input: Int, factor: Int, isBilinear: Bool) {
        (self.input, self.factor) = (input, factor)
        output = input * factor
        let places = (0..<output).map { output -> (Int, Int, Float) in
            if !isBilinear { return (output / factor, output / factor, 0) }
            let place = max(0, (Double(output) + 0.5) / Double(factor) - 0.5)
            let first = min(Int(place), input - 1)
            return (first, min(first + 1, input - 1), Float(place - Double(first)))
        }
        (first, second, weight) = (places.map(\.0), places.map(\.1), places.map(\.2))
        var ranges = [Range<Int>](repeating: 0..<0, count: input)
        for (output, place) in places.enumerated() {
            for input in [place.0, place.1] {
                let range = ranges[input]
                ranges[input] = range.isEmpty ? output..<output + 1 : range.lowerBound..<output + 1
            }
        }
        outputs = ranges
    }

    /// What `output` takes of `input`.
    @inline(__always)
    func share(_ output: Int, of input: Int) -> Float {
        (first[output] == input ? 1 - weight[output] : 0) + (second[output] == input ? weight[output] : 0)
    }
}
