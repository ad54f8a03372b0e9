import Foundation
import Testing

/// Where the ABI's headers lie.
enum Headers {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../Sources/CLamina/include").standardizedFileURL

    static func all() throws -> [URL] {
        let concept = try FileManager.default.contentsOfDirectory(
            at: folder.appendingPathComponent("lamina"), includingPropertiesForKeys: nil)
        return ([folder.appendingPathComponent("lamina.h")] + concept.filter { $0.pathExtension == "h" }).sorted {
            $0.path < $1.path
        }
    }
}

/// Each header stands alone and is strict C11 and C++17.
@Suite struct HeaderTests {
    @Test(arguments: [("c", "c11"), ("c++", "c++17")])
    func eachHeaderCompilesAlone(language: String, standard: String) throws {
        let headers = try Headers.all()
        #expect(headers.count >= 15)
        for header in headers {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            process.arguments = [
                "clang", "-fsyntax-only", "-x", language, "-std=\(standard)", "-Wall", "-Wextra", "-Wpedantic",
                "-Werror",
                header.path,
            ]
            let output = Pipe()
            process.standardError = output
            try process.run()
            let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            process.waitUntilExit()
            #expect(process.terminationStatus == 0, "\(header.lastPathComponent) as \(standard): \(text)")
        }
    }
}
