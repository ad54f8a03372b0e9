import Glibc
import Lamina
import LaminaFormats
import LaminaTraining

/// What the command says: results to standard output, everything else to standard error.
enum Terminal {
    static let isErrorATerminal = isatty(STDERR_FILENO) == 1
    /// NO_COLOR is honoured whatever its value, as no-color.org asks.
    static let hasColor = isErrorATerminal && (getenv("NO_COLOR").map { $0.pointee == 0 } ?? true)
    nonisolated(unsafe) private static var progressWidth = 0

    /// A line of the result.
    static func result(_ text: String) { write(STDOUT_FILENO, text + "\n") }

    /// A piece of the result, without an end of line.
    static func write(_ text: String) { write(STDOUT_FILENO, text) }

    /// A line about what is going on.
    static func message(_ text: String) {
        clearProgress()
        write(STDERR_FILENO, text + "\n")
    }

    static func warning(_ text: String) { message(color("warning: ", 33) + text) }
    static func error(_ text: String) { message(color("error: ", 31) + text) }

    private static func color(_ text: String, _ code: Int) -> String {
        hasColor ? "\u{1B}[1;\(code)m\(text)\u{1B}[0m" : text
    }

    /// Replaces the progress line; only for terminals.
    static func progress(_ text: String) {
        guard isErrorATerminal else { return }
        let line = String(text.prefix(columns - 1))
        write(STDERR_FILENO, "\r" + line + String(repeating: " ", count: max(0, progressWidth - line.count)))
        progressWidth = line.count
    }

    static func clearProgress() {
        guard progressWidth > 0 else { return }
        write(STDERR_FILENO, "\r" + String(repeating: " ", count: progressWidth) + "\r")
        progressWidth = 0
    }

    static var columns: Int {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 20 else { return 100 }
        return Int(size.ws_col)
    }

    static func flushAndExit(_ status: Int32) -> Never {
        clearProgress()
        exit(status)
    }

    private static func write(_ descriptor: Int32, _ text: String) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                // A closed pipe is the reader's way to say that it has enough. Results must not be lost in silence otherwise.
                if descriptor == STDOUT_FILENO, errno != EPIPE {
                    error("cannot write to standard output: \(String(cString: strerror(errno)))")
                    exit(LaminaError.Kind.data.exitCode)
                }
                return
            }
            bytes = bytes.dropFirst(count)
        }
    }

    static var now: Double { Clock.now }
}

/// Numbers as people read them.
enum Text {
    /// Fixed decimals without Foundation: 0.9123 → "0.912".
    static func decimal(_ value: Double, _ digits: Int) -> String {
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        // Scaled, it has to be exact as a number and to fit an integer.
        guard value.isFinite, abs(value) < 9e15 / scale else { return "\(value)" }
        let scaled = (abs(value) * scale).rounded()
        let whole = Int(scaled / scale)
        let rest = "\(Int(scaled - Double(whole) * scale))"
        let sign = value < 0 && scaled > 0 ? "-" : ""
        return digits == 0
            ? "\(sign)\(whole)" : "\(sign)\(whole).\(String(repeating: "0", count: digits - rest.count))\(rest)"
    }

    static func percent(_ value: Double) -> String { decimal(value * 100, 2) + " %" }

    /// "12.3 MiB"
    static func bytes(_ count: Int) -> String {
        let units = ["B", "KiB", "MiB", "GiB", "TiB"]
        var (value, unit) = (Double(count), 0)
        while value >= 1024, unit < units.count - 1 { (value, unit) = (value / 1024, unit + 1) }
        return unit == 0 ? "\(count) B" : "\(decimal(value, 1)) \(units[unit])"
    }

    /// "2.4 G"
    static func scaled(_ value: Double) -> String {
        let units = ["", "k", "M", "G", "T", "P"]
        var (value, unit) = (value, 0)
        while value >= 1000, unit < units.count - 1 { (value, unit) = (value / 1000, unit + 1) }
        return decimal(value, unit == 0 ? 0 : 2) + (unit == 0 ? "" : " " + units[unit])
    }

    static func duration(_ seconds: Double) -> String {
        if seconds < 60 { return decimal(seconds, 1) + " s" }
        let whole = Int(seconds.rounded())
        let minutes = "\(whole / 60) min \(whole % 60) s"
        return whole < 3600 ? minutes : "\(whole / 3600) h \(whole / 60 % 60) min"
    }

    /// A short duration: "3.41 ms", "43.2 µs".
    static func time(_ seconds: Double) -> String {
        if seconds >= 1 { return decimal(seconds, 2) + " s" }
        return seconds >= 1e-3 ? decimal(seconds * 1e3, 2) + " ms" : decimal(seconds * 1e6, 1) + " µs"
    }

    /// A word as a shell reads it back.
    static func quoted(_ word: String) -> String {
        let isPlain = word.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "-_./=:,+@%".utf8.contains(byte)
            }
        }
        if isPlain, !word.isEmpty { return word }
        return "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }

    /// With a blank for each character that must not be printed on a line; see `PlainText`.
    static func printable(_ text: String) -> String {
        if PlainText.fault(in: text) == nil { return text }
        return String(text.map { PlainText.fault(in: String($0)) == nil ? $0 : " " })
    }

    static func pad(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    static func padLeft(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }

    /// Columns side by side; `right` names those aligned to the right.
    static func table(_ header: [String], _ rows: [[String]], right: Set<Int> = []) -> String {
        let widths = header.indices.map { column in ([header] + rows).map { $0[column].count }.max() ?? 0 }
        func line(_ cells: [String]) -> String {
            let padded = cells.enumerated().map { index, cell in
                right.contains(index) ? padLeft(cell, widths[index]) : pad(cell, widths[index])
            }
            var text = padded.joined(separator: "  ")
            while text.hasSuffix(" ") { text.removeLast() }
            return text
        }
        return ([line(header)] + rows.map(line)).joined(separator: "\n")
    }
}
