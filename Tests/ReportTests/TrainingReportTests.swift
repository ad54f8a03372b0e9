import Foundation
import LaminaFormats
import Testing

@testable import LaminaReport

@Suite("Report: files")
struct TrainingReportTests {
    private let rows = [row(1, 0.5, [("test_accuracy", 0.9)])]
    private let matrix = ConfusionMatrix(classes: ["a", "b"], counts: [1, 0, 0, 1])

    @Test("all files beside the archive, named after it")
    func files() throws {
        let folder = try Folder()
        let base = folder.path + "/my.net"
        let report = try TrainingReport(archive: base + ".lamina", name: "net", classes: ["a", "b"], isResumed: false)
        #expect(report.files.isEmpty && folder.names.isEmpty)
        report.recipe = "lamina: 1\n"
        try report.write(rows, confusion: nil)
        #expect(!report.files.contains(base + ".confusion.svg"))
        try report.write(rows, confusion: matrix)
        #expect(
            report.files.map { $0.dropFirst(base.count) } == [
                ".history.csv", ".history.jsonl", ".curves.svg", ".confusion.svg", ".recipe.yaml", ".tensorboard",
            ])
        #expect(folder.names.map { "\(folder.path)/\($0)" } == report.files.sorted())
        #expect(try folder.text("my.net.recipe.yaml") == "lamina: 1\n")
        #expect(try folder.text("my.net.history.csv").hasSuffix("1,100,0.5,0.9,1.0,2.0,500.0\n"))
        #expect(Picture(try folder.text("my.net.curves.svg")).texts[0] == "net: learning curves")
        #expect(Picture(try folder.text("my.net.confusion.svg")).texts[0] == "net: 100.00% accuracy")
    }

    @Test("an archive without the usual ending keeps its whole name")
    func oddNames() throws {
        let folder = try Folder()
        for name in ["model.zip", ".lamina"] {
            let report = try TrainingReport(archive: "\(folder.path)/\(name)", name: "", classes: [], isResumed: false)
            report.recipe = ""
            try report.writeRecipe()
            #expect(report.files == ["\(folder.path)/\(name).recipe.yaml"])
        }
    }

    @Test("a new run removes an old confusion matrix, a resumed one keeps it")
    func staleMatrix() throws {
        let folder = try Folder()
        func report(isResumed: Bool) throws -> TrainingReport {
            try TrainingReport(archive: folder.path + "/m.lamina", name: "m", classes: [], isResumed: isResumed)
        }
        try report(isResumed: false).write(rows, confusion: matrix)
        try report(isResumed: true).write(rows, confusion: nil)
        #expect(folder.names.contains("m.confusion.svg"))
        try report(isResumed: false).write(rows, confusion: nil)
        #expect(!folder.names.contains("m.confusion.svg"))
    }

    @Test("a folder that is not there is told before training, a file in the way when it is met")
    func errors() throws {
        let folder = try Folder()
        let error = #expect(throws: FileError.self) {
            try TrainingReport(archive: folder.path + "/no/m.lamina", name: "m", classes: [], isResumed: false)
        }
        #expect(error?.description == "cannot write files in '\(folder.path)/no/': No such file or directory")
        let report = try TrainingReport(archive: folder.path + "/m.lamina", name: "m", classes: [], isResumed: false)
        try FileManager.default.createDirectory(
            atPath: folder.path + "/m.history.csv", withIntermediateDirectories: false)
        #expect(throws: FileError.self) { try report.write(rows, confusion: nil) }
        try FileManager.default.removeItem(atPath: folder.path + "/m.history.csv")
        try folder.write([1], to: "m.tensorboard")
        #expect(throws: FileError.self) { try report.write(rows, confusion: nil) }
        try FileManager.default.removeItem(atPath: folder.path + "/m.tensorboard")
        try report.write(rows, confusion: nil)
        #expect(report.files.count == 4)
    }
}
