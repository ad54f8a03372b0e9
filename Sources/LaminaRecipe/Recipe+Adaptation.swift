import LaminaGraph

// What a recipe says of a model that does not begin with random values.

extension Recipe {
    /// The archive that a model begins with: its values, and what the recipe leaves out.
    public struct Base: Sendable, Equatable {
        public var path: String
        public var place: Place

        public init(_ path: String, place: Place = Place(line: 1, column: 1)) {
            self.path = path
            self.place = place
        }
    }

    /// A pattern of names, with the place where it was written.
    public struct Pattern: Sendable, Equatable {
        public var text: String
        public var place: Place

        public init(_ text: String, place: Place = Place(line: 1, column: 1)) {
            self.text = text
            self.place = place
        }

        public func matches(_ name: String) -> Bool { Wildcard.matches(text, name) }
    }
}

extension Recipe.Model {
    /// Changes of a network whose layers are given: some in the place of nodes, some behind nodes, some not trained.
    public struct Adaptation: Sendable, Equatable {
        public var replacements: [Replacement] = []
        public var insertions: [Insertion] = []
        /// Parameters that are not trained; nil: with insertions those whose values are the base's, otherwise none.
        public var frozen: [Recipe.Pattern]?

        public init() {}

        public var isEmpty: Bool { self == Adaptation() }
    }

    /// A layer that takes the place of a node, with the node's inputs.
    public struct Replacement: Sendable, Equatable {
        /// The node's name.
        public var node: String
        public var component: Recipe.Component
        /// By parameter name.
        public var initializers: [String: Recipe.Component]
        public var place: Place

        public init(
            of node: String, by component: Recipe.Component, initializers: [String: Recipe.Component] = [:],
            place: Place = Place(line: 1, column: 1)
        ) {
            self.node = node
            self.component = component
            self.initializers = initializers
            self.place = place
        }
    }

    /// A layer that is put behind every node of certain names, one for each.
    public struct Insertion: Sendable, Equatable {
        public var component: Recipe.Component
        /// Of the nodes' names.
        public var patterns: [Recipe.Pattern]
        /// By parameter name.
        public var initializers: [String: Recipe.Component]

        public init(
            _ component: Recipe.Component, behind patterns: [Recipe.Pattern],
            initializers: [String: Recipe.Component] = [:]
        ) {
            self.component = component
            self.patterns = patterns
            self.initializers = initializers
        }
    }
}
