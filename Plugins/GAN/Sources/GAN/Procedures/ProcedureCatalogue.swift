import LaminaSDK

extension GANCatalogue {
    static var procedures: [Component] { [.procedure(Adversarial.self)] }
}
