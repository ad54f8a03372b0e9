import LaminaSDK

extension GANCatalogue {
    public static var sources: [Component] { [.source(RingSource.self)] }
}
