import Foundation
import LaminaFormats
import LaminaSDK
import LaminaTesting
import Testing

@testable import GAN

/// The task `translate` on made-up models: a generator gives the negative, −x, of images from −1 to 1.
@Suite struct TranslateTests {
    private let task = GANCatalogue.tasks.first { $0.name == "translate" }!
    private let folder: String

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("translate-\(UUID())").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    private func remove() { try? FileManager.default.removeItem(atPath: folder) }

    /// Images of 2 × 3 gray pixels; of a cycle, A is gray and B has colours.
    private static func graph(isCycle: Bool = false, channels: Int = 1) -> String {
        func port(_ name: String, _ channels: Int) -> String {
            #"{"name": "\#(name)", "dtype": "float32", "shape": ["N", \#(channels), 2, 3]}"#
        }
        let inputs = isCycle ? [port("a_to_b.image", 1), port("b_to_a.image", 3)] : [port("edges", channels)]
        let outputs =
            isCycle
            ? [
                #"{"name": "a_to_b.output", "from": "a_to_b.tanh"}"#,
                #"{"name": "b_to_a.output", "from": "b_to_a.tanh"}"#,
            ]
            : [#"{"name": "output", "from": "tanh"}"#]
        return #"{"inputs": [\#(inputs.joined(separator: ", "))], "outputs": [\#(outputs.joined(separator: ", "))]}"#
    }

    private static let asset = ["translation.json": Array(#"{"black": -1, "white": 1}"#.utf8)]
    private static let values: [Float] = [-1, 1, 0.6, 0, -0.2, 7]
    /// Of the negatives of the values; from −7 it is cut.
    private static let pixels: [UInt8] = [255, 0, 51, 128, 153, 0]

    /// What a run asked for.
    private final class Log {
        var read: [TaskHarness.FieldRequest] = []
        var computed: [String] = []
    }

    private func run(
        _ attributes: JSONObject, _ pictures: [String], isCycle: Bool = false, shape: [Int] = [1, 1, 2, 3],
        assets: [String: [UInt8]] = asset, graph: String? = nil, log: Log = Log()
    ) throws -> TaskHarness.Answer {
        let model = TaskHarness(
            assets: assets, graph: graph ?? Self.graph(isCycle: isCycle),
            evaluate: { given, wanted in
                log.computed += given.map(\.reference) + wanted
                return [TensorValue(given[0].value.shape, given[0].value.floats.map { -$0 })]
            },
            read: { request in
                log.read.append(request)
                let count = shape.reduce(1, *)
                return TensorValue(shape, (0..<count).map { Self.values[$0 % Self.values.count] })
            })
        return try model.run(task, attributes, arguments: pictures)
    }

    /// Wanted of the PNG files that a task wrote; they are compared by their bytes.
    private func expect(_ path: String, is picture: Picture) throws {
        #expect(try Array(Data(contentsOf: URL(fileURLWithPath: path))) == picture.png(), "\(path)")
    }

    private func picture(_ pixels: [UInt8]) -> Picture {
        var picture = Picture(width: 3, height: 2, channels: 1)
        picture.pixels = pixels
        return picture
    }

    @Test func eachPictureBecomesOneInAFolder() throws {
        defer { remove() }
        let (log, made) = (Log(), folder + "/made")
        let answer = try run(["output": .string(made)], ["a.png", "shoes/b.old.jpg", "c"], log: log)
        #expect(answer.files == ["a.png", "b.old.png", "c.png"].map { made + "/" + $0 })
        for file in answer.files { try expect(file, is: picture(Self.pixels)) }
        #expect(answer.progress == [1 / 3, 2 / 3, 1])
        // A photograph, of which the recipe makes the input.
        #expect(log.read[1] == .init(path: "shoes/b.old.jpg", place: 0, channels: 1, isMade: false))
        #expect(log.computed.prefix(2) == ["edges", "tanh"])
        // The folder may be there; the same pictures have the same bytes.
        #expect(try run(["output": .string(made)], ["a.png"]).files == [made + "/a.png"])
        try expect(made + "/a.png", is: picture(Self.pixels))
    }

    @Test func onePictureOrASheetInAFile() throws {
        defer { remove() }
        let path = folder + "/made.PNG"
        _ = try run(["output": .string(path)], ["a.png"])
        try expect(path, is: picture(Self.pixels))
        #expect(try run(["output": .string(path)], ["a.png", "b/a.png"]).files == [path])
        let source = TensorBuffer(.float32, [2, 1, 2, 3])
        let made = TensorBuffer(.float32, [2, 1, 2, 3])
        defer { withExtendedLifetime((source, made)) {} }
        for index in 0..<12 {
            source.tensor.floats[index] = Self.values[index % 6]
            made.tensor.floats[index] = -Self.values[index % 6]
        }
        var rows = TranslationPicture(count: 2, .init(low: -1, high: 1))
        for images in [source, made] { rows.add(images.tensor) }
        try expect(path, is: #require(rows.picture()))
    }

    @Test func directionsAndWhatIsGiven() throws {
        defer { remove() }
        let path = JSON.string(folder + "/made.png")
        let log = Log()
        _ = try run(["output": path, "given": "input"], ["a.png"], log: log)
        _ = try run(["output": path], ["a.png"], isCycle: true, log: log)
        _ = try run(
            ["output": path, "direction": "b_to_a", "given": "data"], ["a.png"], isCycle: true, shape: [1, 3, 2, 3],
            log: log)
        #expect(
            log.read == [
                .init(path: "a.png", place: 0, channels: 1, isMade: true),
                .init(path: "a.png", place: 0, channels: 1, isMade: true),
                .init(path: "a.png", place: 1, channels: 3, isMade: false),
            ])
        #expect(log.computed == ["edges", "tanh", "a_to_b.image", "a_to_b.tanh", "b_to_a.image", "b_to_a.tanh"])
    }

    private func refuses(_ texts: String..., body: () throws -> TaskHarness.Answer) {
        let error = #expect(throws: CallError.self) { try body() }
        for text in texts { #expect(error?.text.contains(text) ?? false, "\(error?.text ?? "")") }
    }

    @Test func mistakes() throws {
        defer { remove() }
        let output: JSONObject = ["output": .string(folder + "/made")]
        refuses("wanted [1, 2, 3]", "is [1, 4, 3]", "3 × 2 pixels") { try run(output, ["a.png"], shape: [1, 1, 4, 3]) }
        refuses("b.npy: has 2 samples") { try run(output, ["b.npy"], shape: [2, 1, 2, 3]) }
        refuses("no direction 'up'", "a_to_b and b_to_a") {
            try run(output.merging(["direction": "up"]), ["a.png"], isCycle: true)
        }
        refuses("leave out --direction a_to_b") { try run(output.merging(["direction": "a_to_b"]), ["a.png"]) }
        refuses("makes no images of images", "the task generate") { try run(output, ["a.png"], assets: [:]) }
        refuses("translation.json: black is 1.0") {
            try run(output, ["a.png"], assets: ["translation.json": Array(#"{"black": 1, "white": 1}"#.utf8)])
        }
        refuses("translation.json") { try run(output, ["a.png"], assets: ["translation.json": Array("{}".utf8)]) }
        refuses("no gray or RGB picture") { try run(output, ["a.png"], graph: Self.graph(channels: 2)) }
        refuses("0 inputs and 0 outputs") { try run(output, ["a.png"], graph: #"{"inputs": [], "outputs": []}"#) }
        refuses("got none") { try run(output, []) }
        refuses("would both be", "made/a.png") { try run(output, ["a.png", "b/a.jpg"]) }
    }

    @Test func nothingThatIsReadIsWrittenOver() throws {
        defer { remove() }
        let picture = folder + "/a.png"
        try Data([1, 2, 3]).write(to: URL(fileURLWithPath: picture))
        refuses("written over \(picture)") { try run(["output": .string(folder)], [picture]) }
        refuses("written over \(picture)") { try run(["output": .string(folder + "/./a.png")], [picture, "b.png"]) }
        let file = folder + "/file"
        try Data().write(to: URL(fileURLWithPath: file))
        refuses("no folder can be made", "ends in .png") { try run(["output": .string(file)], ["b.png"]) }
        #expect(try Data(contentsOf: URL(fileURLWithPath: picture)) == Data([1, 2, 3]))
    }
}
