import ArgumentParser
import Lamina

/// The `lamina` command: a thin client of the library.
@main
struct LaminaCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lamina",
        abstract: "Train, run and ship neural networks whose every layer is a plugin.",
        discussion: """
            Results go to standard output, progress and messages to standard error. \
            Exit codes: 0 done, 1 internal error, 2 wrong usage, 3 bad recipe, 4 bad data or a file that cannot be \
            written, 5 plugin missing or incompatible, 6 archive rejected, 7 training diverged, 8 verification or \
            self-test failed, 130 interrupted, training with a checkpoint written. A file that is missing counts as one that is bad: \
            3 a recipe, 4 data, 6 an archive.
            """,
        version: Lamina.version,
        subcommands: [
            Train.self, Init.self, Eval.self, Predict.self, TaskCommand.self, Run.self, Inspect.self, Verify.self,
            SelfTest.self, Repack.self,
            Plugins.self, Bench.self, Schema.self, PluginCommand.self,
        ])

    static func main() {
        var arguments = Array(CommandLine.arguments.dropFirst())
        if arguments.first == "help", arguments.count == 1 { arguments = ["--help"] }
        do {
            var command = try parseAsRoot(arguments)
            try command.run()
            Lamina.registry.shutdown()
        } catch let code as ExitCode {
            exit(withStatus: code.rawValue)
        } catch {
            let exitCode = exitCode(for: error)
            if exitCode == .success {
                // --help, --version and completion scripts.
                print(message(for: error))
                exit(withStatus: 0)
            }
            if exitCode == .validationFailure {
                // One line as for every other error; what the verb takes is a command away.
                let text = message(for: error).split(separator: "\n").joined(separator: " ")
                Terminal.error("\(text) See: lamina \(verb(arguments).map { $0 + " " } ?? "")--help")
                exit(withStatus: LaminaError.Kind.usage.exitCode)
            }
            let sorted = LaminaError(error)
            Terminal.error(sorted.text)
            exit(withStatus: sorted.kind.exitCode)
        }
    }

    /// The verb that was called, if there is such a one.
    private static func verb(_ arguments: [String]) -> String? {
        arguments.first { name in
            configuration.subcommands.contains { $0.configuration.commandName ?? "\($0)".lowercased() == name }
        }
    }

    private static func exit(withStatus status: Int32) -> Never {
        Lamina.registry.shutdown()
        Terminal.flushAndExit(status)
    }
}
