import Foundation
import Testing

@testable import LaminaArchive

/// Saves that are cut off. Each runs in a process of its own, which really dies or really runs out of space.
@Suite("Archive: interrupted saves")
struct SaveTests {
    private func inFolder(_ body: (String) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("lamina-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        do {
            try await body(folder)
        } catch {
            try? FileManager.default.removeItem(atPath: folder)
            throw error
        }
        try FileManager.default.removeItem(atPath: folder)
    }

    private func list(_ folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder)
    }

    @Test("kill -9 after each step leaves the old archive or the new one, whole, and nothing else", arguments: 0..<4)
    func killed(step: Int) async throws {
        try await inFolder { folder in
            let path = folder + "/m.lamina"
            try Sample.withWriter { try $0.write(to: path) }
            let before = try Sample.read(path)
            await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String, step = step as Int] in
                try Sample.withWriter { writer in
                    writer.manifest.model.name = "second"
                    try writer.write(to: path) {
                        if $0 == ArchiveWriter.Step.allCases[step] { kill(getpid(), SIGKILL) }
                    }
                }
            }
            let archive = try Archive.open(path)
            try archive.verify()
            if ArchiveWriter.Step.allCases[step] == .committed {
                #expect(archive.manifest.model.name == "second")
            } else {
                #expect(try Sample.read(path) == before)
            }
            #expect(try list(folder) == ["m.lamina"])
        }
    }

    @Test("a process that saves all the time and dies at any moment leaves a whole archive", arguments: 1...6)
    func killedAnywhere(round: Int) async throws {
        try await inFolder { folder in
            let path = folder + "/m.lamina"
            try Sample.withWriter { try $0.write(to: path) }
            await #expect(processExitsWith: .signal(SIGALRM)) { [path = path as String, round = round as Int] in
                var counter = 0
                signal(SIGALRM, SIG_DFL)
                var timer = itimerval(
                    it_interval: timeval(), it_value: timeval(tv_sec: 0, tv_usec: 20_000 + round * 3_777))
                setitimer(__itimer_which_t(ITIMER_REAL.rawValue), &timer, nil)
                while true {
                    counter += 1
                    try Sample.withWriter { writer in
                        writer.manifest.model.version = "\(counter)"
                        try writer.add("assets/pad.bin", .bytes(Array(repeating: 7, count: counter % 50 * 1000)))
                        try writer.write(to: path)
                    }
                }
            }
            try Archive.open(path).verify()
        }
    }

    @Test("a file that may not grow, as on a full disk: one error, the old archive stays")
    func full() async throws {
        try await inFolder { folder in
            let path = folder + "/m.lamina"
            try Sample.withWriter { try $0.write(to: path) }
            let before = try Sample.read(path)
            await #expect(processExitsWith: .success) { [path = path as String, folder = folder as String] in
                signal(SIGXFSZ, SIG_IGN)
                for limit in [0, 1, 30, 64, 1000, 20_000, 99_999] {
                    var resource = rlimit(rlim_cur: rlim_t(limit), rlim_max: .max)
                    precondition(setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &resource) == 0)
                    let error = try #require(throws: ArchiveError.self) {
                        try Sample.withWriter { writer in
                            try writer.add("assets/large.bin", .bytes(Array(repeating: 7, count: 100_000)))
                            try writer.write(to: path)
                        }
                    }
                    guard error.kind == .file, error.description == "cannot write '\(path)': File too large",
                        try FileManager.default.contentsOfDirectory(atPath: folder) == ["m.lamina"]
                    else { exit(3) }
                }
            }
            #expect(try Sample.read(path) == before)
        }
    }

    @Test("a folder that cannot be written to, and targets that are no files")
    func unwritable() throws {
        try TemporaryFolder.with { folder in
            for path in [folder + "/none/m.lamina", "/dev/full", folder] {
                let error = try #require(throws: ArchiveError.self) { try Sample.withWriter { try $0.write(to: path) } }
                #expect(error.kind == .file, "\(error)")
            }
            #expect(try list(folder).isEmpty)
        }
    }

    @Test("an open archive keeps its content while another is saved over it")
    func replacedWhileOpen() throws {
        try TemporaryFolder.with { folder in
            let path = folder + "/m.lamina"
            try Sample.withWriter { try $0.write(to: path) }
            let archive = try Archive.open(path)
            try Sample.withWriter { writer in
                writer.manifest.model.name = "second"
                try writer.add("assets/large.bin", .bytes(Array(repeating: 7, count: 100_000)))
                try writer.write(to: path)
            }
            try archive.verify()
            #expect(archive.manifest.model.name == "sample")
            #expect(try Archive.open(path).manifest.model.name == "second")
        }
    }
}
