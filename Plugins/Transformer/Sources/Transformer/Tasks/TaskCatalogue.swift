import LaminaSDK

extension TransformerCatalogue {
    public static var tasks: [Component] {
        [
            .task(Embed.self),
            .task(Generate.self),
            .task(Translate.self),
        ]
    }
}
