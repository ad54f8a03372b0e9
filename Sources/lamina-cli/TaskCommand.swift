import ArgumentParser
import CLamina
import Glibc
import Lamina
import LaminaFormats
import LaminaHost
import LaminaSDK
import LaminaSchema

struct TaskCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "task",
        abstract: "Ask a model what its plugins offer: nearest words, translation, text, …",
        discussion: """
            Without a name it lists the tasks of the model. Options of a task stand behind its name, as --option value; \
            `lamina task MODEL NAME --help` tells them. Everywhere: --format text|json, --threads N, --plugin-path FOLDER, \
            --plugin-target LEVEL, --base ARCHIVE, --tolerant.
            """)

    @Argument(help: "The archive.")
    var model: String

    @Argument(
        parsing: .captureForPassthrough, help: ArgumentHelp("The task, its arguments and options.", valueName: "task"))
    var words: [String] = []

    func run() throws {
        if ["-h", "--help"].contains(model) { throw CleanExit.helpRequest(self) }
        var line = TaskLine(words)
        let host = try line.host()
        let registry = host.registry()
        let model = try Model.open(self.model, base: line.base, tolerant: line.isTolerant, registry: registry)
        guard let name = line.name else { return list(model, line.format) }
        let task = try model.task(named: name)
        let attributes = try line.attributes(of: task)
        if line.wantsHelp { return try help(task, registry) }
        Interruption.watch()
        let answer = TaskPrinter(line.format)
        // What was said so far is a line of its own, whatever comes behind it.
        defer { answer.endLine() }
        try Interruption.told("interrupted") {
            try model.run(task: task, attributes, arguments: line.arguments, answer)
        }
        answer.finish()
    }

    private func list(_ model: Model, _ format: OutputFormat) {
        let tasks = model.tasks
        if format == .json {
            return JSON.array(
                tasks.map {
                    ["name": .string($0.shortName), "id": .string($0.id), "documentation": .string($0.documentation)]
                }
            ).show()
        }
        let missing = model.missingMakersAdvice
        if let missing { Terminal.warning(missing) }
        guard !tasks.isEmpty else {
            if missing == nil { Terminal.message("no plugin of this model offers a task") }
            return
        }
        let width = tasks.map(\.shortName.count).max()!
        for task in tasks {
            let blanks = String(repeating: " ", count: width - task.shortName.count + 2)
            Terminal.result(task.shortName + blanks + task.documentation)
        }
    }

    private func help(_ task: ComponentDescription, _ registry: Registry) throws {
        let component = try registry.load(kind: "task", id: task.id)
        let usage = String(cString: component.table(lamina_task.self).pointee.usage)
        Terminal.result(task.documentation)
        Terminal.result(
            "\nusage: lamina task MODEL \(task.shortName)\(usage.isEmpty ? "" : " " + usage) [--option value …]")
        if !task.attributes.isEmpty { Terminal.result("\noptions:") }
        for attribute in task.attributes {
            let initial = attribute.defaultJSON.map { $0 == "null" ? "" : " (default: \($0))" } ?? " (required)"
            Terminal.result("  --\(attribute.name.dashed)  \(attribute.requirement)\(initial)")
            Terminal.result("      \(attribute.documentation)")
        }
    }
}

extension String {
    /// snake_case as options are written.
    fileprivate var dashed: String { String(map { $0 == "_" ? "-" : $0 }) }
    fileprivate var underscored: String { String(map { $0 == "-" ? "_" : $0 }) }
}

/// The words behind `lamina task MODEL`: the task's name, its arguments, options of the task and of the host.
///
/// Which options a task has is known only when the model is open, so the words are read in two passes.
private struct TaskLine {
    private(set) var name: String?
    private(set) var arguments: [String] = []
    private(set) var wantsHelp = false
    private(set) var isTolerant = false
    private(set) var base: String?
    private(set) var format = OutputFormat.text
    private var rest: [String]

    init(_ words: [String]) { rest = words }

    /// Takes the host's options out of the words, and the name, which is the first of what is left. Behind "--" nothing
    /// is an option.
    mutating func host() throws -> HostOptions {
        var left: [String] = []
        var hostWords: [String] = []
        var index = 0
        while index < rest.count {
            let word = rest[index]
            if word == "--" {
                left += rest[index...]
                break
            }
            let option = String(word.prefix { $0 != "=" })
            func value() throws -> String {
                if option.count < word.count { return String(word.dropFirst(option.count + 1)) }
                index += 1
                guard index < rest.count else { throw ValidationError("Missing value for '\(option)'.") }
                return rest[index]
            }
            switch option {
            case "--format":
                let text = try value()
                guard let known = OutputFormat(rawValue: text) else {
                    throw ValidationError("--format is '\(text)', wanted text or json.")
                }
                format = known
            case "--threads", "--plugin-path", "--plugin-target": hostWords += [option, try value()]
            case "--base": base = try value()
            case "--tolerant": isTolerant = true
            case "-h", "--help": wantsHelp = true
            default: left.append(word)
            }
            index += 1
        }
        if let first = left.first {
            guard !first.hasPrefix("-") else {
                throw ValidationError("'\(first)' stands before the task's name, wanted behind it.")
            }
            name = first
            left.removeFirst()
        }
        rest = left
        return try HostOptions.parse(hostWords)
    }

    /// What is left, read by the task's schema: "--top 5", "--top=5", "--flag", "--no-flag"; lists by repetition or commas.
    mutating func attributes(of task: ComponentDescription) throws -> JSONObject {
        var given = JSONObject()
        var index = 0
        while index < rest.count {
            let word = rest[index]
            index += 1
            if word == "--" {
                arguments += rest[index...]
                break
            }
            // "-1" is a number, "-" is standard input.
            guard word.hasPrefix("--") else {
                arguments.append(word)
                continue
            }
            let option = String(word.prefix { $0 != "=" }).dropFirst(2)
            let key = String(option).underscored
            var inline: String? = option.count + 2 < word.count ? String(word.dropFirst(option.count + 3)) : nil
            if let schema = task.attributes.first(where: { $0.name == key }) {
                if schema.accepted == .bool, inline == nil {
                    given[key] = .bool(true)
                    continue
                }
                if inline == nil {
                    guard index < rest.count else { throw ValidationError("Missing value for '\(word)'.") }
                    inline = rest[index]
                    index += 1
                }
                given[key] = try value(inline!, schema, before: given[key])
            } else if key.hasPrefix("no_"), inline == nil,
                let schema = task.attributes.first(where: { "no_" + $0.name == key }), schema.accepted == .bool
            {
                given[schema.name] = .bool(false)
            } else {
                let known = task.attributes.map { "--" + $0.name.dashed }
                throw ValidationError(
                    "'\(task.shortName)' has no option '--\(option)'\(Suggestion.question(for: "--" + option, among: known))"
                        + (known.isEmpty ? "." : "; it has \(known.joined(separator: ", "))."))
            }
        }
        return given
    }

    private func value(_ text: String, _ schema: AttributeSchema, before: JSON?) throws -> JSON {
        let accepted = schema.accepted
        if !accepted.isDisjoint(with: [.integers, .reals, .strings]) {
            var values: [JSON] = []
            if case .array(let earlier)? = before { values = earlier }
            let parts = accepted.contains(.strings) ? Self.texts(text) : text.split(separator: ",").map(String.init)
            for part in parts { values.append(scalar(part, accepted)) }
            return .array(values)
        }
        return scalar(text, accepted)
    }

    /// What stands between commas; a comma behind a backslash belongs to a text.
    private static func texts(_ list: String) -> [String] {
        var texts = [""]
        var isEscaped = false
        for character in list {
            switch (character, isEscaped) {
            case ("\\", false): isEscaped = true
            case (",", false): texts.append("")
            default:
                if isEscaped, character != "," { texts[texts.count - 1].append("\\") }
                texts[texts.count - 1].append(character)
                isEscaped = false
            }
        }
        if isEscaped { texts[texts.count - 1].append("\\") }
        return texts
    }

    /// The narrowest value that the text is; what the schema does not take, it refuses with its own words.
    private func scalar(_ text: String, _ accepted: AttributeTypes) -> JSON {
        let takesText = !accepted.isDisjoint(with: [.string, .strings])
        if accepted.contains(.bool), let value = Bool(text) { return .bool(value) }
        if !accepted.isDisjoint(with: [.integer, .integers, .real, .reals]) {
            if let value = Int64(text) { return .integer(value) }
            if let value = Double(text), value.isFinite, !takesText || text.first?.isNumber == true {
                return .number(value)
            }
        }
        return .string(text)
    }
}

/// Prints what a task answers.
private final class TaskPrinter: TaskObserver {
    private let format: OutputFormat
    private var rows: [JSON] = []
    private var texts = ""
    private var endsLine = true
    private var lastShown = 0.0

    init(_ format: OutputFormat) { self.format = format }

    func row(_ cells: JSONObject) {
        if format == .json {
            rows.append(.object(cells))
        } else {
            endLine()
            Terminal.clearProgress()
            Terminal.result(
                cells.members.map { member in
                    switch member.value {
                    // A cell stays on its line, and writes nothing else on a terminal.
                    case .string(let text): Text.printable(text)
                    case .number(let value): Text.decimal(value, 4)
                    case let other: other.text()
                    }
                }.joined(separator: "\t"))
        }
    }

    func text(_ text: String) {
        guard format == .text else { return texts += text }
        Terminal.clearProgress()
        Terminal.write(text)
        if let last = text.last { endsLine = last == "\n" }
    }

    func wrote(file path: String) {
        endLine()
        Terminal.message("wrote \(path)")
    }

    func progress(_ done: Int, of total: Int) {
        if done == total { return Terminal.clearProgress() }
        let now = Terminal.now
        guard now - lastShown >= 0.1 else { return }
        lastShown = now
        Terminal.progress("\(done)/\(total)")
    }

    /// Ends the line of running text.
    func endLine() {
        if !endsLine { Terminal.result("") }
        endsLine = true
    }

    func finish() {
        guard format == .json else { return }
        // Running text is an object of its own, behind the rows.
        if !texts.isEmpty { rows.append(["text": .string(texts)]) }
        JSON.array(rows).show()
    }
}
