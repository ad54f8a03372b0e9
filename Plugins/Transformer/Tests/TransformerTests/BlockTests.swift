import LaminaFormats
import LaminaSDK
import LaminaTesting
import Testing

@testable import Transformer

/// What the blocks expand to; that they compute what PyTorch does, Tests/RecipeTests shows with the files of Golden/.
@Suite struct BlockTests {
    private func lines(_ block: ExpandedBlock) -> [String] {
        block.nodes.map { "\($0.name) = \($0.component)(\($0.inputs.joined(separator: ", ")))" }
    }

    private func text(_ component: Component, _ attributes: JSONObject, _ inputs: Int = 1) -> String {
        do {
            _ = try expand(component, attributes, inputCount: inputs)
            return "accepted"
        } catch { return "\(error)" }
    }

    @Test func selfAttention() throws {
        let block = try expand(
            .block(MultiHeadAttention.self), ["units": 12, "heads": 4, "key_heads": 2, "rotary": 100, "head_size": 6],
            inputCount: 3)
        #expect(
            lines(block) == [
                "in_proj = core.dense(#0)", "rotary = transformer.rotary(in_proj)",
                "attention = transformer.dot_product_attention(rotary, , , #2)", "out_proj = core.dense(attention)",
            ])
        #expect(block["in_proj"]?.attributes == ["units": 48, "bias": true])
        #expect(block["in_proj"]?.initializers == ["weight": "core.xavier_uniform", "bias": "core.constant"])
        #expect(
            block["rotary"]?.attributes == ["heads": 4, "key_heads": 2, "base": 100.0, "packed": true])
        #expect(block["attention"]?.attributes["key_heads"] == 2)
        #expect(block["out_proj"]?.attributes["units"] == 12)
        #expect(block["out_proj"]?.initializers == ["bias": "core.constant"])
        let given = try expand(
            .block(MultiHeadAttention.self), ["units": 12, "heads": 4, "initial_std": 0.1], inputCount: 3)
        #expect(given["out_proj"]?.initializers == ["weight": "core.normal", "bias": "core.constant"])
    }

    @Test func crossAttention() throws {
        let block = try expand(
            .block(MultiHeadAttention.self),
            ["units": 12, "heads": 4, "key_heads": 2, "cross": true, "bias": false, "dropout": 0.1, "window": 5],
            inputCount: 3)
        #expect(
            lines(block) == [
                "q_proj = core.dense(#0)", "k_proj = core.dense(#1)", "v_proj = core.dense(#1)",
                "attention = transformer.dot_product_attention(q_proj, k_proj, v_proj, #2)",
                "out_proj = core.dense(attention)",
            ])
        #expect(block.nodes.prefix(3).map { $0.attributes["units"] } == [12, 6, 6])
        #expect(block["k_proj"]?.attributes["bias"] == false)
        #expect(block["k_proj"]?.initializers == ["weight": "core.xavier_uniform"])
        #expect(block["out_proj"]?.initializers == [:])
        let biased = try expand(
            .block(MultiHeadAttention.self), ["units": 12, "heads": 4, "cross": true], inputCount: 3)
        for name in ["q_proj", "k_proj", "v_proj"] {
            #expect(biased[name]?.initializers == ["weight": "core.xavier_uniform", "bias": "core.constant"])
        }
        #expect(block["attention"]?.attributes["dropout"] == 0.1 && block["attention"]?.attributes["window"] == 5)
    }

    @Test func encoderLayers() throws {
        let post = try expand(
            .block(EncoderLayer.self), ["units": 12, "heads": 3, "dropout": 0.1, "causal": true], inputCount: 2)
        #expect(
            lines(post) == [
                "self_attn = transformer.multi_head_attention(#0, , #1)", "dropout1 = core.dropout(self_attn)",
                "add1 = core.add(#0, dropout1)", "norm1 = core.layer_norm(add1)", "linear1 = core.dense(norm1)",
                "activation = core.relu(linear1)", "dropout = core.dropout(activation)",
                "linear2 = core.dense(dropout)", "dropout2 = core.dropout(linear2)", "add2 = core.add(norm1, dropout2)",
                "norm2 = core.layer_norm(add2)",
            ])
        #expect(post["linear1"]?.attributes["units"] == 48)
        #expect(post["self_attn"]?.attributes["causal"] == true && post["self_attn"]?.attributes["dropout"] == 0.1)
        let pre = try expand(
            .block(EncoderLayer.self),
            [
                "units": 12, "heads": 3, "norm": "pre", "gated": true, "activation": "silu", "feed_forward": 7,
                "normalization": "rms_norm", "initial_std": 0.02, "residual_std": 0.01,
            ], inputCount: 2)
        #expect(
            lines(pre) == [
                "norm1 = transformer.rms_norm(#0)", "self_attn = transformer.multi_head_attention(norm1, , #1)",
                "add1 = core.add(#0, self_attn)", "norm2 = transformer.rms_norm(add1)",
                "linear1 = core.dense(norm2)", "activation = transformer.gate(linear1)",
                "linear2 = core.dense(activation)", "add2 = core.add(add1, linear2)",
            ])
        #expect(pre["linear1"]?.attributes["units"] == 14 && pre["linear2"]?.attributes["units"] == 12)
        #expect(pre["linear2"]?.initializers == ["weight": "core.normal", "bias": "core.constant"])
        #expect(pre["self_attn"]?.attributes["residual_std"] == 0.01)
        let tanh = try expand(
            .block(EncoderLayer.self), ["units": 2, "heads": 1, "activation": "gelu_tanh"], inputCount: 2)
        #expect(tanh["activation"]?.component == "core.gelu" && tanh["activation"]?.attributes["approximate"] == "tanh")
    }

    @Test func decoderLayer() throws {
        let block = try expand(
            .block(DecoderLayer.self), ["units": 12, "heads": 3, "alibi": true, "window": 9, "norm": "pre"],
            inputCount: 3)
        #expect(
            lines(block) == [
                "norm1 = core.layer_norm(#0)", "self_attn = transformer.multi_head_attention(norm1)",
                "add1 = core.add(#0, self_attn)", "norm2 = core.layer_norm(add1)",
                "multihead_attn = transformer.multi_head_attention(norm2, #1, #2)",
                "add2 = core.add(add1, multihead_attn)", "norm3 = core.layer_norm(add2)",
                "linear1 = core.dense(norm3)", "activation = core.relu(linear1)", "linear2 = core.dense(activation)",
                "add3 = core.add(add2, linear2)",
            ])
        let (own, other) = (try #require(block["self_attn"]), try #require(block["multihead_attn"]))
        #expect(own.attributes["causal"] == true && own.attributes["window"] == 9 && own.attributes["alibi"] == true)
        #expect(other.attributes["cross"] == true && other.attributes["causal"] == false)
        #expect(other.attributes["window"] == nil && other.attributes["alibi"] == nil)
        _ = try expand(.block(MultiHeadAttention.self), own.attributes, inputCount: 3)
        _ = try expand(.block(MultiHeadAttention.self), other.attributes, inputCount: 3)
    }

    @Test func stacks() throws {
        let encoder = try expand(
            .block(Encoder.self), ["units": 4, "heads": 2, "layers": 2, "norm": "pre", "causal": true], inputCount: 2)
        #expect(
            lines(encoder) == [
                "layers.0 = transformer.encoder_layer(#0, #1)",
                "layers.1 = transformer.encoder_layer(layers.0, #1)", "norm = core.layer_norm(layers.1)",
            ])
        #expect(encoder["layers.1"]?.attributes["causal"] == true)
        let decoder = try expand(
            .block(Decoder.self), ["units": 4, "heads": 2, "layers": 2, "window": 3, "rotary": 50], inputCount: 3)
        #expect(
            lines(decoder) == [
                "layers.0 = transformer.decoder_layer(#0, #1, #2)",
                "layers.1 = transformer.decoder_layer(layers.0, #1, #2)",
            ])
        let normed = try expand(
            .block(Decoder.self), ["units": 4, "heads": 2, "layers": 1, "final_norm": true], inputCount: 3)
        #expect(normed.outputs == ["norm"])
        // Everything that is set arrives in the layers, whose own schema accepts it.
        let layer = try #require(decoder["layers.0"])
        #expect(layer.attributes["window"] == 3 && layer.attributes["rotary"] == 50.0)
        _ = try expand(.block(DecoderLayer.self), layer.attributes, inputCount: 3)
        _ = try expand(.block(EncoderLayer.self), try #require(encoder["layers.0"]).attributes, inputCount: 2)
    }

    @Test func gpt() throws {
        let block = try expand(
            .block(GPT.self),
            ["vocabulary": 50, "units": 8, "heads": 2, "layers": 2, "context": 16, "dropout": 0.1])
        #expect(
            lines(block) == [
                "embedding = core.embedding(#0)", "positions = transformer.learned_positions(embedding)",
                "dropout = core.dropout(positions)", "layers.0 = transformer.encoder_layer(dropout)",
                "layers.1 = transformer.encoder_layer(layers.0)", "norm = core.layer_norm(layers.1)",
                "output = core.dense(norm)",
            ])
        #expect(block["output"]?.share == "embedding" && block["output"]?.attributes["bias"] == false)
        #expect(block["embedding"]?.initializers == ["weight": "core.normal"])
        let layer = try #require(block["layers.0"])
        #expect(layer.attributes["causal"] == true && layer.attributes["initial_std"] == 0.02)
        #expect(layer.attributes["residual_std"] == 0.01)  // 0.02 / √(2 · 2)
        let llama = try expand(
            .block(GPT.self),
            [
                "vocabulary": 50, "units": 8, "heads": 2, "layers": 1, "positions": "rotary", "base": 500,
                "tied": false, "output_bias": true,
            ])
        #expect(llama["positions"] == nil && llama["layers.0"]?.attributes["rotary"] == 500.0)
        #expect(llama["output"]?.share == nil)
        #expect(llama["output"]?.initializers == ["weight": "core.normal", "bias": "core.constant"])
        let sinusoidal = try expand(
            .block(GPT.self),
            ["vocabulary": 5, "units": 4, "heads": 2, "layers": 1, "positions": "sinusoidal"])
        #expect(sinusoidal["positions"]?.attributes["scale"] == 2.0)
    }

    @Test func bert() throws {
        let form: JSONObject = ["vocabulary": 50, "units": 8, "heads": 2, "layers": 1, "context": 16]
        let masked = try expand(.block(BERT.self), form, inputCount: 2)
        #expect(
            lines(masked) == [
                "embedding = core.embedding(#0)", "positions = transformer.learned_positions(embedding)",
                "embedding_norm = core.layer_norm(positions)", "dropout = core.dropout(embedding_norm)",
                "layers.0 = transformer.encoder_layer(dropout, #1)", "transform = core.dense(layers.0)",
                "transform_activation = core.gelu(transform)",
                "transform_norm = core.layer_norm(transform_activation)", "output = core.dense(transform_norm)",
            ])
        #expect(masked["output"]?.share == "embedding")
        #expect(masked["output"]?.attributes["bias"] == false && masked["output"]?.initializers == [:])
        let published = try expand(
            .block(BERT.self), form.merging(["segments": 2, "output_bias": true, "dropout": 0]), inputCount: 3)
        #expect(
            lines(published).prefix(4) == [
                "embedding = core.embedding(#0)", "segment_embedding = transformer.segment_vectors(embedding, #2)",
                "positions = transformer.learned_positions(segment_embedding)",
                "embedding_norm = core.layer_norm(positions)",
            ])
        #expect(published["segment_embedding"]?.attributes == ["count": 2])
        #expect(published["output"]?.share == "embedding" && published["output"]?.attributes["bias"] == true)
        #expect(published["output"]?.initializers == ["bias": "core.constant"])
        let classes = try expand(.block(BERT.self), form.merging(["classes": 3, "dropout": 0]), inputCount: 2)
        #expect(
            lines(classes).suffix(5) == [
                "first_step = core.slice(layers.0)", "first_step_vector = core.flatten(first_step)",
                "pooler = core.dense(first_step_vector)", "pooler_activation = core.tanh(pooler)",
                "classifier = core.dense(pooler_activation)",
            ])
    }

    @Test func visionTransformer() throws {
        let form: JSONObject = ["image": [28, 14], "patch": 7, "units": 8, "heads": 2, "layers": 1]
        let block = try expand(.block(VisionTransformer.self), form.merging(["classes": 10]))
        #expect(
            lines(block) == [
                "image_size = transformer.image_size(#0)", "patches = cnn.conv2d(image_size)",
                "patch_rows = core.flatten(patches)",
                "patch_steps = core.permute(patch_rows)", "class_token = transformer.class_token(patch_steps)",
                "positions = transformer.learned_positions(class_token)",
                "layers.0 = transformer.encoder_layer(positions)", "first_step = core.slice(layers.0)",
                "first_step_vector = core.flatten(first_step)", "norm = core.layer_norm(first_step_vector)",
                "head = core.dense(norm)",
            ])
        #expect(block["image_size"]?.attributes["size"] == [28, 14])
        #expect(block["positions"]?.attributes["count"] == 9)
        #expect(block["patches"]?.attributes["stride"] == [7, 7])
        let mean = try expand(.block(VisionTransformer.self), form.merging(["pool": "mean", "final_norm": false]))
        #expect(lines(mean).last == "mean = core.reduce_mean(layers.0)")
        #expect(mean["positions"]?.attributes["count"] == 8)
    }

    @Test func encoderDecoder() throws {
        let base = try expand(
            .block(EncoderDecoder.self), ["source_vocabulary": 50, "target_vocabulary": 60], inputCount: 3)
        #expect(
            lines(base) == [
                "encoder.embedding = core.embedding(#0)",
                "encoder.positions = transformer.sinusoidal_positions(encoder.embedding)",
                "encoder.dropout = core.dropout(encoder.positions)",
                "encoder = transformer.encoder(encoder.dropout, #2)",
                "decoder.embedding = core.embedding(#1)",
                "decoder.positions = transformer.sinusoidal_positions(decoder.embedding)",
                "decoder.dropout = core.dropout(decoder.positions)",
                "decoder = transformer.decoder(decoder.dropout, encoder, #2)",
                "decoder.output = core.dense(decoder)",
            ])
        #expect(base["decoder.output"]?.share == "decoder.embedding")
        for name in ["encoder", "decoder"] {
            let attributes = try #require(base[name]?.attributes)
            #expect(attributes["units"] == 512 && attributes["heads"] == 8 && attributes["layers"] == 6)
            #expect(attributes["feed_forward"] == 2048 && attributes["dropout"] == 0.1)
        }
        let shared = try expand(
            .block(EncoderDecoder.self),
            ["source_vocabulary": 50, "target_vocabulary": 50, "shared_embedding": true], inputCount: 3)
        #expect(shared["decoder.embedding"]?.share == "encoder.embedding")
        #expect(shared["decoder.output"]?.share == "encoder.embedding")
    }

    @Test func mistakesAreNamed() {
        let attention = Component.block(MultiHeadAttention.self)
        #expect(text(attention, ["units": 10, "heads": 4]).contains("units is 10, wanted a multiple of heads, 4"))
        #expect(text(attention, ["units": 10, "heads": 4, "head_size": 3], 3) == "accepted")
        #expect(
            text(attention, ["units": 12, "heads": 4, "key_heads": 3]).contains("wanted a divisor of heads, 4"))
        #expect(text(attention, ["units": 9, "heads": 3, "rotary": 10]).contains("length 3, wanted an even one"))
        #expect(text(attention, ["units": 8, "heads": 2, "cross": true]).contains("no memory is connected"))
        #expect(text(attention, ["units": 8, "heads": 2], 2).contains("a memory is connected, but cross is false"))
        #expect(
            text(attention, ["units": 8, "heads": 2, "cross": true, "rotary": 10], 2).contains("leave out one"))
        let gpt: JSONObject = ["vocabulary": 5, "units": 4, "heads": 2, "layers": 1]
        #expect(
            text(.block(GPT.self), gpt.merging(["positions": "alibi", "base": 100])).contains(
                "base is given, but positions are alibi"))
        #expect(text(.block(GPT.self), gpt.merging(["positions": "rotary", "base": 100])) == "accepted")
        #expect(text(.block(GPT.self), gpt).contains("set context to the largest number of steps"))
        let bert = gpt.merging(["context": 4])
        #expect(text(.block(BERT.self), bert, 3).contains("set segments to how many there are"))
        #expect(
            text(.block(BERT.self), bert.merging(["classes": 2, "output_bias": true])).contains(
                "output_bias and classes are both given"))
        #expect(
            text(.block(VisionTransformer.self), ["image": 30, "patch": 4, "units": 4, "heads": 2, "layers": 1])
                .contains("image is [30, 30], wanted a multiple of patch, [4, 4]"))
        #expect(
            text(
                .block(EncoderDecoder.self),
                ["source_vocabulary": 5, "target_vocabulary": 6, "shared_embedding": true], 2
            ).contains("source_vocabulary is 5 and target_vocabulary 6"))
    }
}
