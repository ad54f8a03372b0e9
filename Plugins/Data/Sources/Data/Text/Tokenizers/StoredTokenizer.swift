import LaminaSDK

/// A vocabulary that is there: a `tokenizer.json` of the Hugging Face `tokenizers` library. Nothing is learned.
///
/// Models WordLevel and BPE; pre-tokenizers WhitespaceSplit, Whitespace, BertPreTokenizer, ByteLevel or none; normalizer
/// Lowercase or none; decoders Fuse, ByteLevel or none. Others are refused. Post-processors are not applied: recipes say with `begin`
/// and `end` what is put around texts. Errors: `.file`, `.data`.
final class StoredTokenizer: VocabularyTokenizer {
    static let name = "tokenizer_file"
    static let documentation = "A vocabulary from a tokenizer.json file of the Hugging Face library."
    static let attributes: [AttributeSchema] = [.path("path", "The tokenizer.json file.")]

    let vocabulary: Vocabulary

    init(_ attributes: Attributes, json: UnsafeRawBufferPointer, host: Host) throws {
        vocabulary = try Vocabulary(TokenizerFile(json))
    }

    static func train(_ attributes: Attributes, on texts: TextFeed, host: Host) throws -> [UInt8] {
        let path = attributes.string("path")
        let mapping = try InputFile.map(path)
        defer { withExtendedLifetime(mapping) {} }
        do throws(PluginError) {
            _ = try TokenizerFile(mapping.bytes)
        } catch {
            throw PluginError.data("'\(path)': \(error.text)")
        }
        return Array(mapping.bytes)
    }
}
