import LaminaFormats
import LaminaGraph
import LaminaSDK

/// What to train on what: a checked recipe, every attribute bound to its component's schema, every default filled in.
///
/// `load` and `parse` make it from YAML, `graph` makes the network of it, `text` writes it so that it reads back equal.
/// The format is described in `SDK/Documentation/Recipes.md`.
public struct Recipe: Sendable, Equatable {
    /// The version of the format that this program reads and writes.
    public static let version = 1

    public var name: String?
    public var documentation: String?
    /// The archive that the model begins with; nil: random values.
    public var base: Base?
    public var data: Datasets?
    /// With a procedure: what it defines, empty until then.
    public var model: Model
    /// A training regime of its own, which also says what the model is.
    public var procedure: Component?
    /// What a procedure trains against or beside each other; `optimizer` is that of those without one.
    public var networks: [Network] = []
    public var loss: Loss?
    public var optimizer: Optimizer?
    public var metrics: [Component]
    public var training: Training
    /// The path that the recipe was read from, as it was given; for messages.
    public var file: Origin

    /// A model that a procedure defines and trains.
    public init(
        name: String? = nil, documentation: String? = nil, procedure: Component, training: Training = Training(),
        file: String = "recipe"
    ) {
        self.init(
            name: name, documentation: documentation, model: Model(inputs: [], layers: []), training: training,
            file: file)
        self.procedure = procedure
    }

    public init(
        name: String? = nil, documentation: String? = nil, data: Datasets? = nil, model: Model, loss: Loss? = nil,
        optimizer: Optimizer? = nil, metrics: [Component] = [], training: Training = Training(), file: String = "recipe"
    ) {
        self.name = name
        self.documentation = documentation
        self.data = data
        self.model = model
        self.loss = loss
        self.optimizer = optimizer
        self.metrics = metrics
        self.training = training
        self.file = Origin(path: file)
    }

    /// A file's path; like `Place`, it is no part of what a recipe says.
    public struct Origin: Sendable, Equatable {
        public var path: String
        public static func == (left: Origin, right: Origin) -> Bool { true }
    }

    /// A component with all of its attributes.
    public struct Component: Sendable, Equatable {
        /// LAMINA_KIND_…
        public var kind: String
        /// "<plugin>.<name>"
        public var id: String
        /// Every attribute that is present, defaults too, in the schema's order.
        public var attributes: JSONObject
        /// Names of the attributes that are paths of files or folders.
        public var pathAttributes: [String]
        public var place: Place

        public init(
            kind: String, _ id: String, _ attributes: JSONObject = [:], pathAttributes: [String] = [],
            place: Place = Place(line: 1, column: 1)
        ) {
            self.kind = kind
            self.id = id
            self.attributes = attributes
            self.pathAttributes = pathAttributes
            self.place = place
        }
    }

    /// Where samples come from and what is done to them before the model sees them.
    public struct Datasets: Sendable, Equatable {
        public var train: Component
        public var test: Component?
        public var validation: Component?
        /// The field for each of the model's inputs, in their order; empty: the source's first.
        public var inputs: [String]
        /// The field that the loss compares with; nil: the source's "label" or "target".
        public var target: String?
        public var transforms: [Transform]
        /// Names of the classes; empty: those that the source knows.
        public var classes: [String]
        /// Texts that become tensors of numbers: inputs of the model, or the target.
        public var texts: [TextEntry]

        public init(
            train: Component, test: Component? = nil, validation: Component? = nil, inputs: [String] = [],
            target: String? = nil, transforms: [Transform] = [], classes: [String] = [], texts: [TextEntry] = []
        ) {
            self.train = train
            self.test = test
            self.validation = validation
            self.inputs = inputs
            self.target = target
            self.transforms = transforms
            self.classes = classes
            self.texts = texts
        }
    }

    public struct Transform: Sendable, Equatable {
        public var component: Component
        /// The field that it changes; nil: the model's (first) input.
        public var field: String?
        /// The name of a new field that gets the result, while the old one stays as it is; nil: it is changed itself.
        public var result: String?

        public init(_ component: Component, field: String? = nil, as result: String? = nil) {
            self.component = component
            self.field = field
            self.result = result
        }
    }

    /// One of several networks that a procedure trains.
    public struct Network: Sendable, Equatable {
        public var name: String
        public var model: Model
        /// nil: the recipe's.
        public var optimizer: Optimizer?
        public var place: Place

        public init(
            _ name: String, _ model: Model, optimizer: Optimizer? = nil, place: Place = Place(line: 1, column: 1)
        ) {
            self.name = name
            self.model = model
            self.optimizer = optimizer
            self.place = place
        }
    }

    public struct Model: Sendable, Equatable {
        /// With the batch dimension N; empty where there are no layers.
        public var inputs: [GraphDefinition.Input]
        /// Empty: the network is that of the recipe's base.
        public var layers: [Layer]
        /// Empty: the last layer's, as "output".
        public var outputs: [Output]
        public var carries: [Carry] = []
        public var adaptation = Adaptation()

        public init(inputs: [GraphDefinition.Input], layers: [Layer], outputs: [Output] = []) {
            self.inputs = inputs
            self.layers = layers
            self.outputs = outputs
        }
    }

    /// The name of the batch dimension.
    public static let batchDimension = "N"
    /// The name of the model's input when the recipe gives none.
    public static let inputName = "input"
    /// The name of the model's output when the recipe lists none.
    public static let outputName = "output"

    /// A reference to something that stands above: an input, a layer, or one of a layer's outputs.
    public struct Link: Sendable, Equatable {
        public var reference: GraphDefinition.Reference
        public var place: Place

        public init(_ reference: GraphDefinition.Reference, place: Place = Place(line: 1, column: 1)) {
            self.reference = reference
            self.place = place
        }
    }

    /// An input that takes what a layer gave for the batch before, zero at first.
    public struct Carry: Sendable, Equatable {
        public var name: String
        /// With the batch dimension N somewhere in it.
        public var shape: [GraphDefinition.Size]
        public var link: Link

        public init(_ name: String, _ shape: [GraphDefinition.Size], from link: Link) {
            self.name = name
            self.shape = shape
            self.link = link
        }

        /// The output that is handed on.
        public var output: String { "next_" + name }
    }

    public struct Output: Sendable, Equatable {
        public var name: String
        public var link: Link

        public init(_ name: String, _ link: Link) {
            self.name = name
            self.link = link
        }
    }

    /// One entry of `layers`: a layer or a block, once or repeated.
    public struct Layer: Sendable, Equatable {
        public var component: Component
        /// nil: made of the component's name; "" (blocks only): the block's nodes get no prefix.
        public var name: String?
        /// nil: the entry before; a nil element: an optional input that is not connected.
        public var inputs: [Link?]?
        public var repetitions: Int
        /// By parameter name.
        public var initializers: [String: Component]
        /// The node whose parameters it uses too.
        public var share: Link?
        public var isFrozen: Bool

        public init(
            _ component: Component, name: String? = nil, inputs: [Link?]? = nil, repetitions: Int = 1,
            initializers: [String: Component] = [:], share: Link? = nil, isFrozen: Bool = false
        ) {
            self.component = component
            self.name = name
            self.inputs = inputs
            self.repetitions = repetitions
            self.initializers = initializers
            self.share = share
            self.isFrozen = isFrozen
        }
    }

    public struct Loss: Sendable, Equatable {
        public var component: Component
        /// What is compared with the target; empty: the model's only output.
        public var inputs: [Link]

        public init(_ component: Component, inputs: [Link] = []) {
            self.component = component
            self.inputs = inputs
        }
    }
}
