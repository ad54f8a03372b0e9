import LaminaFormats
import Testing

@testable import LaminaRecipe

/// Whatever is in a recipe, reading ends in a recipe or in a `RecipeError` of one line.
@Suite struct FuzzTests {
    /// SplitMix64: the seed is printed with every failure.
    struct Generator: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }

    static let fragments: [[UInt8]] =
        [
            "", " ", "\n", "\n  ", "\t", ":", ": ", "- ", "[", "]", "{", "}", ",", "'", "\"", "#", "&a", "*a", "!", "|",
            ">", "%", "@",
            "?", "~", "null", "true", "-1", "0", "99999999999999999999", "1e999", ".nan", "test.bend", "test.tower",
            "test.",
            ".", "..", "from", "name", "units", "\u{FEFF}", "é", "\0", "---", "...", "<<: ", "test.endless",
            "repeat: 1000",
        ].map { Array($0.utf8) } + [[0xFF], [0xC3], [0xED, 0xA0, 0x80]]

    func check(_ bytes: [UInt8], _ seed: UInt64) {
        do throws(RecipeError) {
            let recipe = try Recipe.parse(bytes, file: "f", folder: "/x", registry: TestCatalogue.registry)
            let again = try Recipe.parse(recipe.text(), file: "f", folder: "/x", registry: TestCatalogue.registry)
            #expect(again == recipe, "seed \(seed): \(String(decoding: bytes, as: UTF8.self))")
            _ = try recipe.graph(TestCatalogue.registry)
        } catch {
            let text = error.description
            #expect(!text.contains("\n") && text.utf8.count < 1000, "seed \(seed): \(text)")
        }
    }

    @Test func mutatedRecipes() {
        let original = Array(fullRecipe.utf8)
        for seed in 0..<UInt64(4000) {
            var random = Generator(state: seed)
            var bytes = original
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let start = Int.random(in: 0..<bytes.count, using: &random)
                let end = min(bytes.count, start + Int.random(in: 0...6, using: &random))
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[start] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.replaceSubrange(start..<end, with: Self.fragments.randomElement(using: &random)!)
                case 2: bytes.removeSubrange(start..<end)
                default:
                    let from = Int.random(in: 0..<bytes.count, using: &random)
                    bytes.insert(contentsOf: Array(bytes[from..<min(bytes.count, from + 40)]), at: start)
                }
                if bytes.isEmpty { break }
            }
            check(bytes, seed)
        }
    }

    @Test func truncatedRecipes() {
        let original = Array(fullRecipe.utf8)
        for count in original.indices { check(Array(original[..<count]), UInt64(count)) }
    }

    @Test func noise() {
        for seed in 0..<UInt64(500) {
            var random = Generator(state: seed &* 77)
            let pieces = (0..<60).map { _ in Self.fragments.randomElement(using: &random)! }
            check(Array("lamina: 1\nmodel:\n  input: [1]\n  layers:\n".utf8) + pieces.joined(), seed)
            check((0..<200).map { _ in UInt8.random(in: 0...255, using: &random) }, seed)
        }
    }

    @Test func mutatedOverrides() {
        let paths = ["train.epochs=5", "model.layers[0].test.linear.units=3", "optimizer.groups[0].match=x"].map {
            Array($0.utf8)
        }
        for seed in 0..<UInt64(2000) {
            var random = Generator(state: seed &+ 1_000_000)
            var bytes = paths.randomElement(using: &random)!
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let at = Int.random(in: 0...bytes.count, using: &random)
                bytes.insert(contentsOf: Self.fragments.randomElement(using: &random)!, at: at)
            }
            let text = message {
                _ = try Recipe.parse(
                    fullRecipe, overrides: [String(decoding: bytes, as: UTF8.self)], registry: TestCatalogue.registry)
            }
            #expect(!text.contains("\n"), "seed \(seed): \(text)")
        }
    }
}
