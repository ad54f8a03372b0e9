import Foundation
import LaminaFormats
import Testing

/// Encoder-decoders: as PyTorch computes them, and one token after the other. Golden/generate_sequences.py wrote the files.
@Suite("Encoder-decoders", .needs("Core", "RNN"))
struct EncoderDecoderTests {
    @Test(arguments: ["attention", "local", "concatenated", "initial-state"])
    func agreesWithPyTorch(_ name: String) throws {
        let golden = try Golden(name)
        let folder = try Folder()
        try folder.lamina("init", Golden.path(name + ".yaml"), "-o", "m.lamina").succeeded()
        try golden.checkWeights(ArchiveBytes(folder.bytes("m.lamina")).tensors())
        let inputs = try ["source", "previous", "lengths", "target"].map { key in
            (name: key, shape: try golden.file["input/\(key)"].shape, values: try golden.file["input/\(key)"].integers)
        }
        try TensorFile.write([], integers: inputs, to: folder.path("x.safetensors"))
        try folder.lamina(
            "run", "m.lamina", "--input", "x.safetensors", "--output", "y.safetensors", "--gradients", "g.safetensors",
            "--train-mode"
        ).succeeded()
        try golden.checkOutputs(TensorFile(folder.path("y.safetensors")), .training)
        try golden.checkGradients(TensorFile(folder.path("g.safetensors")), .training)
    }

    /// The encoder once, then the decoder token by token from its own states: as `rnn.encoder_decoder` documents it. The
    /// three models have the same weights, as these depend on the seed and on the names alone.
    @Test(arguments: ["lstm", "gru"])
    func stepByStepIsTheSame(cell: String) throws {
        let form = "units: 6, embedding: 5, layers: 2, cell: \(cell)"
        let hasCell = cell == "lstm"
        let folder = try Folder()
        try folder.write(
            """
            lamina: 1
            model:
              input:
                source: { shape: [S], dtype: int64 }
                previous: { shape: [T], dtype: int64 }
                lengths: { shape: [], dtype: int64 }
              layers:
                - rnn.encoder_decoder:
                    { source_vocabulary: 9, target_vocabulary: 8, bidirectional: true, \(form) }
                  name: s
                  from: [source, previous, lengths]
              outputs: { logits: s, weights: "s:1" }
            train: { seed: 5 }
            """, "whole.yaml")
        // States are [layers, N, units], inputs and outputs of a model begin with N.
        func swapped(_ name: String, _ from: String) -> String {
            "    - core.permute: { axes: [1, 0, 2] }\n      name: \(name)\n      from: \"\(from)\"\n"
        }
        try folder.write(
            """
            lamina: 1
            model:
              input: { source: { shape: [S], dtype: int64 }, lengths: { shape: [], dtype: int64 } }
              layers:
                - rnn.encoder: { vocabulary: 9, bidirectional: true, \(form) }
                  name: s.encoder
                  from: [source, lengths]
            \(swapped("h", "s.encoder:1"))\(hasCell ? swapped("c", "s.encoder:2") : "")\
              outputs: { memory: s.encoder, hidden: h\(hasCell ? ", cell: c" : "") }
            train: { seed: 5 }
            """, "encoder.yaml")
        try folder.write(
            """
            lamina: 1
            model:
              input:
                tokens: { shape: [T], dtype: int64 }
                hidden: [2, 6]
            \(hasCell ? "    cell: [2, 6]\n" : "")\
                memory: [S, 12]
                lengths: { shape: [], dtype: int64 }
              layers:
            \(swapped("h", "hidden"))\(hasCell ? swapped("c", "cell") : "")\
                - rnn.decoder: { vocabulary: 8, \(form) }
                  name: s.decoder
                  from: [tokens, h, \(hasCell ? "c" : "null"), memory, lengths]
            \(swapped("next_h", "s.decoder:2"))\(hasCell ? swapped("next_c", "s.decoder:3") : "")\
              outputs:
                { logits: s.decoder, weights: "s.decoder:1", hidden: next_h\(hasCell ? ", cell: next_c" : "") }
            train: { seed: 5 }
            """, "decoder.yaml")
        for name in ["whole", "encoder", "decoder"] {
            try folder.lamina("init", name + ".yaml", "-o", name + ".lamina").succeeded()
        }
        func run(_ model: String) throws -> TensorFile {
            try folder.lamina("run", model + ".lamina", "--input", "x.safetensors", "--output", "y.safetensors")
                .succeeded()
            return try TensorFile(folder.path("y.safetensors"))
        }

        let source: [Int64] = [3, 1, 4, 1, 5, 8, 2, 6, 0, 0]
        let previous: [Int64] = [1, 6, 2, 7, 1, 4, 3, 5]
        let lengths = (name: "lengths", shape: [2], values: [5, 3] as [Int64])
        try TensorFile.write(
            [], integers: [("source", [2, 5], source), ("previous", [2, 4], previous), lengths],
            to: folder.path("x.safetensors"))
        let whole = try run("whole")
        try TensorFile.write([], integers: [("source", [2, 5], source), lengths], to: folder.path("x.safetensors"))
        let encoded = try run("encoder")
        var states = encoded
        for step in 0..<4 {
            let keys = ["hidden"] + (hasCell ? ["cell"] : [])
            let carried = try keys.map { (name: $0, shape: [2, 2, 6], values: try states[$0].floats) }
            try TensorFile.write(
                carried + [(name: "memory", shape: [2, 5, 12], values: try encoded["memory"].floats)],
                integers: [("tokens", [2, 1], [previous[step], previous[4 + step]]), lengths],
                to: folder.path("x.safetensors"))
            states = try run("decoder")
            for (name, size) in [("logits", 8), ("weights", 5)] {
                let (all, one) = (try whole[name].floats, try states[name].floats)
                for sample in 0..<2 {
                    for index in 0..<size {
                        let error = abs(all[(sample * 4 + step) * size + index] - one[sample * size + index])
                        #expect(error < 1e-5, "\(name) of sample \(sample) at step \(step)")
                    }
                }
            }
        }
        // Padding of the source has no weight.
        let weights = try whole["weights"].floats
        for step in 0..<4 { #expect(weights[(4 + step) * 5 + 3..<(4 + step) * 5 + 5].allSatisfy { $0 == 0 }) }
    }
}

/// Causal convolutions: what an output depends on, exactly.
@Suite("Causal convolutions", .needs("Core", "CNN", "RNN"))
struct CausalTests {
    /// Receptive fields as the blocks document them: 1 + 2 (k − 1) (2^levels − 1); 1 + (k − 1) (1 + stacks (2^layers − 1)).
    @Test(arguments: [
        ("rnn.tcn: { filters: [6, 7, 6], kernel: 2 }", 15), ("rnn.tcn: { filters: [6, 6], kernel: 3 }", 13),
        ("rnn.wavenet: { channels: 5, outputs: 4, layers: 3, stacks: 2 }", 16),
        ("rnn.wavenet: { channels: 5, outputs: 4, layers: 2, kernel: 3 }", 9),
    ])
    func looksBackAsFarAsDocumented(_ block: String, _ field: Int) throws {
        let folder = try Folder()
        try folder.write(
            "lamina: 1\nmodel:\n  input: [T, 3]\n  layers:\n    - \(block)\ntrain: { seed: 3 }\n", "m.yaml")
        try folder.lamina("init", "m.yaml", "-o", "m.lamina").succeeded()
        // Several samples, as relu may well stop what the first of a field has to say.
        let (samples, steps, changed) = (16, 40, 12)
        func output(_ x: [Float]) throws -> [[Float]] {
            try TensorFile.write([("input", [samples, steps, 3], x)], to: folder.path("x.safetensors"))
            try folder.lamina("run", "m.lamina", "--input", "x.safetensors", "--output", "y.safetensors").succeeded()
            let y = try TensorFile(folder.path("y.safetensors"))["output"]
            let width = y.shape[2]
            let values = y.floats
            var rows = [[Float]](repeating: [], count: steps)
            for row in 0..<samples * steps { rows[row % steps] += values[row * width..<row * width + width] }
            return rows
        }
        var x = noise(samples * steps * 3, seed: 9)
        let before = try output(x)
        for sample in 0..<samples {
            for feature in 0..<3 { x[(sample * steps + changed) * 3 + feature] += 3 }
        }
        let after = try output(x)
        // Before the change, and once the field has passed it, there is no difference, bit by bit.
        let differs = (0..<steps).filter { before[$0] != after[$0] }
        #expect(differs.first == changed)
        #expect(differs.allSatisfy { $0 >= changed && $0 < changed + field })
        #expect(differs.last == changed + field - 1)
    }
}
