import LaminaFormats

extension Manifest: JSONReadable {
    /// The longest manifest, in bytes.
    public static let byteLimit = 4 << 20

    public init(json: JSON, at path: String) throws(JSONError) {
        var fields = try JSONFields(json, at: path)
        model = try fields.read("model")
        plugins = try fields.read("plugins")
        signature = try fields.read("signature")
        preprocess = try fields.read("preprocess")
        labels = try fields.readIfPresent("labels")
        tied = try fields.read("tied")
        base = try fields.readIfPresent("base")
        training = try fields.read("training")
        extensions = try fields.readIfPresent("extensions") ?? [:]
        files = try fields.read("files")
        try fields.finish()
        for (index, label) in (labels ?? []).enumerated() {
            try requirePlainText(label, at: "\(fields.path(of: "labels"))[\(index)]")
        }
        try requireUnique(plugins.map(\.id), at: fields.path(of: "plugins"))
        try requireUnique(files.map(\.path), at: fields.path(of: "files"))
        try requireUnique(tied.map(\.tensor), at: fields.path(of: "tied"))
        let alone = Set(tied.map(\.tensor))
        if let chained = tied.first(where: { alone.contains($0.source) }) {
            throw JSONError(
                .wrongValue, "\(printable(chained.tensor.utf8)) is tied to a parameter that is tied itself",
                path: fields.path(of: "tied"))
        }
    }
}

extension Manifest.Model: JSONReadable {
    public init(json: JSON, at path: String) throws(JSONError) {
        var fields = try JSONFields(json, at: path)
        name = try fields.readText("name")
        version = try fields.readText("version")
        parameters = try fields.readCount("parameters")
        dtypes = try fields.read("dtypes")
        licence = try fields.readText("licence")
        try fields.finish()
    }
}

extension Manifest.Plugin: JSONReadable {
    public init(json: JSON, at path: String) throws(JSONError) {
        var fields = try JSONFields(json, at: path)
        id = try fields.readText("id")
        versions = try fields.read("versions")
        abi = try fields.read("abi")
        components = try fields.read("components")
        source = try fields.readIfPresent("source")
        if let source { try requirePlainText(source, at: fields.path(of: "source")) }
        try fields.finish()
    }
}

extension Manifest.Component: JSONReadable {
    public init(json: JSON, at path: String) throws(JSONError) {
        var fields = try JSONFields(json, at: path)
        kind = try fields.readText("kind")
        name = try fields.readText("name")
        version = try fields.readCount("version")
        try fields.finish()
    }
}

extension Manifest.File: JSONReadable {
    public init(json: JSON, at path: String) throws(JSONError) {
        var fields = try JSONFields(json, at: path)
        self.path = try fields.read("path")
        role = try fields.read("role")
        size = try fields.readCount("size")
        sha256 = try fields.read("sha256")
        try fields.finish()
        if let fault = EntryName.fault(Array(self.path.utf8)) {
            throw JSONError(.wrongValue, fault, path: fields.path(of: "path"))
        }
        guard let wanted = EntryName.role(self.path) else {
            throw JSONError(.wrongValue, "'\(self.path)' is not to be listed", path: fields.path(of: "path"))
        }
        guard role == wanted else {
            throw JSONError(.wrongValue, "wanted \"\(wanted)\" for '\(self.path)'", path: fields.path(of: "role"))
        }
        try requireDigest(sha256, at: fields.path(of: "sha256"))
    }
}

extension Manifest.Base: JSONReadable {
    public init(json: JSON, at path: String) throws(JSONError) {
        var fields = try JSONFields(json, at: path)
        file = try fields.readText("file")
        name = try fields.readText("name")
        sha256 = try fields.read("sha256")
        try fields.finish()
        guard !file.isEmpty, !file.hasPrefix("/") else {
            throw JSONError(
                .wrongValue, "wanted a path relative to the archive's folder", path: fields.path(of: "file"))
        }
        try requireDigest(sha256, at: fields.path(of: "sha256"))
    }
}

private func requireDigest(_ text: String, at path: String) throws(JSONError) {
    let isDigest =
        text.utf8.count == 64 && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    guard isDigest else { throw JSONError(.wrongValue, "wanted 64 lower-case hexadecimal digits", path: path) }
}

extension Manifest.Signature: JSONReadable {
    public init(json: JSON, at path: String) throws(JSONError) {
        var fields = try JSONFields(json, at: path)
        inputs = try fields.read("inputs")
        outputs = try fields.read("outputs")
        try fields.finish()
        try requireUnique(inputs.map(\.name), at: fields.path(of: "inputs"))
        try requireUnique(outputs.map(\.name), at: fields.path(of: "outputs"))
    }
}

extension Manifest.Tensor: JSONReadable {
    public init(json: JSON, at path: String) throws(JSONError) {
        var fields = try JSONFields(json, at: path)
        name = try fields.readText("name")
        dtype = try fields.read("dtype")
        shape = try fields.read("shape")
        meaning = try fields.readText("meaning")
        try fields.finish()
        if shape.count > Safetensors.rankLimit {
            throw JSONError(
                .wrongValue, "more than \(Safetensors.rankLimit) dimensions", path: fields.path(of: "shape"))
        }
    }
}

extension Manifest.Dimension: JSONReadable {
    public init(json: JSON, at path: String) throws(JSONError) {
        switch json {
        case .integer(let size) where size >= 0: self = .fixed(Int(size))
        case .integer(let size): throw JSONError(.wrongValue, "wanted a size of 0 or more, got \(size)", path: path)
        case .string(let name):
            guard let first = name.utf8.first, first | 0x20 >= UInt8(ascii: "a"), first | 0x20 <= UInt8(ascii: "z"),
                name.utf8.count <= 32,
                name.utf8.allSatisfy({
                    $0 == UInt8(ascii: "_") || (0x30...0x39).contains($0) || (0x61...0x7A).contains($0 | 0x20)
                })
            else {
                throw JSONError(
                    .wrongValue, "a free dimension is named by up to 32 letters, digits and '_'", path: path)
            }
            self = .symbol(name)
        default: throw .wrongType(json, wanted: "an integer or a name", at: path)
        }
    }
}

extension Manifest.Preprocess: JSONReadable {
    public init(json: JSON, at path: String) throws(JSONError) {
        var fields = try JSONFields(json, at: path)
        decode = try fields.read("decode")
        steps = try fields.read("steps")
        try fields.finish()
    }
}

extension Manifest.Step: JSONReadable {
    public init(json: JSON, at path: String) throws(JSONError) {
        var fields = try JSONFields(json, at: path)
        component = try fields.readText("component")
        attributes = try fields.read("attributes")
        try fields.finish()
    }
}

extension Manifest.TiedWeight: JSONReadable {
    public init(json: JSON, at path: String) throws(JSONError) {
        var fields = try JSONFields(json, at: path)
        tensor = try fields.read("tensor")
        source = try fields.read("source")
        try fields.finish()
    }
}
