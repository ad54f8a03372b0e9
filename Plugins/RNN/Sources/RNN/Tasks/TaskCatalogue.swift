import LaminaSDK

extension RNNCatalogue {
    public static var tasks: [Component] {
        [
            .task(Generate.self),
            .task(Translate.self),
        ]
    }
}
