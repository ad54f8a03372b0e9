import LaminaSDK

extension CNNCatalogue {
    public static var layers: [Component] {
        layers(OneAxis.self) + layers(TwoAxes.self) + layers(ThreeAxes.self) + [
            .layer(Upsample.self), .layer(PixelShuffle.self),
        ]
    }

    private static func layers<Axes: SpatialAxes>(_ axes: Axes.Type) -> [Component] {
        [
            .layer(Convolution<Axes>.self),
            .layer(TransposedConvolution<Axes>.self),
            .layer(MaxPool<Axes>.self),
            .layer(AveragePool<Axes>.self),
            .layer(AdaptiveAveragePool<Axes>.self),
            .layer(AdaptiveMaxPool<Axes>.self),
            .layer(GlobalAveragePool<Axes>.self),
            .layer(GlobalMaxPool<Axes>.self),
        ]
    }
}
