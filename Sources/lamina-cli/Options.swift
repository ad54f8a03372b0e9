import ArgumentParser
import Lamina
import LaminaFormats
import LaminaHost
import LaminaRecipe

/// How results are printed.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case text, json
}

struct FormatOption: ParsableArguments {
    @Option(help: "How results are printed: text or json.")
    var format: OutputFormat = .text
}

/// Where the base of a delta is.
struct BaseOption: ParsableArguments {
    @Option(help: "The base of an archive that holds only what differs from it; else found by what the archive says.")
    var base: String?
}

/// Where plugins come from and how many threads compute.
struct HostOptions: ParsableArguments {
    @Option(
        name: .customLong("plugin-path"), help: "A folder with plugins, searched before the others; may be repeated.")
    var pluginPath: [String] = []

    @Option(help: "Threads for computing; all processors unless given.")
    var threads: Int?

    @Option(
        name: .customLong("plugin-target"),
        help: "Instruction-set level of the plugins' libraries, instead of the best one.")
    var pluginTarget: String?

    func validate() throws {
        if let threads, !(1...Recipe.Training.threadLimit).contains(threads) {
            throw ValidationError("--threads is \(threads), wanted 1 to \(Recipe.Training.threadLimit)")
        }
    }

    /// The options as words of a command line.
    var words: [String] {
        var words = pluginPath.flatMap { ["--plugin-path", $0] }
        if let threads { words += ["--threads", "\(threads)"] }
        if let pluginTarget { words += ["--plugin-target", pluginTarget] }
        return words
    }

    /// The plugins as the options say.
    func registry() -> Registry {
        if let threads { Lamina.threads = threads }
        let registry =
            pluginPath.isEmpty && pluginTarget == nil
            ? Lamina.registry : Registry(folders: PluginBundle.searchPath(pluginPath), target: pluginTarget)
        for warning in pluginPath.compactMap(PluginBundle.emptiness) { Terminal.warning(warning) }
        return registry
    }
}

extension JSON {
    /// Prints a result.
    func show() { Terminal.result(text(.pretty)) }
}
