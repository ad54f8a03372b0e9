import Foundation
import LaminaFormats
import Testing

@Suite("A file truncated while it is mapped")
struct TruncationGuardTests {
    @Test("one line and the given status")
    func truncated() async throws {
        let result = try await #require(
            processExitsWith: .exitCode(6), observing: [\.standardErrorContent]
        ) {
            try TemporaryFolder.with { folder in
                let path = folder + "/a"
                try Data(repeating: 1, count: 3 * 65536).write(to: URL(fileURLWithPath: path))
                let mapping = try FileMapping(path: path)
                TruncationGuard.install(line: "the archive was truncated while it was open", status: 6)
                precondition(truncate(path, 10) == 0)
                try FileManager.default.removeItem(atPath: folder)
                exit(Int32(mapping.bytes[2 * 65536]))
            }
        }
        let text = String(decoding: result.standardErrorContent, as: UTF8.self)
        #expect(text.contains("the archive was truncated while it was open\n"))
    }
}
