import LaminaSDK

/// What the Word2Vec plugin offers.
public enum Word2VecCatalogue {
    public static var plugin: Plugin {
        Plugin(
            id: "word2vec", name: "Word2Vec", version: "1.0.0", license: "Apache-2.0",
            documentation: "Word vectors: skip-gram and CBOW, and questions to them.",
            components: [
                .procedure(SkipGram.self), .procedure(BagOfWords.self), .procedure(ImportVectors.self),
                .task(Nearest.self), .task(Analogy.self), .task(Similarity.self), .task(DoesntMatch.self),
                .task(Evaluate.self), .task(Export.self), .task(Map.self),
            ])
    }
}
