import Foundation
import LaminaSDK
import LaminaTesting
import Testing

/// The plugin in C is built by its Makefile, loaded as a host loads it, and passes checkLayer.
@Suite struct MinimalCTests {
    static let example = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../Examples/MinimalC").standardizedFileURL

    /// The library's path; it is built once, into a folder of its own.
    static let path: Result<String, any Error> = Result {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("MinimalC-" + UUID().uuidString)
        let (status, text) = try run("make", "-C", example.path, "CC=clang", "OUT=" + folder.path)
        guard status == 0 else { throw PluginError.internal("make failed: \(text)") }
        return folder.appendingPathComponent("libminimal_c.so").path
    }
    static let library: Result<PluginLibrary, any Error> = Result {
        try PluginLibrary(path: path.get(), host: TestHost())
    }

    static func run(_ arguments: String...) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        let pipe = Pipe()
        (process.standardOutput, process.standardError) = (pipe, pipe)
        try process.run()
        let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, output)
    }

    func swish() throws -> Component { try Self.library.get().component("layer", "swish") }

    @Test func theCatalogue() throws {
        let library = try Self.library.get()
        #expect(library.id == "minimal_c")
        #expect(library.components.map(\.name) == ["swish"])
    }

    /// Against the formula in double precision.
    @Test func values() throws {
        let layer = try LayerHarness(swish(), ["beta": 1.5])
        let x: [Float] = [-3, -0.5, 0, 0.5, 20]
        let result = try layer.train([TensorValue([5], x)])
        for (index, x) in x.map(Double.init).enumerated() {
            let s = 1 / (1 + exp(-1.5 * x))
            #expect(abs(Double(result.outputs[0].floats[index]) - x * s) < 1e-6 * max(1, abs(x)))
            let slope = s + 1.5 * x * s * (1 - s)
            #expect(abs(Double(result.inputGradients[0]!.floats[index]) - slope) < 1e-6)
        }
    }

    @Test func rules() throws {
        let faults = try checkLayer(
            swish(),
            cases: [
                LayerCase(.normal([4, 3])), LayerCase(["beta": -2], .normal([2, 3, 4, 5])), LayerCase(.normal([])),
                LayerCase(rejects: "not float32", [:], .integers([3], 0..<5)),
                LayerCase(rejects: "beta: wanted a number, got the text 'steep'", ["beta": "steep"], .normal([3])),
            ])
        #expect(faults == [])
    }

    @Test func exportsNothingElse() throws {
        let symbols = try Self.run("nm", "-D", "-g", "--defined-only", Self.path.get()).output.split(separator: "\n")
        #expect(symbols.map { $0.split(separator: " ").last! } == ["lamina_plugin_v1"])
    }

    @Test func whatIsNoPluginIsNamed() throws {
        let missing = #expect(throws: PluginLibraryError.self) {
            try PluginLibrary(path: "/nowhere/libx.so", host: TestHost())
        }
        #expect(missing?.description.hasPrefix("cannot load /nowhere/libx.so: ") == true)
        let foreign = #expect(throws: PluginLibraryError.self) {
            try PluginLibrary(path: "libm.so.6", host: TestHost())
        }
        #expect(foreign?.description == "libm.so.6 does not export lamina_plugin_v1")
        let component = #expect(throws: PluginLibraryError.self) {
            try Self.library.get().component("loss", "swish")
        }
        #expect(component?.description == "plugin 'minimal_c' has no loss 'swish'")
    }
}
