import LaminaFormats
import LaminaSDK
import LaminaTesting
import Testing

@testable import RNN

/// What the blocks expand to; Tests/EndToEndTests compares whole networks with PyTorch and decodes step by step.
@Suite struct EncoderDecoderTests {
    private func lines(_ block: ExpandedBlock) -> [String] {
        block.nodes.map { "\($0.name) = \($0.component)(\($0.inputs.joined(separator: ", ")))" }
    }

    private let form: JSONObject = ["vocabulary": 50, "units": 8]
    private func with(_ attributes: JSONObject, _ more: JSONObject) -> JSONObject {
        attributes.merging(more)
    }

    @Test func bidirectionalEncoder() throws {
        let block = try expand(
            .block(Encoder.self), with(form, ["bidirectional": true, "layers": 2, "dropout": 0.2, "padding": 0]),
            inputCount: 2)
        #expect(
            lines(block) == [
                "embedding = core.embedding(#0)", "embedding_dropout = core.dropout(embedding)",
                "rnn = rnn.lstm(embedding_dropout, #1)", "forward_hidden = core.slice(rnn:1)",
                "backward_hidden = core.slice(rnn:1)", "joined_hidden = core.concat(forward_hidden, backward_hidden)",
                "bridge_hidden = core.dense(joined_hidden)", "tanh = core.tanh(bridge_hidden)",
                "forward_cell = core.slice(rnn:2)", "backward_cell = core.slice(rnn:2)",
                "joined_cell = core.concat(forward_cell, backward_cell)", "bridge_cell = core.dense(joined_cell)",
            ])
        #expect(block.outputs == ["rnn", "tanh", "bridge_cell"])
        #expect(block["embedding"]?.attributes == ["count": 50, "dimension": 8, "padding_index": 0])
        #expect(block["rnn"]?.attributes["dropout"] == 0.2 && block["rnn"]?.attributes["returns"] == nil)
    }

    @Test func plainEncoders() throws {
        for (cell, outputs) in [
            ("lstm", ["rnn", "rnn:1", "rnn:2"]), ("gru", ["rnn", "rnn:1"]), ("elman", ["rnn", "rnn:1"]),
        ] {
            let block = try expand(
                .block(Encoder.self), with(form, ["cell": .string(cell), "context": "concatenated", "embedding": 3]),
                inputCount: 2)
            #expect(lines(block) == ["embedding = core.embedding(#0)", "rnn = rnn.\(cell)(embedding, #1)"])
            #expect(block.outputs == outputs)
            #expect(block["rnn"]?.attributes["returns"] == "last")
            #expect(block["embedding"]?.attributes["dimension"] == 3)
        }
        let bridged = try expand(.block(Encoder.self), with(form, ["cell": "gru", "bridge": true]), inputCount: 2)
        #expect(bridged.outputs == ["rnn", "tanh"])
        #expect(bridged["bridge_hidden"]?.inputs == ["rnn:1"])
    }

    @Test func decoderWithAttention() throws {
        let block = try expand(
            .block(Decoder.self),
            with(form, ["score": "concat", "scope": "local", "window": 4, "attention_units": 6, "dropout": 0.1]),
            inputCount: 6)
        #expect(
            lines(block) == [
                "embedding = core.embedding(#0)", "embedding_dropout = core.dropout(embedding)",
                "rnn = rnn.lstm(embedding_dropout, #5, #1, #2)", "attention = rnn.attention(rnn, #3, #4)",
                "output_dropout = core.dropout(attention)", "output = core.dense(output_dropout)",
            ])
        #expect(block.outputs == ["output", "attention:1", "rnn:1", "rnn:2"])
        #expect(
            block["attention"]?.attributes
                == ["score": "concat", "scope": "local", "window": 4, "bias": false, "units": 6])
        #expect(block["output"]?.attributes == ["units": 50])
        // One layer has nothing between its layers to drop.
        #expect(block["rnn"]?.attributes["dropout"] == nil)
    }

    @Test func decodersWithoutAttention() throws {
        let joined = try expand(
            .block(Decoder.self), with(form, ["context": "concatenated", "cell": "gru"]), inputCount: 6)
        #expect(
            lines(joined) == [
                "embedding = core.embedding(#0)", "repeated = rnn.repeat_over_time(#3, #0)",
                "joined = core.concat(embedding, repeated)", "rnn = rnn.gru(joined, #5, #1)",
                "output = core.dense(rnn)",
            ])
        #expect(joined.outputs == ["output", "rnn:1"])
        let plain = try expand(.block(Decoder.self), with(form, ["context": "initial_state"]), inputCount: 6)
        #expect(
            lines(plain) == [
                "embedding = core.embedding(#0)", "rnn = rnn.lstm(embedding, #5, #1, #2)", "output = core.dense(rnn)",
            ])
    }

    private let both: JSONObject = ["source_vocabulary": 50, "target_vocabulary": 60, "units": 8]

    @Test(arguments: [
        ("lstm", "attention", "encoder:1, encoder:2, encoder, #2, #3", ["decoder", "decoder:1"]),
        ("gru", "attention", "encoder:1, , encoder, #2, #3", ["decoder", "decoder:1"]),
        ("lstm", "concatenated", "encoder:1, encoder:2, encoder, , #3", ["decoder"]),
        ("elman", "initial_state", "encoder:1, , , , #3", ["decoder"]),
    ])
    func encoderDecoder(cell: String, context: String, connections: String, outputs: [String]) throws {
        let block = try expand(
            .block(EncoderDecoder.self), with(both, ["cell": .string(cell), "context": .string(context)]),
            inputCount: 4)
        #expect(
            lines(block) == [
                "encoder = rnn.encoder(#0, #2)", "decoder = rnn.decoder(#1, \(connections))",
            ])
        #expect(block.outputs == outputs)
    }

    /// Everything that is set arrives in the part that it is about, whose own schema accepts it.
    @Test func attributesArrive() throws {
        let block = try expand(
            .block(EncoderDecoder.self),
            with(
                both,
                [
                    "source_padding": 1, "target_padding": 2, "layers": 3, "embedding": 5, "dropout": 0.3,
                    "bidirectional": true, "score": "concat", "scope": "local", "window": 7, "attention_units": 9,
                    "attention_bias": true,
                ]), inputCount: 4)
        let (encoder, decoder) = (try #require(block["encoder"]), try #require(block["decoder"]))
        for (name, value) in [("vocabulary", 50), ("padding", 1), ("layers", 3), ("embedding", 5)] as [(String, JSON)] {
            #expect(encoder.attributes[name] == value, "\(name)")
        }
        #expect(encoder.attributes["bidirectional"] == true && encoder.attributes["dropout"] == 0.3)
        for (name, value) in [
            ("vocabulary", 60), ("padding", 2), ("layers", 3), ("embedding", 5), ("score", "concat"),
            ("scope", "local"), ("window", 7), ("attention_units", 9), ("attention_bias", true),
        ] as [(String, JSON)] {
            #expect(decoder.attributes[name] == value, "\(name)")
        }
        _ = try expand(.block(Encoder.self), encoder.attributes, inputCount: 2)
        _ = try expand(.block(Decoder.self), decoder.attributes, inputCount: 6)
    }

    @Test func mistakesAreNamed() {
        func text(_ component: Component, _ attributes: JSONObject, _ inputs: Int) -> String {
            do {
                _ = try expand(component, attributes, inputCount: inputs)
                return "accepted"
            } catch { return "\(error)" }
        }
        #expect(
            text(.block(EncoderDecoder.self), with(both, ["score": "dot", "bidirectional": true]), 4)
                .contains("use general or concat"))
        #expect(
            text(
                .block(EncoderDecoder.self),
                with(both, ["score": "dot", "bidirectional": true, "context": "initial_state"]), 4) == "accepted")
        #expect(
            text(.block(EncoderDecoder.self), with(both, ["target_padding": 60]), 4)
                .contains("target_padding is 60, wanted 0 to 59, as target_vocabulary is 60"))
        #expect(
            text(.block(Encoder.self), with(form, ["padding": 50]), 2)
                .contains("padding is 50, wanted 0 to 49, as vocabulary is 50"))
    }
}
