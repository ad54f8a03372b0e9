import ArgumentParser
import Lamina

struct Repack: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "repack",
        abstract: "Write an archive anew: whole instead of a difference from its base, without training state.",
        discussion: """
            What `lamina train --from` wrote as a difference from a base becomes an archive that needs no other. With --merge, \
            layers that were inserted are folded into those behind which they stand, where their plugins can do that; the \
            others stay, and are named; networks that only training needs are left out. The new archive cannot be trained on with --resume.
            """)

    @Argument(help: "The archive.")
    var model: String

    @Option(name: [.short, .long], help: "The archive to write.")
    var output: String

    @Flag(help: "Fold inserted layers into those behind which they stand.")
    var merge = false

    @Flag(help: "Stay a difference from the base; only the training state is left out.")
    var delta = false

    @Flag(help: "Leave out networks that only training needs, such as the discriminator of a generator.")
    var inference = false

    @Flag(help: "Accept an archive or a base that was zipped again by another tool.")
    var tolerant = false

    @OptionGroup var base: BaseOption
    @OptionGroup var host: HostOptions

    func validate() throws {
        if merge, delta {
            throw ValidationError("--merge and --delta: what is merged differs everywhere from its base.")
        }
    }

    func run() throws {
        try Model.checkWritable(output)
        let model = try Model.open(self.model, base: base.base, tolerant: tolerant, registry: host.registry())
        try model.checkBase(for: output)
        if model.base != nil, !delta, FileIdentity.isSame(self.model, output) {
            throw LaminaError(
                .usage,
                "what is based on \(self.model) would not find it again, were it written over: choose another name with -o"
            )
        }
        // What is written has new hashes, which would hide that the values are damaged.
        try model.chain!.verify()
        model.keepsTrainingNetworks = !inference
        if delta {
            guard model.base != nil else {
                throw LaminaError(.usage, "\(self.model) is no difference from a base: leave out --delta")
            }
            return try write(model)
        }
        guard merge else {
            model.base = nil
            return try write(model)
        }
        let merged = try model.merged()
        Terminal.message(
            merged.folded.isEmpty
                ? "nothing was folded" : "folded \(merged.folded.count): \(Text.names(merged.folded))")
        if !merged.isChecked {
            Terminal.message("not compared with the model before: no small example of its inputs could be made")
        }
        for kept in merged.kept { Terminal.message("kept \(kept.name): \(kept.reason)") }
        try write(merged.model)
    }

    private func write(_ model: Model) throws {
        try model.save(to: output)
        let base = model.base.map { ", the rest is in \($0.archive.path)" } ?? ""
        Terminal.message("wrote \(output): \(model.graph.parameterCount) parameters\(base)")
    }
}

extension Text {
    /// Some of a list of names.
    static func names(_ names: [String]) -> String {
        names.prefix(6).joined(separator: ", ") + (names.count > 6 ? " and \(names.count - 6) more" : "")
    }
}
