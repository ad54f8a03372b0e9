import CLamina
import Glibc
import LaminaFormats
import LaminaTesting
import Testing

@testable import Data

/// Files that are damaged, or of kinds that are not supported.
@Suite struct TokenizerFileTests {
    private func fault(_ text: String) -> String {
        do {
            _ = try TokenizerHarness(tokenizer("words"), json: Array(text.utf8))
            return "read"
        } catch let error as CallError {
            #expect(error.status == LAMINA_ERROR_DATA)
            return error.text
        } catch {
            return "\(error)"
        }
    }

    private func model(_ model: String, _ rest: String = "") -> String {
        fault(#"{"version":"1.0","model":\#(model)\#(rest)}"#)
    }

    @Test func contradictions() {
        #expect(fault("").contains("not usable"))
        #expect(fault("[]").contains("wanted an object"))
        #expect(fault("{}").contains("'model'"))
        #expect(model(#"{"type":"Unigram","vocab":{"a":0}}"#).contains("'Unigram' is not supported"))
        #expect(model(#"{"type":"WordLevel","vocab":{"a":0},"unk_token":"b"}"#).contains("not in the vocabulary"))
        #expect(model(#"{"type":"WordLevel","vocab":{"a":0}}"#).contains("no token for unknown words"))
        #expect(model(#"{"type":"WordLevel","vocab":{"a":0,"b":2},"unk_token":"a"}"#).contains("id 2 is beyond"))
        #expect(model(#"{"type":"WordLevel","vocab":{"a":0,"b":0},"unk_token":"a"}"#).contains("id 0 stands twice"))
        #expect(model(#"{"type":"WordLevel","vocab":{"a":-1},"unk_token":"a"}"#).contains("id -1"))
        #expect(model(#"{"type":"WordLevel","vocab":{},"unk_token":"a"}"#).contains("empty"))
        #expect(model(#"{"type":"BPE","vocab":{"a":0}}"#).contains("'merges' is missing"))
        #expect(model(#"{"type":"BPE","vocab":{"a":0},"merges":["a a"]}"#).contains("not in the vocabulary"))
        #expect(model(#"{"type":"BPE","vocab":{"a":0},"merges":["a"]}"#).contains("wanted two tokens"))
        #expect(model(#"{"type":"BPE","vocab":{"a":0},"merges":[],"dropout":0.1}"#).contains("model.dropout"))
        #expect(
            model(#"{"type":"BPE","vocab":{"a":0},"merges":[]}"#, #","normalizer":{"type":"NFC"}"#).contains("'NFC'"))
        #expect(
            model(#"{"type":"BPE","vocab":{"a":0},"merges":[]}"#, #","pre_tokenizer":{"type":"Metaspace"}"#).contains(
                "'Metaspace'"))
        #expect(
            model(
                #"{"type":"BPE","vocab":{"a":0},"merges":[]}"#,
                #","pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false},"decoder":{"type":"ByteLevel"}"#
            ).contains("no token for byte 0"))
    }

    /// What is too long to be a vocabulary is not taken into memory.
    @Test func files() throws {
        func peak() -> Int {
            var usage = rusage()
            getrusage(.init(RUSAGE_SELF.rawValue), &usage)
            return usage.ru_maxrss
        }
        let folder = Folder()
        let path = folder.write("tokenizer.json", Array("{".utf8))
        truncate(path, 600 << 20)
        let before = peak()
        let error = #expect(throws: CallError.self) {
            try TokenizerHarness(tokenizer("tokenizer_file"), ["path": .string(path)], on: [String]())
        }
        #expect(error?.text.hasPrefix("'\(path)': the tokenizer.json is not usable: ") == true)
        #expect(error?.text.contains("at most 268435456 are allowed") == true)
        #expect(peak() - before < 100_000)
    }

    /// A character that the vocabulary lacks, without a token for that.
    @Test func withoutUnknown() throws {
        let text =
            #"{"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":[["a","b"]]},"decoder":{"type":"Fuse"}}"#
        let tokenizer = try TokenizerHarness(tokenizer("characters"), json: Array(text.utf8))
        #expect(try tokenizer.encode("abba") == [2, 1, 0])
        let error = #expect(throws: CallError.self) { try tokenizer.encode("abc") }
        #expect(error?.text.contains("lacks a character of 'abc'") == true)
        #expect(tokenizer.special(.padding) == -1)
    }

    /// Whatever the bytes are: an error, or a tokenizer that works.
    @Test(arguments: ["words", "characters", "bpe", "punctuation"]) func damage(file: String) throws {
        let json = golden("tokenizers/\(file).json")
        var random = SystemFreeRandom(UInt64(file.utf8.count))
        var read = 0
        func attempt(_ bytes: [UInt8]) {
            do {
                let tokenizer = try TokenizerHarness(tokenizer("tokenizer_file"), ["path": "unused"], json: bytes)
                read += 1
                let ids = try tokenizer.encode("The old mill, \u{6c34} 12's")
                _ = try tokenizer.decode(ids)
            } catch let error as CallError {
                #expect(error.status == LAMINA_ERROR_DATA, "\(error)")
                #expect(!error.text.isEmpty)
            } catch {
                Issue.record(error)
            }
        }
        for length in stride(from: 0, to: json.count, by: max(1, json.count / 150)) { attempt(Array(json[..<length])) }
        for _ in 0..<300 {
            var bytes = json
            for _ in 0...Int(random.next() % 3) {
                bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
            }
            attempt(bytes)
        }
        // Digits and letters of tokens: files that stay well-formed.
        for _ in 0..<300 {
            var bytes = json
            let position = Int(random.next() % UInt64(bytes.count))
            if (0x30...0x39).contains(bytes[position]) { bytes[position] = 0x30 + UInt8(random.next() % 10) }
            if (0x61...0x7A).contains(bytes[position]) { bytes[position] = 0x61 + UInt8(random.next() % 26) }
            attempt(bytes)
        }
        #expect(read > 50)
    }
}
