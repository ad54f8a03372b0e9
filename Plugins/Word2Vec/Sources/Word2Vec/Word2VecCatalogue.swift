import LaminaSDK

/// What the Word2Vec plugin offers.
public enum Word2VecCatalogue {
    public static var plugin: Plugin {
        Plugin(
            id: "word2vec", name: "Word2Vec", version: "1.0.0", license: "Apache-2.0",
            documentation: "Word vectors: skip-gram and CBOW.", components: [])
    }
}
