import CLamina
import LaminaGraph
import LaminaHost

/// Why data cannot be read or training cannot go on; one line for people.
public struct TrainingError: Error, Sendable, CustomStringConvertible {
    public enum Kind: Sendable {
        /// The recipe asks for something that its data or components cannot give.
        case recipe
        /// A plugin or component is missing.
        case plugin
        /// A file is missing, unreadable or holds something else than expected.
        case data
        /// The loss is no longer a finite number.
        case diverged
        /// A component stopped because the user asked to.
        case interrupted
        case `internal`
    }

    public var kind: Kind
    public var text: String

    public init(_ kind: Kind, _ text: String) {
        self.kind = kind
        self.text = text
    }

    public var description: String { text }

    public init(_ error: HostError) {
        switch error {
        case .missingLibrary, .missingComponent, .incompatiblePlugin: self.init(.plugin, error.description)
        case .badAttribute: self.init(.recipe, error.description)
        case .failed(let status, let text): self.init(Self.kind(of: status), text)
        }
    }

    static func kind(of status: lamina_status) -> Kind {
        switch status {
        case LAMINA_ERROR_ATTRIBUTE, LAMINA_ERROR_SHAPE, LAMINA_ERROR_TYPE, LAMINA_ERROR_UNSUPPORTED: .recipe
        case LAMINA_ERROR_DATA, LAMINA_ERROR_FILE: .data
        case LAMINA_ERROR_CANCELLED: .interrupted
        default: .internal
        }
    }
}

extension TrainingError {
    public init(_ error: GraphError) {
        let kind: Kind =
            switch error.kind {
            case .graph, .unsupported: .recipe
            case .plugin: .plugin
            case .data: .data
            case .cancelled: .interrupted
            case .internal, .memory: .internal
            }
        self.init(kind, error.text)
    }
}
