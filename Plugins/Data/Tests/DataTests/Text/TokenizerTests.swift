import CLamina
import LaminaFormats
import LaminaTesting
import Testing

@testable import Data

@Suite struct TokenizerTests {
    @Test func wordsByFrequency() throws {
        let words = try TokenizerHarness(tokenizer("words"), on: ["b a", "b  c\tb", "a"])
        #expect(words.vocabularySize == 7)
        #expect(try (0..<7).map { try words.token($0) } == ["<pad>", "<unk>", "<bos>", "<eos>", "b", "a", "c"])
        #expect(try words.encode("a\u{3000}b x <eos>") == [5, 4, 1, 1])
        #expect(try words.encode(" \n ") == [])
        #expect(words.id("c") == 6)
        #expect(words.id("x") == -1)
        #expect(try words.decode([2, 4, 5, 3, 0]) == Array("b a".utf8))
    }

    @Test func limits() throws {
        let texts = ["a b c d", "a b c", "a b", "a"]
        #expect(try TokenizerHarness(tokenizer("words"), ["vocabulary": 6], on: texts).vocabularySize == 6)
        let frequent = try TokenizerHarness(tokenizer("words"), ["minimum_count": 3], on: texts)
        #expect(try frequent.encode("a b c d") == [4, 5, 1, 1])
        let characters = try TokenizerHarness(tokenizer("characters"), ["vocabulary": 6], on: texts)
        #expect(try characters.encode("a x") == [5, 4, 1])
    }

    /// Unknown words share the buckets by their hash, known ones and <unk> keep their ids.
    @Test func buckets() throws {
        let words = try TokenizerHarness(tokenizer("words"), ["buckets": 3], on: ["a b"])
        #expect(words.vocabularySize == 9)
        #expect(try words.encode("a b") == [7, 8])
        let unknown = try words.encode("x y z u v w <unk> <oov:1>")
        #expect(Set(unknown).isSubset(of: [4, 5, 6]))
        #expect(Set(unknown).count > 1)
        // FNV-1a of "x" is 0xaf63f54c86021707.
        #expect(unknown[0] == 4 + Int(0xaf63_f54c_8602_1707 % 3 as UInt64))
        let again = try TokenizerHarness(tokenizer("words"), json: words.json)
        #expect(try again.encode("x y z u v w <unk> <oov:1>") == unknown)
    }

    @Test func invalidUTF8() throws {
        let words = try TokenizerHarness(tokenizer("words"), on: ["a b"])
        #expect(try words.encode([0x61, 0x20, 0xFF, 0xC3, 0x20, 0x62]) == [4, 1, 5])
        let characters = try TokenizerHarness(tokenizer("characters"), on: ["ab"])
        #expect(try characters.encode([0x61, 0xC3, 0x28, 0xE2, 0x82]) == [4, 1, 1, 1, 1])
        // What is no UTF-8 is not learned.
        #expect(try TokenizerHarness(tokenizer("words"), on: [[0xFF], [0x61]]).vocabularySize == 5)
    }

    /// Canonically equivalent texts are different texts.
    @Test func composedAndDecomposed() throws {
        let words = try TokenizerHarness(tokenizer("words"), on: ["\u{e9} e\u{301} e\u{301}"])
        #expect(try words.encode("\u{e9} e\u{301}") == [5, 4])
    }

    @Test func faults() throws {
        func fault(_ name: String, _ attributes: JSONObject, _ texts: [String]) -> String {
            do {
                _ = try TokenizerHarness(tokenizer(name), attributes, on: texts)
                return "made"
            } catch let error as CallError {
                return error.text
            } catch {
                return "\(error)"
            }
        }
        #expect(fault("words", [:], []) == "the texts hold no word to learn")
        #expect(fault("words", [:], [" ", ""]) == "the texts hold no word to learn")
        #expect(fault("words", ["minimum_count": 2], ["a b"]) == "no word occurs 2 times or more; lower minimum_count")
        #expect(fault("words", ["vocabulary": 10, "buckets": 6], ["a"]).hasPrefix("vocabulary is 10, which 4 special"))
        // No more than a tokenizer.json may hold.
        for name in ["words", "characters", "bpe"] {
            #expect(fault(name, ["vocabulary": 3_000_001], ["a"]).contains("3000001"))
        }
        #expect(fault("characters", [:], [""]) == "the texts hold no character to learn")
        #expect(fault("bpe", [:], [""]) == "the texts hold nothing to learn")
        #expect(fault("tokenizer_file", ["path": "/nowhere/t.json"], []).contains("/nowhere/t.json"))
        let words = try TokenizerHarness(tokenizer("words"), on: ["a"])
        let error = #expect(throws: CallError.self) { try words.decode([4, 5]) }
        #expect(error?.status == LAMINA_ERROR_DATA)
        #expect(error?.text == "there is no token 5: ids run from 0 to 4")
        #expect(throws: CallError.self) { try words.decode([-1]) }
        #expect(throws: CallError.self) { try words.token(5) }
    }

    @Test func cancelled() throws {
        let host = TestHost()
        host.isCancelled = true
        for name in ["words", "characters", "bpe"] {
            let error = #expect(throws: CallError.self) {
                try TokenizerHarness(tokenizer(name), on: ["a a a a"], host: host)
            }
            #expect(error?.status == LAMINA_ERROR_CANCELLED)
        }
    }
}
