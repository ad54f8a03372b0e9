import Foundation
import LaminaFormats
import Testing

@Suite("Files that appear whole or not at all")
struct AtomicFileTests {
    private func contents(_ path: String) -> String? { try? String(contentsOfFile: path, encoding: .utf8) }
    private func list(_ folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    }
    private func write(_ text: String, _ file: AtomicFile) throws {
        try Array(text.utf8).withUnsafeBytes { try file.write($0) }
    }

    @Test("commit replaces, and keeps the permissions")
    func commit() throws {
        try TemporaryFolder.with { folder in
            let path = folder + "/a"
            try "old".write(toFile: path, atomically: false, encoding: .utf8)
            #expect(chmod(path, 0o600) == 0)
            let file = try AtomicFile(replacing: path)
            try write("new", file)
            #expect(contents(path) == "old")
            try file.commit()
            #expect(contents(path) == "new")
            #expect(try list(folder) == ["a"])
            var status = stat()
            #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
        }
    }

    @Test("without commit nothing changes and nothing stays behind")
    func discard() throws {
        try TemporaryFolder.with { folder in
            let path = folder + "/a"
            try "old".write(toFile: path, atomically: false, encoding: .utf8)
            do {
                let file = try AtomicFile(replacing: path)
                try write("half", file)
            }
            let file = try AtomicFile(replacing: path)
            try write("half", file)
            file.discard()
            file.discard()
            #expect(contents(path) == "old")
            #expect(try list(folder) == ["a"])
        }
    }

    @Test("a link is followed, and stays a link")
    func link() throws {
        try TemporaryFolder.with { folder in
            try "old".write(toFile: folder + "/real", atomically: false, encoding: .utf8)
            #expect(symlink("real", folder + "/link") == 0)
            let file = try AtomicFile(replacing: folder + "/link")
            try write("new", file)
            try file.commit()
            #expect(contents(folder + "/real") == "new")
            #expect(try list(folder) == ["link", "real"])
            #expect((try? FileManager.default.destinationOfSymbolicLink(atPath: folder + "/link")) == "real")
        }
    }

    @Test("folders, devices and missing folders are refused before anything is written")
    func refusals() throws {
        try TemporaryFolder.with { folder in
            let device = try #require(throws: FileError.self) { try AtomicFile(replacing: "/dev/full") }
            #expect(device.description == "cannot write '/dev/full': it exists and is not a regular file")
            #expect(throws: FileError.self) { try AtomicFile(replacing: folder) }
            let missing = try #require(throws: FileError.self) { try AtomicFile(replacing: folder + "/none/a") }
            #expect(missing.code == ENOENT)
        }
    }

    @Test("a name of 255 bytes")
    func names() throws {
        try TemporaryFolder.with { folder in
            let path = folder + "/" + String(repeating: "x", count: 255)
            let file = try AtomicFile(replacing: path)
            try write("long", file)
            try file.commit()
            #expect(contents(path) == "long")
        }
    }

    @Test("a full disk is an error of the write, and the old file stays")
    func fullDisk() throws {
        let full = open("/dev/full", O_WRONLY)
        defer { close(full) }
        let bytes = Array("text".utf8)
        let error = try #require(throws: FileError.self) {
            try bytes.withUnsafeBytes { try FileBytes.write($0, to: full, path: "x") }
        }
        #expect(error.description == "cannot write 'x': No space left on device")
    }
}
