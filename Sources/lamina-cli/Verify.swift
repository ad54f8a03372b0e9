import ArgumentParser
import Lamina
import LaminaArchive
import LaminaFormats

struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check an archive without running anything: structure, hashes, tensors.")

    @Argument(help: "The archive.")
    var model: String

    @Flag(help: "Accept an archive that was zipped again by another tool, and say so.")
    var tolerant = false

    @OptionGroup var format: FormatOption

    func run() throws {
        let archive = try Archive.open(model, tolerant: tolerant)
        try archive.verify()
        if format.format == .json {
            JSON.object(
                JSONObject([
                    ("archive", .string(model)), ("ok", true), ("canonical", .bool(archive.isCanonical)),
                    ("entries", .integer(Int64(archive.names.count))),
                ])
            ).show()
        } else {
            Terminal.result(
                "\(model): ok, \(archive.names.count) entries\(archive.isCanonical ? "" : ", not in canonical form (zipped again)")"
            )
        }
    }
}

struct SelfTest: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "selftest", abstract: "Run an archive's recorded cases and compare their outputs.")

    @Argument(help: "The archive.")
    var model: String

    @Flag(help: "Accept an archive that was zipped again by another tool.")
    var tolerant = false

    @OptionGroup var format: FormatOption
    @OptionGroup var host: HostOptions

    func run() throws {
        let model = try Model.open(self.model, tolerant: tolerant, registry: host.registry())
        let count = try model.selfTest()
        if format.format == .json {
            JSON.object(
                JSONObject([("archive", .string(self.model)), ("ok", true), ("cases", .integer(Int64(count)))])
            ).show()
        } else {
            Terminal.result("\(self.model): ok, \(count) recorded \(count == 1 ? "case" : "cases") reproduced")
        }
    }
}
