import Foundation
import LaminaHost
import Testing

/// Bundles are read without running code, and a broken one affects nothing else.
struct BundleTests {
    private func folder() throws -> String {
        let path = NSTemporaryDirectory() + "lamina-bundles-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }

    private func write(_ text: String, _ name: String, in folder: String) throws {
        let bundle = "\(folder)/\(name).laminaplugin"
        try FileManager.default.createDirectory(atPath: bundle, withIntermediateDirectories: true)
        try text.write(toFile: bundle + "/plugin.json", atomically: true, encoding: .utf8)
    }

    private func manifest(id: String, target: String = "x86-64-v1", abi: Int = 1, extra: String = "") -> String {
        """
        {"format": "lamina-plugin", "major": 1, "id": "\(id)", "name": "Test", "version": "1.2.3",
         "abi": {"major": \(abi), "minor": 0}, "license": "MIT", "documentation": "A test."\(extra),
         "components": [{"kind": "layer", "name": "thing", "version": 2, "documentation": "A thing.",
           "attributes": [{"name": "size", "types": ["integer"], "default": 3, "documentation": "How large."}]}],
         "libraries": [{"target": "\(target)", "file": "\(target)/lib.so", "size": 1, "sha256": "00"}]}
        """
    }

    @Test func manifestsAnswerQuestions() throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try write(manifest(id: "good"), "good", in: folder)
        let registry = Registry(folders: [folder])
        #expect(registry.problems == [])
        #expect(registry.plugins.map(\.id) == ["good"])
        let thing = try registry.describe(kind: "layer", id: "good.thing")
        #expect(thing.version == 2)
        #expect(thing.attributes.map(\.name) == ["size"])
    }

    @Test func brokenOnesAreReported() throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try write(manifest(id: "good"), "good", in: folder)
        try write("{", "cut", in: folder)
        try write(manifest(id: "more", extra: ", \"surprise\": 1"), "more", in: folder)
        try write(manifest(id: "Bad Name"), "name", in: folder)
        try FileManager.default.createDirectory(
            atPath: folder + "/empty.laminaplugin", withIntermediateDirectories: true)
        try write(manifest(id: "renamed"), "original", in: folder)
        let registry = Registry(folders: [folder])
        #expect(registry.plugins.map(\.id) == ["good"])
        #expect(registry.problems.count == 5)
        #expect(registry.problems.contains { $0.contains("rename the folder to renamed.laminaplugin") })
        #expect(registry.problems.contains { $0.contains("surprise") })
    }

    @Test func onlyManifestsThatAreAskedForAreRead() throws {
        let (first, second) = (try folder(), try folder())
        defer { for folder in [first, second] { try? FileManager.default.removeItem(atPath: folder) } }
        try write("{", "cut", in: first)
        try write("{", "good", in: first)
        try write(manifest(id: "good"), "good", in: second)
        try write(manifest(id: "later"), "later", in: second)
        let registry = Registry(folders: [first, second])
        // The first of two bundles is broken: the next one counts.
        #expect(try registry.describe(kind: "layer", id: "good.thing").version == 2)
        #expect(registry.problems.count == 1)
        #expect(registry.component(kind: "layer", id: "later.thing") != nil)
        #expect(registry.component(kind: "loss", id: "later.thing") == nil)
        #expect(registry.problems.count == 1)
        #expect(registry.firstComponent(kind: "layer") { $0.id.hasSuffix(".thing") }?.id == "good.thing")
        #expect(registry.plugins.map(\.id) == ["good", "later"] && registry.problems.count == 2)
    }

    @Test func whatCannotRunHereIsSaid() throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try write(manifest(id: "foreign", target: "riscv64"), "foreign", in: folder)
        try write(manifest(id: "future", abi: 2), "future", in: folder)
        let registry = Registry(folders: [folder])
        #expect(registry.plugin("foreign")?.obstacle?.contains("it has libraries for riscv64") == true)
        #expect(registry.plugin("future")?.obstacle?.contains("it was built for ABI 2.0") == true)
        #expect(throws: HostError.self) { try registry.load(kind: "layer", id: "foreign.thing") }
    }

    @Test func aLibraryThatIsMissingIsAnErrorOfItsPluginAlone() throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try write(manifest(id: "good", target: Processor.levels.last ?? "aarch64"), "good", in: folder)
        let registry = Registry(folders: [folder])
        do {
            _ = try registry.load(kind: "layer", id: "good.thing")
            Issue.record("a library that does not exist was loaded")
        } catch {
            #expect(error.description.contains("cannot be loaded"))
        }
    }

    @Test func aCutLibraryIsNotLoaded() throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let target = Processor.levels.last ?? "aarch64"
        try write(manifest(id: "good", target: target), "good", in: folder)
        let libraries = "\(folder)/good.laminaplugin/\(target)"
        try FileManager.default.createDirectory(atPath: libraries, withIntermediateDirectories: true)
        try Data([1, 2, 3]).write(to: URL(fileURLWithPath: libraries + "/lib.so"))
        let registry = Registry(folders: [folder])
        do {
            _ = try registry.load(kind: "layer", id: "good.thing")
            Issue.record("a library of the wrong size was loaded")
        } catch {
            #expect(error.description.contains("lib.so has 3 bytes, its plugin.json says 1"))
        }
    }

    @Test func missingComponentsSayWhatIsNear() throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try write(manifest(id: "good"), "good", in: folder)
        let registry = Registry(folders: [folder])
        func text(_ kind: String, _ id: String) -> String {
            do {
                _ = try registry.describe(kind: kind, id: id)
                return "no error"
            } catch { return error.description }
        }
        #expect(text("layer", "good.thign").contains("did you mean 'good.thing'?"))
        #expect(text("loss", "good.thing") == "'good.thing' is a layer, wanted a loss")
        #expect(text("layer", "other.thing").contains("needs plugin 'other', which is not installed (installed: good)"))
    }

    @Test func theWorkingDirectoryIsNeverSearched() {
        #expect(!PluginBundle.searchPath().contains { !$0.hasPrefix("/") })
    }
}
