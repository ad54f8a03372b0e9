import LaminaSDK

extension GANCatalogue {
    static var tasks: [Component] {
        [.task(Generate.self), .task(Interpolate.self), .task(Evaluate.self), .task(Translate.self)]
    }
}
