import LaminaSDK

extension GANCatalogue {
    public static var layers: [Component] { [.layer(MinibatchDiscrimination.self), .layer(SpectralNorm.self)] }
}
