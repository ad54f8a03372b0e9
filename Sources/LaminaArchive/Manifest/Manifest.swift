import LaminaFormats

/// What an archive says about itself: the model, the plugins that it needs, every entry with its hash, how to feed it.
///
/// `files` is filled by `ArchiveWriter`; everything else is the caller's. The JSON form is strict in both directions:
/// reading refuses unknown, missing and ill-typed keys, and equal manifests give equal bytes.
public struct Manifest: Equatable, Sendable {
    public var model: Model
    /// The plugins whose components the graph uses, with what it uses.
    public var plugins: [Plugin] = []
    /// Every other entry once, in the order of the archive; `manifest.json` itself and `signatures/` apart.
    public var files: [File] = []
    public var signature: Signature = Signature(inputs: [], outputs: [])
    public var preprocess: Preprocess = Preprocess()
    /// Class names by index, for classifiers.
    public var labels: [String]?
    /// Parameters that share the values of another.
    public var tied: [TiedWeight] = []
    /// The archive that holds the rest of a delta; nil: this one holds everything.
    public var base: Base?
    /// How the model was trained: resolved recipe, seed, dataset fingerprint, metrics, versions. Free.
    public var training: JSONObject = [:]
    /// What later minor versions add, and a reader may leave unread. Kept as it is.
    public var extensions: JSONObject = [:]

    public init(model: Model) { self.model = model }

    /// The model's card in a line: what it is called, how large it is, under which terms it may be used.
    public struct Model: Equatable, Sendable {
        public var name: String
        public var version: String
        /// How many parameters it has, tied ones counted once.
        public var parameters: Int
        /// The types of its parameters.
        public var dtypes: [Safetensors.DType]
        /// An SPDX expression, or empty when nothing is said.
        public var licence: String

        public init(name: String, version: String, parameters: Int, dtypes: [Safetensors.DType], licence: String) {
            self.name = name
            self.version = version
            self.parameters = parameters
            self.dtypes = dtypes
            self.licence = licence
        }
    }

    /// A plugin that the graph needs.
    public struct Plugin: Equatable, Sendable {
        public var id: String
        /// The versions that will do.
        public var versions: VersionRange
        /// The lowest ABI that it needs, such as 1.0.
        public var abi: ABIVersion
        public var components: [Component]
        /// Where to get it. Shown to people; never fetched.
        public var source: String?

        public init(
            id: String, versions: VersionRange, abi: ABIVersion, components: [Component], source: String? = nil
        ) {
            self.id = id
            self.versions = versions
            self.abi = abi
            self.components = components
            self.source = source
        }
    }

    /// A layer, loss, transform, … by kind, name and version of its meaning.
    public struct Component: Equatable, Hashable, Sendable {
        public var kind: String
        public var name: String
        public var version: Int

        public init(kind: String, name: String, version: Int) {
            self.kind = kind
            self.name = name
            self.version = version
        }
    }

    /// An entry of the archive.
    public struct File: Equatable, Sendable {
        public var path: String
        /// What it is for; follows from the path (see `EntryName`).
        public var role: String
        public var size: Int
        /// 64 lower-case hexadecimal digits.
        public var sha256: String
    }

    /// The tensors that go in and come out.
    public struct Signature: Equatable, Sendable {
        public var inputs: [Tensor]
        public var outputs: [Tensor]

        public init(inputs: [Tensor], outputs: [Tensor]) {
            self.inputs = inputs
            self.outputs = outputs
        }
    }

    public struct Tensor: Equatable, Sendable {
        public var name: String
        public var dtype: Safetensors.DType
        public var shape: [Dimension]
        /// For people: "image, channels first", "class logits". Empty when nothing is said.
        public var meaning: String

        public init(name: String, dtype: Safetensors.DType, shape: [Dimension], meaning: String = "") {
            self.name = name
            self.dtype = dtype
            self.shape = shape
            self.meaning = meaning
        }
    }

    /// A dimension that is fixed, or free under a name: equal names are equal sizes.
    public enum Dimension: Equatable, Sendable {
        case fixed(Int)
        case symbol(String)
    }

    /// How raw input becomes the input tensor: hints for decoding, then components in order.
    public struct Preprocess: Equatable, Sendable {
        /// What a decoder should do before the first step, such as `{"channels": 1, "layout": "CHW"}`. Free.
        public var decode: JSONObject
        public var steps: [Step]

        public init(decode: JSONObject = [:], steps: [Step] = []) {
            self.decode = decode
            self.steps = steps
        }
    }

    /// One step of preprocessing: a component with its attributes.
    public struct Step: Equatable, Sendable {
        public var component: String
        public var attributes: JSONObject

        public init(component: String, attributes: JSONObject = [:]) {
            self.component = component
            self.attributes = attributes
        }
    }

    /// The archive from which a delta differs.
    public struct Base: Equatable, Sendable {
        /// Where it was, relative to the folder of the delta.
        public var file: String
        /// What its model is called.
        public var name: String
        /// Its `Manifest.identity`.
        public var sha256: String

        public init(file: String, name: String, sha256: String) {
            self.file = file
            self.name = name
            self.sha256 = sha256
        }
    }

    /// A parameter (`tensor`) that has no bytes of its own but those of another (`source`).
    public struct TiedWeight: Equatable, Sendable {
        public var tensor: String
        public var source: String

        public init(tensor: String, source: String) {
            self.tensor = tensor
            self.source = source
        }
    }
}
