import LaminaSDK

/// A vision transformer: images [N, C, H, W] as sequences of patches, to logits [N, classes] or features [N, units].
///
/// A convolution whose stride is its kernel makes a vector of each patch, row by row; a class token stands before them
/// (`pool: class`), learned positions are added, encoder layers follow. The result is the class token's vector, or the mean
/// over patches (`pool: mean`), normalised, and with `classes` behind a dense layer.
///
/// `{ image: 224, patch: 16, units: 768, heads: 12, layers: 12, epsilon: 1.0e-6, classes: 1000 }` is ViT-B/16 of timm, whose
/// parameters are blocks.0.attn.qkv for layers.0.self_attn.in_proj, attn.proj for out_proj, mlp.fc1 for linear1, mlp.fc2 for
/// linear2, patch_embed.proj for patches, cls_token for class_token, pos_embed for positions; norm1, norm2, norm and head have
/// the same names.
///
/// Nodes: image_size, patches, patch_rows, patch_steps, class_token, positions, dropout, layers.0, … (each a `transformer.encoder_layer`),
/// first_step and first_step_vector or mean, norm, head. Dosovitskiy et al.: An Image is Worth 16x16 Words (2020).
struct VisionTransformer: Block {
    static let name = "vit"
    static let documentation = "Vision transformer: images as sequences of patches, to logits or features."
    static let inputs: [Port] = [Port("images", .required, "images [N, C, H, W]")]
    static let attributes: [AttributeSchema] =
        [
            .integers("image", 1...1e6, count: 1...2, "height and width of the images, or one number for both"),
            .integers("patch", default: [16], 1...1e6, count: 1...2, "the same of a patch"),
            .integer("classes", default: nil, 1...1e9, "size of the dense layer at the end; without it, none"),
            .string(
                "pool", default: "class", choices: ["class", "mean"],
                "class: the vector of a token before the patches; mean: over all patches"),
        ] + StackForm.attributes() + LayerForm.attributes(activation: "gelu", norm: .pre, initial: 0.02)

    private let image, patch: [Int]
    private let steps: Int
    private let classes: Int?
    private let hasClassToken: Bool
    private let stack: StackForm

    init(_ attributes: Attributes) throws {
        image = try attributes.perAxis("image", rank: 2)
        patch = try attributes.perAxis("patch", rank: 2)
        classes = attributes.optionalInteger("classes")
        hasClassToken = attributes.string("pool") == "class"
        stack = StackForm(attributes, try LayerForm(attributes, PositionForm.added))
        guard zip(image, patch).allSatisfy({ $0 % $1 == 0 }) else {
            throw PluginError.attribute(
                "image is \(image), wanted a multiple of patch, \(patch), in both directions: crop or pad the images")
        }
        steps = image[0] / patch[0] * (image[1] / patch[1])
    }

    func expand(_ expansion: Expansion) throws {
        let form = stack.form
        var end = try patches(expansion)
        if hasClassToken { end = try expansion.add("transformer.class_token", name: "class_token", inputs: [end]) }
        end = try expansion.add(
            "transformer.learned_positions", name: "positions", inputs: [end],
            ["count": .integer(steps + (hasClassToken ? 1 : 0))])
        end = try expansion.dropout("dropout", end, rate: form.dropout)
        end = try stack.layers(expansion, "transformer.encoder_layer", end)
        if hasClassToken {
            // A norm treats each step by itself: that of the others is not needed.
            end = try stack.normalized(expansion, expansion.step(0, "first_step", of: end))
        } else {
            end = try expansion.add("core.reduce_mean", name: "mean", inputs: [end], ["axes": .integers([1])])
            end = try stack.normalized(expansion, end)
        }
        if let classes {
            end = try expansion.dense("head", end, units: classes, bias: true, form.initial.initializers(bias: true))
        }
        try expansion.addOutput(end)
    }

    /// Images to [N, patches, units].
    private func patches(_ expansion: Expansion) throws -> String {
        // The convolution leaves out what is over at the edges; here the images are those that `image` says.
        var end = try expansion.add(
            "transformer.image_size", name: "image_size", inputs: [expansion.input(0)], ["size": .integers(image)])
        end = try expansion.add(
            "cnn.conv2d", name: "patches", inputs: [end],
            ["filters": .integer(stack.form.units), "kernel": .integers(patch), "stride": .integers(patch)])
        end = try expansion.add("core.flatten", name: "patch_rows", inputs: [end], ["start_axis": .integer(2)])
        return try expansion.add(
            "core.permute", name: "patch_steps", inputs: [end], ["axes": .integers([0, 2, 1])])
    }
}
