import CLamina
import Crypto
import Glibc
import LaminaFormats
import LaminaHost

extension PluginBundle {
    /// Makes a bundle: copies the libraries and writes a manifest generated from what they say of themselves.
    ///
    /// Libraries for this machine are loaded and have to agree; the manifest is written last.
    public static func build(
        _ libraries: [(target: String, path: String)], at folder: String
    ) throws(LaminaError) -> PluginManifest {
        try sorted {
            guard folder.hasSuffix(suffix) else {
                throw LaminaError(.usage, "a bundle's name ends in \(suffix), got '\(folder)'")
            }
            guard let known = try describe(libraries) else {
                let targets = libraries.map(\.target).joined(separator: ", ")
                throw LaminaError(
                    .plugin,
                    "none of the libraries (\(targets)) runs on this machine (\(Processor.levels.joined(separator: ", "))): "
                        + "a manifest can only be generated from one that does")
            }
            var manifest = known
            try makeFolder(folder)
            for (target, path) in libraries {
                let bytes = try FileMapping(path: path)
                let name = "\(target)/lib\(manifest.id).so"
                try makeFolder("\(folder)/\(target)")
                let copy = try AtomicFile(replacing: "\(folder)/\(name)")
                try copy.write(bytes.bytes)
                try copy.commit()
                let digest = SHA256.hash(data: bytes.bytes).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
                    .joined()
                manifest.libraries.append(.init(target: target, file: name, size: bytes.bytes.count, sha256: digest))
            }
            let file = try AtomicFile(replacing: "\(folder)/\(PluginManifest.fileName)")
            let text = manifest.json.bytes(.pretty)
            try text.withUnsafeBytes { try file.write($0) }
            try file.commit()
            return manifest
        }
    }

    /// The manifest without libraries, from those that run here.
    private static func describe(_ libraries: [(target: String, path: String)]) throws -> PluginManifest? {
        var known: PluginManifest?
        for (target, path) in libraries where Processor.levels.contains(target) {
            let plugin = try LoadedPlugin.load(path: path.hasPrefix("/") ? path : "./" + path)
            let manifest = PluginManifest(
                id: plugin.id, name: plugin.name, version: plugin.version, abiMajor: Int(LAMINA_ABI_MAJOR),
                abiMinor: plugin.abiMinor, license: plugin.license, documentation: plugin.documentation,
                components: plugin.components.map(\.description), libraries: [])
            if let known, known.json != manifest.json {
                throw LaminaError(
                    .plugin,
                    "\(path) says something else of itself than the libraries before it: build all from one source")
            }
            known = known ?? manifest
        }
        return known
    }

    private static func makeFolder(_ path: String) throws {
        guard mkdir(path, 0o755) == 0 || errno == EEXIST else {
            throw LaminaError(.data, "cannot make the folder \(path): \(String(cString: strerror(errno)))")
        }
    }
}
