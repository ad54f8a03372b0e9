import Foundation
import LaminaFormats
import Testing

/// The real `lamina` command, run as a subprocess.
struct Command: Sendable {
    /// The executable: `$LAMINA_COMMAND`, or the release build of this package.
    let path: String

    /// The folder of this package.
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    static func find() throws -> Command {
        let built = root.appendingPathComponent(".build/release/lamina").path
        let path = ProcessInfo.processInfo.environment["LAMINA_COMMAND"] ?? built
        guard FileManager.default.isExecutableFile(atPath: path) else { throw Missing(path: path) }
        return Command(path: path)
    }

    /// Whether this package has all of these families of plugins, such as "CNN".
    static func has(_ families: [String]) -> Bool {
        families.allSatisfy {
            FileManager.default.fileExists(atPath: root.appendingPathComponent("Plugins/\($0)/Package.swift").path)
        }
    }

    struct Missing: Error, CustomStringConvertible {
        let path: String
        var description: String {
            "there is no command at \(path); run these tests with `make test`, which builds it and its plugins first, "
                + "or name one in LAMINA_COMMAND"
        }
    }

    /// Runs to the end and returns what the process said. A process that takes minutes is killed.
    func run(_ arguments: [String], in folder: String, input: Data? = nil) throws -> Outcome {
        try start(arguments, in: folder, input: input).finish()
    }

    /// - Parameter output: where standard output goes instead of into the outcome.
    func start(
        _ arguments: [String], in folder: String, input: Data? = nil, output: FileHandle? = nil
    ) throws -> RunningCommand {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        // What the caller's shell says about plugins and colours must not decide a test.
        process.environment = ProcessInfo.processInfo.environment.filter {
            !$0.key.hasPrefix("LAMINA_") && $0.key != "NO_COLOR"
        }
        return try RunningCommand(process, input: input, output: output)
    }
}

extension Trait where Self == ConditionTrait {
    /// Families of plugins without which a test has nothing to run. Any of them may be taken out of the package.
    static func needs(_ families: String...) -> Self {
        .enabled(if: Command.has(families), "needs the plugins \(families.joined(separator: ", "))")
    }
}

/// A started process. Its streams are files: no pipe can fill up, and what it said can be read while it runs.
final class RunningCommand {
    private let process: Process
    private let streams: Folder
    private let ended = DispatchSemaphore(value: 0)

    fileprivate init(_ process: Process, input: Data?, output: FileHandle?) throws {
        self.process = process
        streams = try Folder()
        for name in ["out", "err"] { try streams.write(Data(), name) }
        process.standardOutput = try output ?? FileHandle(forWritingTo: URL(fileURLWithPath: streams.path("out")))
        process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: streams.path("err")))
        if let input {
            try streams.write(input, "in")
            process.standardInput = try FileHandle(forReadingFrom: URL(fileURLWithPath: streams.path("in")))
        } else {
            process.standardInput = FileHandle.nullDevice
        }
        let ended = ended
        process.terminationHandler = { _ in ended.signal() }
        try process.run()
    }

    /// What it has said on standard error so far.
    var errorsSoFar: String { (try? streams.text("err")) ?? "" }

    /// Waits until standard error holds `text`, or the process has ended.
    func waitForErrors(containing text: String) throws {
        let limit = Date(timeIntervalSinceNow: Self.patience)
        while !errorsSoFar.contains(text), process.isRunning {
            try #require(Date() < limit, "'\(text)' never came; standard error: \(errorsSoFar)")
            usleep(1000)
        }
    }

    func interrupt() { process.interrupt() }

    func finish() throws -> Outcome {
        if ended.wait(timeout: .now() + Self.patience) == .timedOut {
            kill(process.processIdentifier, SIGKILL)
            ended.wait()
            Issue.record("\(process.arguments ?? []) took more than \(Self.patience) s and was killed")
        }
        let crashed = process.terminationReason == .uncaughtSignal
        return Outcome(
            arguments: process.arguments ?? [],
            status: crashed ? -process.terminationStatus : process.terminationStatus,
            output: try streams.text("out"), errors: try streams.text("err"))
    }

    private static let patience = 150.0
}

/// What a process left behind.
struct Outcome: CustomStringConvertible {
    let arguments: [String]
    /// The exit code; minus the signal's number for a process that died of one.
    let status: Int32
    let output: String
    let errors: String

    var description: String {
        "lamina \(arguments.joined(separator: " ")) → \(status)\nstandard output: \(output)\nstandard error: \(errors)"
    }

    /// Fails the test unless the process ended well.
    @discardableResult
    func succeeded(_ location: SourceLocation = #_sourceLocation) -> Outcome {
        #expect(status == 0, "\(self)", sourceLocation: location)
        return self
    }

    /// Fails the test unless the process ended with `code`, said nothing on standard output, and gave its reason in one line.
    ///
    /// - Parameter afterProgress: work had begun, so that other lines may stand before that one.
    @discardableResult
    func failed(
        _ code: Int32, afterProgress: Bool = false, saying parts: String...,
        location: SourceLocation = #_sourceLocation
    ) -> Outcome {
        #expect(status == code, "\(self)", sourceLocation: location)
        #expect(output.isEmpty, "\(self)", sourceLocation: location)
        let lines = errors.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        let reason = String(lines.last ?? "")
        #expect(reason.hasPrefix("error: ") && errors.hasSuffix("\n"), "\(self)", sourceLocation: location)
        let isClean = lines.count == 1 || afterProgress && lines.allSatisfy { !$0.contains("error") || $0 == reason }
        #expect(isClean, "\(self)", sourceLocation: location)
        for part in parts {
            #expect(reason.contains(part), "no '\(part)' in: \(self)", sourceLocation: location)
        }
        return self
    }

    /// Standard output as JSON.
    func json(_ location: SourceLocation = #_sourceLocation) throws -> JSON {
        try #require(status == 0, "\(self)", sourceLocation: location)
        return try JSON.parse(output)
    }
}
