/// Why the attributes of a component were refused: which one, what kind of fault, and one line for people.
///
/// The text names the attribute but no place; whoever has read a recipe puts file, line and column before it, found by
/// `attribute` and `element`.
public struct AttributeError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The class of the fault.
    public enum Reason: Sendable {
        /// The component has no attribute of this name.
        case unknown
        /// A required attribute is not there.
        case missing
        /// A value of a type that the attribute does not accept.
        case wrongType
        /// A number out of bounds.
        case range
        /// A text that is none of the choices.
        case choice
        /// A list that is too short or too long.
        case count
        /// The component's own schema is wrong: a bug of the plugin.
        case schema
    }

    /// The attribute's name, as it was given.
    public let attribute: String
    /// The position in a list, when one element is at fault.
    public let element: Int?
    public let reason: Reason
    /// What is wrong, wanted and got, with the name.
    public let text: String

    public init(_ reason: Reason, _ attribute: String, element: Int? = nil, _ text: String) {
        self.reason = reason
        self.attribute = attribute
        self.element = element
        self.text = text
    }

    public var description: String { text }
}
