import LaminaSDK

extension GANCatalogue {
    static var procedures: [Component] {
        [.procedure(Adversarial.self), .procedure(Pix2Pix.self), .procedure(CycleGAN.self)]
    }
}
