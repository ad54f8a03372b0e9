import Glibc
import LaminaFormats
import LaminaHost

extension Recipe {
    /// Reads and checks the recipe in a file.
    ///
    /// Relative paths in it are relative to its folder. Only manifests of plugins are consulted; none is loaded.
    /// - Parameters:
    ///   - overrides: `path=value`, applied in order before anything is checked ("train.epochs=5").
    ///   - base: the archive that the model begins with, instead of the one that `from` names.
    /// - Throws: `RecipeError` for the first fault.
    public static func load(
        _ path: String, overrides: [String] = [], from base: String? = nil, registry: Registry
    ) throws(RecipeError) -> Recipe {
        return try parse(
            YAMLParser.bytes(of: path, "the recipe"), file: path, folder: folder(of: path), overrides: overrides,
            from: base.map { folder(of: $0) + "/" + ($0.split(separator: "/").last ?? "") }, registry: registry)
    }

    /// Reads and checks a recipe from text.
    ///
    /// - Parameters:
    ///   - file: names it in messages.
    ///   - folder: what relative paths are relative to; nil leaves them as they are.
    public static func parse(
        _ bytes: [UInt8], file: String = "recipe", folder: String? = nil, overrides: [String] = [],
        from base: String? = nil, registry: Registry
    ) throws(RecipeError) -> Recipe {
        var root = try YAMLParser.parse(bytes, file: file)
        for override in overrides {
            root = try RecipeOverride(override).apply(to: root)
        }
        return try RecipeReader(file: file, folder: folder, registry: registry, base: base).recipe(root)
    }

    public static func parse(
        _ text: String, file: String = "recipe", folder: String? = nil, overrides: [String] = [], registry: Registry
    ) throws(RecipeError) -> Recipe {
        try parse(Array(text.utf8), file: file, folder: folder, overrides: overrides, registry: registry)
    }

    /// The absolute path of the folder in which a file is.
    private static func folder(of path: String) -> String {
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        guard let real = realpath(folder, nil) else { return folder }
        defer { free(real) }
        return String(cString: real)
    }
}
