import CLamina
import LaminaFormats

/// The content of a bundle's `plugin.json`: who the plugin is, what it offers, which libraries carry it.
public struct PluginManifest: Sendable {
    /// One library of the bundle.
    public struct Library: Sendable, Equatable {
        /// Instruction-set level: x86-64-v2, x86-64-v3, x86-64-v4 or aarch64.
        public var target: String
        /// Path within the bundle.
        public var file: String
        public var size: Int
        /// Lower-case hexadecimal.
        public var sha256: String

        public init(target: String, file: String, size: Int, sha256: String) {
            self.target = target
            self.file = file
            self.size = size
            self.sha256 = sha256
        }
    }

    public var id: String
    public var name: String
    public var version: String
    public var abiMajor: Int
    public var abiMinor: Int
    public var license: String
    public var documentation: String
    public var components: [ComponentDescription]
    public var libraries: [Library]

    public init(
        id: String, name: String, version: String, abiMajor: Int, abiMinor: Int, license: String, documentation: String,
        components: [ComponentDescription], libraries: [Library]
    ) {
        self.id = id
        self.name = name
        self.version = version
        self.abiMajor = abiMajor
        self.abiMinor = abiMinor
        self.license = license
        self.documentation = documentation
        self.components = components
        self.libraries = libraries
    }
}

extension PluginManifest {
    public static let fileName = "plugin.json"
    private static let format = "lamina-plugin"

    public var json: JSON {
        .object(
            JSONObject([
                ("format", .string(Self.format)), ("major", 1), ("id", .string(id)), ("name", .string(name)),
                ("version", .string(version)),
                ("abi", ["major": .integer(Int64(abiMajor)), "minor": .integer(Int64(abiMinor))]),
                ("license", .string(license)), ("documentation", .string(documentation)),
                ("components", .array(components.map(\.json))),
                (
                    "libraries",
                    .array(
                        libraries.map {
                            [
                                "target": .string($0.target), "file": .string($0.file),
                                "size": .integer(Int64($0.size)),
                                "sha256": .string($0.sha256),
                            ]
                        })
                ),
            ]))
    }

    public init(json: JSON) throws(JSONError) {
        var fields = try JSONFields(json, at: "")
        let format: String = try fields.read("format")
        let major: Int = try fields.read("major")
        guard format == Self.format, major == 1 else {
            throw JSONError(
                .wrongValue, "this is format '\(format)' version \(major), wanted '\(Self.format)' version 1",
                path: "format")
        }
        id = try fields.read("id")
        guard id.isComponentName else {
            throw JSONError(.wrongValue, "'\(id)' is no plugin id, wanted [a-z][a-z0-9_]*", path: "id")
        }
        name = try fields.read("name")
        version = try fields.read("version")
        var abi = try JSONFields(fields.read("abi"), at: "abi")
        abiMajor = try abi.read("major")
        abiMinor = try abi.read("minor")
        try abi.finish()
        license = try fields.read("license")
        documentation = try fields.read("documentation")
        var components: [ComponentDescription] = []
        for (index, component) in try fields.read("components", as: [JSON].self).enumerated() {
            let description = try ComponentDescription(json: component, plugin: id, at: "components[\(index)]")
            guard !components.contains(where: { $0.kind == description.kind && $0.id == description.id }) else {
                throw JSONError(
                    .wrongValue, "\(description.kind) '\(description.id)' is listed twice", path: "components[\(index)]"
                )
            }
            components.append(description)
        }
        self.components = components
        libraries = []
        for (index, library) in try fields.read("libraries", as: [JSON].self).enumerated() {
            libraries.append(try Library(json: library, at: "libraries[\(index)]"))
        }
        try fields.finish()
    }

    /// The best library for this processor, or nil when it can run none of them.
    public var bestLibrary: Library? {
        for level in Processor.levels {
            if let library = libraries.first(where: { $0.target == level }) { return library }
        }
        return nil
    }

    /// Why the plugin cannot run here, as far as the manifest tells; nil when it can.
    public var obstacle: String? {
        if abiMajor != LAMINA_ABI_MAJOR {
            return "it was built for ABI \(abiMajor).\(abiMinor), this host has \(LAMINA_ABI_MAJOR).\(LAMINA_ABI_MINOR)"
        }
        if bestLibrary == nil {
            let has = libraries.map(\.target).joined(separator: ", ")
            return "it has libraries for \(has.isEmpty ? "nothing" : has), this machine runs "
                + Processor.levels.joined(separator: ", ")
        }
        return nil
    }
}

extension PluginManifest.Library {
    fileprivate init(json: JSON, at path: String) throws(JSONError) {
        var fields = try JSONFields(json, at: path)
        file = try fields.read("file")
        guard !file.hasPrefix("/"), !file.split(separator: "/").contains("..") else {
            throw JSONError(.wrongValue, "'\(file)' leaves the bundle", path: path + ".file")
        }
        target = try fields.read("target")
        size = try fields.read("size")
        sha256 = try fields.read("sha256")
        try fields.finish()
    }
}
