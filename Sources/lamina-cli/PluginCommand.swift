import ArgumentParser
import Lamina
import LaminaHost

/// For authors of plugins.
struct PluginCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plugin", abstract: "For authors of plugins: make a bundle of a library.",
        subcommands: [Bundle.self])

    struct Bundle: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "bundle",
            abstract: "Make NAME.laminaplugin: the libraries and a plugin.json generated from them.",
            discussion: """
                Each library is given as TARGET=PATH with its instruction-set level: x86-64-v1 to -v4 or aarch64. Those that this \
                machine can run are loaded and have to say the same of themselves.
                """)

        @Argument(help: "TARGET=PATH of each library.")
        var libraries: [String]

        @Option(name: [.short, .long], help: "The bundle to write; ends in .laminaplugin.")
        var output: String

        @Option(help: "A folder with recipes that lamina bench is to find in the bundle.")
        var benchmarks: String?

        func run() throws {
            let parts = try libraries.map { text -> (target: String, path: String) in
                let pair = text.split(separator: "=", maxSplits: 1).map(String.init)
                guard pair.count == 2 else { throw ValidationError("'\(text)' is no TARGET=PATH") }
                return (pair[0], pair[1])
            }
            let manifest = try PluginBundle.build(parts, benchmarks: benchmarks, at: output)
            Terminal.message(
                "wrote \(output): \(manifest.id) \(manifest.version), \(manifest.components.count) components")
        }
    }
}
