import LaminaSDK

extension RNNCatalogue {
    public static var layers: [Component] { [] }
}
