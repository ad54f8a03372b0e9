import LaminaSDK

/// The window of a max or average pooling: its size, how it moves, and what is beside the input.
struct SlidingWindow {
    let size, stride, dilation: [Int]
    let padding: Padding
    let ceils: Bool

    static func schema(axes: Int, dilates: Bool) -> [AttributeSchema] {
        let dilation = AttributeSchema.extents(
            "dilation", default: 1, axes: axes, "step between the inputs that a window sees")
        return [
            .extents("size", default: nil, axes: axes, "size of the window"),
            .extents("stride", default: nil, axes: axes, "step between windows; the size unless given").optional,
            Padding.schema(axes: axes),
        ] + (dilates ? [dilation] : []) + [
            .bool("ceil_mode", default: false, "a last window may reach beyond the padding")
        ]
    }

    init(_ attributes: Attributes, axes: Int) throws {
        size = try attributes.perAxis("size", rank: axes)
        stride = try attributes.has("stride") ? attributes.perAxis("stride", rank: axes) : size
        dilation =
            try attributes.has("dilation")
            ? attributes.perAxis("dilation", rank: axes) : Array(repeating: 1, count: axes)
        padding = try Padding(attributes.integers("padding"), axes: axes)
        ceils = attributes.bool("ceil_mode")
        for axis in 0..<axes where max(padding.before[axis], padding.after[axis]) > reach(axis) / 2 {
            throw PluginError.attribute(
                "padding along spatial axis \(axis) is \(padding.before[axis]) and \(padding.after[axis]), wanted at "
                    + "most half of the window, which reaches over \(reach(axis))")
        }
    }

    func reach(_ axis: Int) -> Int { dilation[axis] * (size[axis] - 1) + 1 }

    /// The output's spatial sizes.
    func places(_ inference: Inference, _ spatial: [Dimension]) throws -> [Dimension] {
        try spatial.enumerated().map { axis, size in
            let (before, after) = (padding.before[axis], padding.after[axis])
            let extra = ceils ? stride[axis] - 1 : 0
            if ceils, size.isSymbolic, stride[axis] > 1 {
                throw PluginError.shape(
                    "spatial axis \(axis) has size \(inference.host.text(size)), but ceil_mode needs a fixed one",
                    input: 0)
            }
            if let size = size.literal, size + before + after < reach(axis) {
                _ = try inference.places(
                    Dimension(size), before: before, after: after, reach: reach(axis), stride: stride[axis], axis: axis)
            }
            let places = try inference.places(
                size, before: before, after: after + extra, reach: reach(axis), stride: stride[axis], axis: axis)
            // A window that would start behind the input is left out.
            guard ceils, let count = places.literal, let size = size.literal else { return places }
            return Dimension((count - 1) * stride[axis] >= size + before ? count - 1 : count)
        }
    }

    func windows(_ axis: Int, _ input: Int, _ output: Int) -> PoolingAxis {
        .sliding(
            input: input, output: output, kernel: size[axis], stride: stride[axis], dilation: dilation[axis],
            before: padding.before[axis], after: padding.after[axis])
    }
}

extension AttributeSchema {
    /// The same attribute, which may be left out.
    var optional: AttributeSchema {
        var schema = self
        schema.defaultJSON = "null"
        return schema
    }
}
