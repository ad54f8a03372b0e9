/// What goes wrong between the host and its plugins; each case carries one line for people.
public enum HostError: Error, Sendable, CustomStringConvertible {
    /// A library that the host itself needs (OpenBLAS).
    case missingLibrary(String)
    /// No installed plugin has the component.
    case missingComponent(String)
    /// A plugin is there but cannot be used: wrong ABI, processor, manifest or symbol.
    case incompatiblePlugin(String)
    /// An attribute is unknown, missing or ill-typed.
    case badAttribute(String)
    /// A call into a plugin failed with a status of lamina/base.h.
    case failed(status: Int32, String)

    public var description: String {
        switch self {
        case .missingLibrary(let text), .missingComponent(let text), .incompatiblePlugin(let text),
            .badAttribute(let text), .failed(_, let text):
            text
        }
    }
}
