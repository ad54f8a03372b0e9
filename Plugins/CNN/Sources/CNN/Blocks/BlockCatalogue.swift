import LaminaSDK

extension CNNCatalogue {
    public static var blocks: [Component] {
        [.block(LeNet.self), .block(VGG.self), .block(Residual.self), .block(ResNetStage.self), .block(ResNet.self)]
    }
}
