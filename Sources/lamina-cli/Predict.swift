import ArgumentParser
import Glibc
import Lamina
import LaminaFormats

struct Predict: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "predict",
        abstract: "Predict samples from files: images, tables, arrays, texts; or a text itself.",
        discussion: """
            A file is read by the installed source that knows its ending. "-" reads standard input. For a model of texts, \
            what names no file is the text, and of other files than tables each line is one.
            """)

    @Argument(help: "The archive.")
    var model: String

    @Argument(help: "Files to predict, or texts; - for standard input.")
    var inputs: [String]

    @Option(help: "How many classes to show per sample.")
    var top = 3

    @Option(help: "The ending that says how to read a file that has none, such as standard input: png, csv, npy.")
    var type: String?

    @Flag(help: "Accept an archive that was zipped again by another tool.")
    var tolerant = false

    @OptionGroup var base: BaseOption
    @OptionGroup var format: FormatOption
    @OptionGroup var host: HostOptions

    func validate() throws {
        if top < 1 { throw ValidationError("--top is \(top), wanted at least 1") }
    }

    func run() throws {
        let model = try Model.open(self.model, base: base.base, tolerant: tolerant, registry: host.registry())
        let type = type?.lowercased()
        var predictions: [Prediction] = []
        for input in inputs {
            if input == "-" {
                predictions += try StandardInput.withFile(type ?? (model.readsText ? "" : nil)) { path, suffix in
                    do {
                        return try model.predict(file: path, suffix: suffix, top: top).map { $0.from("-") }
                    } catch let error as LaminaError {
                        throw LaminaError(error.kind, error.text.replacing(path, with: "standard input"))
                    }
                }
            } else if model.readsText, try TextArgument.isText(input) {
                predictions += try model.predict(texts: [input], names: [TextArgument.name(input)], top: top)
            } else {
                predictions += try model.predict(file: input, suffix: type, top: top)
            }
        }
        if format.format == .json {
            JSON.array(predictions.map(\.json)).show()
        } else {
            for prediction in predictions { Terminal.result(prediction.line) }
        }
    }
}

extension Prediction {
    func from(_ name: String) -> Prediction {
        var renamed = self
        renamed.source = name + (source.split(separator: ":").dropFirst().last.map { ":\($0)" } ?? "")
        return renamed
    }

    var line: String {
        if classes.isEmpty { return "\(source)\t" + output.texts.joined(separator: " ") }
        let answers = classes.map { "\($0.label) \(Text.percent(Double($0.probability)))" }
        return "\(source)\t" + answers.joined(separator: "\t")
    }

    var json: JSON {
        var object = JSONObject([("source", .string(source))])
        if classes.isEmpty {
            object.append("shape", .array(shape.map { .integer(Int64($0)) }))
            object.append("values", .array(output.json))
        } else {
            object.append(
                "classes",
                .array(
                    classes.map {
                        [
                            "label": .string($0.label), "index": .integer(Int64($0.index)),
                            "probability": .number(Double($0.probability)),
                        ]
                    }))
        }
        return .object(object)
    }
}

/// Arguments that may be texts or paths.
enum TextArgument {
    /// Whether an argument is a text rather than the name of a file: there is no such file, and it does not look like one.
    static func isText(_ argument: String) throws -> Bool {
        if access(argument, F_OK) == 0 { return false }
        let isPath = !argument.contains(where: \.isWhitespace) && argument.contains("/")
        let ending = argument.contains(where: \.isWhitespace) ? nil : argument.split(separator: ".").dropFirst().last
        guard isPath || ["txt", "tsv", "csv"].contains(ending?.lowercased()) else { return true }
        throw LaminaError(.data, "there is no file '\(argument)'; to predict this as a text, give it on standard input")
    }

    /// The text as results show it: on one line, and not too long.
    static func name(_ text: String) -> String {
        if text.allSatisfy(\.isWhitespace) { return "the argument" }
        let shown = Text.printable(String(text.prefix(60)))
        return text.count > 60 ? shown + "…" : shown
    }
}

/// Standard input as a file, because sources read files.
enum StandardInput {
    private static let limit = 1 << 30

    static func withFile<Result>(_ suffix: String?, _ body: (String, String) throws -> Result) throws -> Result {
        // Sources look at the ending, too: it tells the separator of a table.
        let ending = suffix.map { $0.isEmpty || $0.contains("/") ? "" : "." + $0 } ?? ""
        var template = Array("/tmp/lamina-input-XXXXXX\(ending)".utf8CString)
        let descriptor = mkstemps(&template, Int32(ending.utf8.count))
        guard descriptor >= 0 else {
            throw LaminaError(.data, "no temporary file for standard input can be made in /tmp")
        }
        let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer {
            close(descriptor)
            unlink(path)
        }
        var start: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        var total = 0
        while true {
            let count = read(STDIN_FILENO, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            total += count
            guard total <= limit else { throw LaminaError(.data, "standard input is longer than \(Text.bytes(limit))") }
            if start.count < 8 { start += buffer[..<min(count, 8)] }
            var written = 0
            while written < count {
                let step = buffer[written..<count].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
                guard step > 0 else {
                    throw LaminaError(.data, "standard input cannot be stored in /tmp: the disk is full")
                }
                written += step
            }
        }
        guard total > 0 else { throw LaminaError(.data, "standard input is empty") }
        return try body(path, suffix ?? guess(start))
    }

    /// By the first bytes of PNG, JPEG and NPY files; anything else is a table.
    private static func guess(_ start: [UInt8]) -> String {
        if start.starts(with: [0x89, 0x50, 0x4E, 0x47]) { return "png" }
        if start.starts(with: [0xFF, 0xD8, 0xFF]) { return "jpg" }
        if start.starts(with: [0x93, 0x4E, 0x55, 0x4D]) { return "npy" }
        return "csv"
    }
}
