#if canImport(Core) && canImport(Data) && canImport(CNN) && canImport(Transformer)

    import Testing

    /// The Transformer's blocks against PyTorch. Golden/generate_blocks.py in the plugin's tests wrote the files.
    @Suite struct TransformerBlockTests {
        @Test(arguments: [
            ("multi_head_attention", 3), ("encoder_layer", 2), ("decoder_layer", 3), ("gpt", 1), ("bert", 3),
            ("vit", 1),
            ("encoder_decoder", 3),
        ])
        func agreesWithPyTorch(_ block: String, _ inputs: Int) throws {
            try BlockComparison.compare("Transformer", block, inputs: inputs)
        }
    }

#endif
