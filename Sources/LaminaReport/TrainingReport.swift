import Glibc
import LaminaFormats

/// The files that a training run writes beside its model: history, curves, confusion matrix, TensorBoard events.
///
/// With the archive `dir/net.lamina` they are `dir/net.history.csv`, `dir/net.history.jsonl`, `dir/net.curves.svg`,
/// `dir/net.confusion.svg`, `dir/net.recipe.yaml` and the folders `dir/net.tensorboard` and `dir/net.samples`. Every file is replaced as a
/// whole, so that a reader never meets half of one; only events are appended, for TensorBoard follows the open file.
public final class TrainingReport {
    /// The network's name: the title of the charts.
    public let name: String
    /// The names of the classes, where there are any: for `ConfusionMatrix`.
    public let classes: [String]

    private let base: String
    private let isResumed: Bool
    private var events: EventLog
    private var written: Set<Part> = []

    private enum Part: String, CaseIterable {
        case csv = "history.csv"
        case jsonLines = "history.jsonl"
        case curves = "curves.svg"
        case confusion = "confusion.svg"
        case recipe = "recipe.yaml"
        case tensorBoard = "tensorboard"
        case samples = "samples"
    }

    /// A report beside the archive at `archive`, a path that ends in ".lamina"; writes nothing yet.
    ///
    /// A resumed run goes on with the events that are there: epochs keep the time at which they ended.
    ///
    /// - Throws: `FileError` when the folder is not there or nothing can be written in it.
    public init(archive: String, name: String, classes: [String], isResumed: Bool) throws(FileError) {
        base = Self.base(archive)
        let folder = String(
            archive.dropLast(archive.split(separator: "/", omittingEmptySubsequences: false).last?.count ?? 0))
        guard access(folder.isEmpty ? "." : folder, W_OK | X_OK) == 0 else {
            throw FileError("write files in", folder.isEmpty ? "." : folder)
        }
        self.name = name
        self.classes = classes
        self.isResumed = isResumed
        events = EventLog(folder: "\(base).\(Part.tensorBoard.rawValue)", goesOn: isResumed)
    }

    private static func base(_ archive: String) -> String {
        let suffix = ".lamina"
        let fileName = archive.split(separator: "/", omittingEmptySubsequences: false).last ?? ""
        return fileName.hasSuffix(suffix) && fileName != suffix ? String(archive.dropLast(suffix.count)) : archive
    }

    /// All that a report beside this archive may write.
    public static func paths(archive: String) -> [String] {
        Part.allCases.map { "\(base(archive)).\($0.rawValue)" }
    }

    /// Where the resolved recipe goes.
    public static func recipePath(archive: String) -> String { "\(base(archive)).\(Part.recipe.rawValue)" }

    /// The paths written so far, for a closing message; the events stand as their folder.
    public var files: [String] { Part.allCases.filter(written.contains).map(path) }

    /// The recipe, with all that the command line changed, which is written as `<base>.recipe.yaml` with the first history: a run
    /// that fails before leaves the recipe of the archive that is there.
    public var recipe: String?

    /// Writes the recipe, unless it is.
    public func writeRecipe() throws(FileError) {
        guard let recipe, !written.contains(.recipe) else { return }
        try write(recipe, as: .recipe)
    }

    /// Writes all other files for the whole `history`; call it after every epoch.
    ///
    /// - Parameter confusion: of the last epoch's evaluation; nil leaves the file of an earlier epoch in place.
    public func write(_ history: [HistoryRow], confusion: ConfusionMatrix?) throws(FileError) {
        let table = HistoryTable(history)
        try writeRecipe()
        try write(table.csv, as: .csv)
        try write(table.jsonLines, as: .jsonLines)
        try write(CurvesChart(table, title: name).svg, as: .curves)
        if let confusion {
            try write(ConfusionChart(confusion, title: name).svg, as: .confusion)
        } else if !isResumed, !written.contains(.confusion) {
            // Left by an earlier run, it would be taken for this one's.
            unlink(path(.confusion))
        }
        try events.write(table)
        written.insert(.tensorBoard)
    }

    /// Writes a file for people to look at into the folder `<base>.samples`, such as `epoch-0001.png`.
    ///
    /// What an earlier run has left there of its epochs goes first: beside this one's files it would be taken for its.
    public func write(sample name: String, _ bytes: UnsafeRawBufferPointer) throws(FileError) {
        let folder = path(.samples)
        guard mkdir(folder, 0o777) == 0 || errno == EEXIST else { throw FileError("make the folder", folder) }
        if !isResumed, !written.contains(.samples) { Self.removeEpochs(in: folder) }
        try AtomicFile.replace("\(folder)/\(name)", with: Array(bytes))
        written.insert(.samples)
    }

    /// Removes `epoch-<number>.png`.
    private static func removeEpochs(in folder: String) {
        guard let list = opendir(folder) else { return }
        defer { closedir(list) }
        while let entry = readdir(list) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            let number = name.dropFirst("epoch-".count).dropLast(".png".count)
            guard name.hasPrefix("epoch-"), name.hasSuffix(".png"), !number.isEmpty,
                number.utf8.allSatisfy({ (0x30...0x39).contains($0) })
            else { continue }
            unlink("\(folder)/\(name)")
        }
    }

    private func path(_ part: Part) -> String { "\(base).\(part.rawValue)" }

    private func write(_ text: String, as part: Part) throws(FileError) {
        try AtomicFile.replace(path(part), with: Array(text.utf8))
        written.insert(part)
    }
}

extension AtomicFile {
    /// Puts `content` at `path`, whole or not at all.
    static func replace(_ path: String, with content: [UInt8]) throws(FileError) {
        let file = try AtomicFile(replacing: path)
        defer { file.discard() }
        try content.withUnsafeBufferPointer { bytes throws(FileError) in try file.write(UnsafeRawBufferPointer(bytes)) }
        try file.commit()
    }
}
