import LaminaFormats

extension YAMLParser {
    /// The bytes of a file that is to be read; `what` names it in messages: "the recipe".
    static func bytes(of path: String, _ what: String) throws(RecipeError) -> [UInt8] {
        let mapping: FileMapping
        do {
            mapping = try FileMapping(path: path)
        } catch {
            throw RecipeError(file: path, "cannot \(error.operation) \(what): \(error.reason)")
        }
        guard mapping.bytes.count <= byteLimit else {
            throw RecipeError(
                file: path, "\(what) has \(mapping.bytes.count) bytes, at most \(byteLimit) are allowed")
        }
        return Array(mapping.bytes)
    }
}
