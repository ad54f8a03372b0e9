import LaminaSDK

/// Splits delimited text into records and cells, strictly after RFC 4180: quoted cells may hold separators, line ends
/// and doubled quotes; lines end in LF or CRLF. A byte-order mark is skipped.
struct CSVParser {
    /// A cell's place in the text; of a quoted one, what stands between the quotes.
    struct Cell {
        var start: Int
        var end: Int
        var isQuoted = false
        var hasDoubledQuotes = false
    }

    let text: UnsafeBufferPointer<UInt8>
    private let path: String
    private let separator: UInt8
    private let isQuoted: Bool
    private var position: Int
    /// The line, counted from 1, that the record read last begins on.
    private(set) var line = 0
    private var nextLine = 1

    /// - Parameters:
    ///   - separator: an ASCII character other than quotes and line ends.
    ///   - isQuoted: whether quotes mean something; otherwise they are characters like others.
    ///
    /// The text must outlive the parser.
    init(
        _ bytes: UnsafeRawBufferPointer, separator: UInt8, isQuoted: Bool = true, path: String
    ) throws(PluginError) {
        text = bytes.bindMemory(to: UInt8.self)
        self.path = path
        self.separator = separator
        self.isQuoted = isQuoted
        position = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
            throw .data("'\(path)' is UTF-16; save it as UTF-8")
        }
    }

    private static let quote = UInt8(ascii: "\"")
    private static let lineFeed = UInt8(ascii: "\n")
    private static let carriageReturn = UInt8(ascii: "\r")

    /// Replaces `cells` by the next record's. Returns false at the end; blank lines before the end belong to it.
    mutating func next(into cells: inout [Cell]) throws(PluginError) -> Bool {
        cells.removeAll(keepingCapacity: true)
        line = nextLine
        if isAtBlankEnd { return false }
        while true {
            cells.append(isQuoted && position < text.count && text[position] == Self.quote ? try quoted() : try plain())
            if position == text.count { return true }
            let terminator = text[position]
            position += 1
            if terminator != separator {
                if terminator == Self.carriageReturn, position < text.count { position += 1 }
                nextLine += 1
                return true
            }
        }
    }

    private var isAtBlankEnd: Bool {
        text[position...].allSatisfy { $0 == Self.lineFeed || $0 == Self.carriageReturn }
    }

    /// Whether a cell ends here: at a separator, a line end (also a CR at the end, whose LF is cut off), or the end.
    private func isEnd(_ position: Int) -> Bool {
        guard position < text.count else { return true }
        let byte = text[position]
        return byte == separator || byte == Self.lineFeed
            || (byte == Self.carriageReturn && (position + 1 == text.count || text[position + 1] == Self.lineFeed))
    }

    private mutating func plain() throws(PluginError) -> Cell {
        let start = position
        while !isEnd(position) {
            guard text[position] != Self.quote || !isQuoted else {
                throw failure("a quote in the middle of a cell; quote the whole cell and double the quotes in it")
            }
            guard text[position] != 0 else { throw failure("a NUL byte; this is no text") }
            position += 1
        }
        return Cell(start: start, end: position)
    }

    private mutating func quoted() throws(PluginError) -> Cell {
        let firstLine = nextLine
        position += 1
        var cell = Cell(start: position, end: position, isQuoted: true)
        while position < text.count {
            let byte = text[position]
            if byte == Self.quote {
                if position + 1 < text.count, text[position + 1] == Self.quote {
                    cell.hasDoubledQuotes = true
                    position += 1
                } else {
                    cell.end = position
                    position += 1
                    guard isEnd(position) else { throw failure("text after a closing quote") }
                    return cell
                }
            } else if byte == Self.lineFeed {
                nextLine += 1
            } else if byte == 0 {
                throw failure("a NUL byte; this is no text")
            }
            position += 1
        }
        throw .data("'\(path)', line \(firstLine): a quote is opened and never closed")
    }

    private func failure(_ what: String) -> PluginError { .data("'\(path)', line \(nextLine): \(what)") }
}

extension CSVParser {
    /// The cell's bytes, without the blanks around an unquoted one.
    func trimmed(_ cell: Cell) -> UnsafeBufferPointer<UInt8> {
        var (start, end) = (cell.start, cell.end)
        func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        if !cell.isQuoted {
            while start < end, isBlank(text[start]) { start += 1 }
            while start < end, isBlank(text[end - 1]) { end -= 1 }
        }
        return UnsafeBufferPointer(rebasing: text[start..<end])
    }

    /// The cell's text; nil when it is not UTF-8.
    func string(_ cell: Cell) -> String? {
        let bytes = trimmed(cell)
        guard cell.hasDoubledQuotes else { return String(validating: bytes, as: UTF8.self) }
        var single: [UInt8] = []
        var index = 0
        while index < bytes.count {
            single.append(bytes[index])
            index += bytes[index] == Self.quote ? 2 : 1
        }
        return String(validating: single, as: UTF8.self)
    }

    /// The cell for a message: shortened, without control characters.
    func shown(_ cell: Cell) -> String {
        let bytes = trimmed(cell)
        let text = String(decoding: bytes.prefix(40), as: UTF8.self)
        let clean = String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 0x20 ? "\u{FFFD}" : $0 }))
        return bytes.count > 40 ? "'\(clean)…'" : "'\(clean)'"
    }
}
