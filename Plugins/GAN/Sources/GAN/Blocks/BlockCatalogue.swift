import LaminaSDK

extension GANCatalogue {
    public static var blocks: [Component] {
        [
            .block(MLPGenerator.self), .block(MLPDiscriminator.self),
            .block(DCGANGenerator.self), .block(DCGANDiscriminator.self),
            .block(SpectralConvolution.self), .block(SpectralDense.self),
            .block(UNet.self), .block(PatchDiscriminator.self), .block(ResNetGenerator.self),
        ]
    }
}
