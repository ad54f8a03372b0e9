#if canImport(Core) && canImport(Data) && canImport(CNN) && canImport(GAN)

    import Testing

    /// The GAN family's blocks against PyTorch. Golden/generate_blocks.py in the plugin's tests wrote the files.
    @Suite struct GANBlockTests {
        @Test(arguments: [
            ("mlp_generator", 2), ("mlp_discriminator", 2), ("dcgan_generator", 2), ("dcgan_discriminator", 2),
            ("spectral_dense", 1), ("spectral_conv2d", 1), ("unet", 1), ("patch_discriminator", 2),
            ("resnet_generator", 1),
        ])
        func agreesWithPyTorch(_ block: String, _ inputs: Int) throws {
            try BlockComparison.compare("GAN", block, inputs: inputs)
        }
    }

#endif
