import ArgumentParser
import Lamina
import LaminaArchive
import LaminaFormats

struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check an archive and its base without running anything: structure, hashes, tensors.")

    @Argument(help: "The archive.")
    var model: String

    @Flag(help: "Accept an archive that was zipped again by another tool, and say so.")
    var tolerant = false

    @OptionGroup var base: BaseOption
    @OptionGroup var format: FormatOption

    func run() throws {
        let chain = try ArchiveChain.open(model, base: base.base, tolerant: tolerant)
        try chain.verify()
        let (archive, bases) = (chain.archive, chain.archives.dropFirst().map(\.path))
        if format.format == .json {
            JSON.object(
                JSONObject([
                    ("archive", .string(model)), ("ok", true), ("canonical", .bool(archive.isCanonical)),
                    ("entries", .integer(Int64(archive.names.count))),
                    ("bases", .array(bases.map { .string($0) })),
                ])
            ).show()
        } else {
            Terminal.result(
                "\(model): ok, \(archive.names.count) entries\(archive.isCanonical ? "" : ", not in canonical form (zipped again)")"
                    + bases.map { "; its base \($0): ok" }.joined()
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

    @OptionGroup var base: BaseOption
    @OptionGroup var format: FormatOption
    @OptionGroup var host: HostOptions

    func run() throws {
        let model = try Model.open(self.model, base: base.base, tolerant: tolerant, registry: host.registry())
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
