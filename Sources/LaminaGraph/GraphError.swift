import CLamina

/// Why a graph cannot be built, planned or run; one line that names the node, what it got and what it wants.
public struct GraphError: Error, Sendable, CustomStringConvertible {
    public enum Kind: Sendable {
        /// The graph contradicts itself: unknown reference, cycle, shapes that do not fit, a bad attribute.
        case graph
        /// A layer does not offer what the plan asks of it, such as sequences step by step.
        case unsupported
        /// A plugin or component is missing or of another version.
        case plugin
        /// What was fed in has the wrong type, shape or content.
        case data
        /// A bug of the host or a plugin.
        case `internal`
        /// There is not enough memory.
        case memory
        /// A layer gave up because the user asked to stop.
        case cancelled
    }

    public var kind: Kind
    /// The node at fault, if one is.
    public var node: String?
    public var text: String

    public init(_ kind: Kind, node: String? = nil, _ text: String) {
        self.kind = kind
        self.node = node
        self.text = text
    }

    public var description: String { text }

    /// The kind that a status of a plugin call stands for.
    static func kind(of status: lamina_status) -> Kind {
        switch status {
        case LAMINA_ERROR_ATTRIBUTE, LAMINA_ERROR_SHAPE, LAMINA_ERROR_TYPE, LAMINA_ERROR_UNSUPPORTED: .graph
        case LAMINA_ERROR_DATA, LAMINA_ERROR_FILE: .data
        case LAMINA_ERROR_MEMORY: .memory
        case LAMINA_ERROR_CANCELLED: .cancelled
        default: .internal
        }
    }
}
