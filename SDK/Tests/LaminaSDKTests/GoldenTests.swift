import Foundation
import LaminaFormats
import LaminaSDK
import LaminaTesting
import Testing

/// Golden files: what agrees passes, what differs is named, what is misspelt is refused.
@Suite struct GoldenTests {
    /// Writes a file and hands its path to `body`.
    func withFile<Result>(
        _ metadata: [(String, String)], _ tensors: [(String, TensorValue)], _ body: (String) throws -> Result
    ) throws -> Result {
        let path = NSTemporaryDirectory() + UUID().uuidString + ".safetensors"
        defer { try? FileManager.default.removeItem(atPath: path) }
        var sources: [Safetensors.Source] = []
        var memory: [UnsafeMutableRawBufferPointer] = []
        defer { memory.forEach { $0.deallocate() } }
        for (name, value) in tensors {
            let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: value.bytes.count, alignment: 8)
            copy.copyBytes(from: value.bytes)
            memory.append(copy)
            let dtype: Safetensors.DType = value.dtype == .float32 ? .f32 : .i64
            sources.append(.init(name: name, dtype: dtype, shape: value.shape, bytes: UnsafeRawBufferPointer(copy)))
        }
        try Safetensors.write(sources, metadata: metadata, path: path)
        return try body(path)
    }

    /// y = w·x² with w = 2.
    func tensors(_ change: (inout [String: TensorValue]) -> Void = { _ in }) -> [(String, TensorValue)] {
        mainThreadOfCall.mark()
        var tensors: [String: TensorValue] = [
            "a/input.0": TensorValue([1, 3, 1], [1, 2, -3]), "a/parameter.weight": TensorValue([1], [2]),
            "a/output.0": TensorValue([1, 3, 1], [2, 8, 18]),
            "a/output_gradient.0": TensorValue([1, 3, 1], [1, 1, 10]),
            "a/input_gradient.0": TensorValue([1, 3, 1], [4, 8, -120]),
            "a/parameter_gradient.weight": TensorValue([1], [95]),
        ]
        change(&tensors)
        return tensors.sorted { $0.key < $1.key }
    }

    func check(_ metadata: String = "{}", _ tensors: [(String, TensorValue)]) throws -> [String] {
        try withFile([("a", metadata)], tensors) { try checkLayer(.layer(ScaleLayer.self), golden: $0) }
    }

    @Test func agreementPasses() throws {
        #expect(try check("{}", tensors()) == [])
        let close = tensors { $0["a/output.0"] = TensorValue([1, 3, 1], [2, 8, 18.0001]) }
        #expect(try check("{}", close) == [])
        #expect(try !check(#"{"tolerance": {"output": 1e-6}}"#, close).isEmpty)
    }

    @Test func differencesAreNamed() throws {
        let output = try check("{}", tensors { $0["a/output.0"] = TensorValue([1, 3, 1], [2, 8.01, 18]) })
        #expect(output.first?.hasPrefix("a: output 0 differs at [0, 1, 0]: got 8.0, wanted 8.01") == true, "\(output)")
        let gradient = try check("{}", tensors { $0["a/input_gradient.0"] = TensorValue([1, 3, 1], [4, 8, 120]) })
        #expect(gradient.first?.hasPrefix("a: the gradient of input 0 differs at [0, 2, 0]: got -120.0") == true)
        let weight = try check("{}", tensors { $0["a/parameter_gradient.weight"] = TensorValue([1], [96]) })
        #expect(weight.first?.hasPrefix("a: the gradient of parameter 'weight' differs at [0]: got 95.0") == true)
        let broken = try check(#"{"attributes": {"fault": "channels_last_wrong"}}"#, tensors())
        #expect(broken.first?.hasPrefix("a: in channels-last layout, output 0 differs at [0, 0, 0]: got 3.0") == true)
    }

    @Test func filesMustFitTheLayer() throws {
        let missing = try check("{}", tensors { $0["a/parameter.weight"] = nil })
        #expect(missing == ["a: the file has no parameter 'weight'"])
        let extra = try check("{}", tensors { $0["a/parameter.bias"] = TensorValue([1], [2]) })
        #expect(extra == [#"a: the file has parameter 'bias', the layer has ["weight"]"#])
        let shape = try check("{}", tensors { $0["a/output.0"] = TensorValue([3], [2, 8, 18]) })
        #expect(shape == ["a: output '0' has shape [1, 3, 1], the file's has [3]"])
        let misspelt = try check("{}", tensors { $0["a/outputs.0"] = TensorValue([1], [2]) })
        #expect(misspelt.first?.contains("the tensor 'outputs.0' has none of the known prefixes") == true)
        #expect(throws: GoldenError.self) { try check(#"{"tolerances": 1}"#, tensors()) }
        #expect(throws: GoldenError.self) { try check("[]", tensors()) }
        let attribute = try check(#"{"attributes": {"fualt": "none"}}"#, tensors())
        #expect(attribute == ["a: unknown attribute 'fualt'; did you mean 'fault'?"])
        #expect(throws: (any Error).self) { try checkLayer(.layer(ScaleLayer.self), golden: "/nowhere.safetensors") }
    }

    @Test func randomTensorsAreDrawn() throws {
        let (input, gradient) = (
            TensorValue.uniform([2, 3, 1], -2...2, seed: 7), TensorValue([2, 3, 1], [1, 1, 1, 1, 1, 1])
        )
        let drawn = tensors {
            $0["a/input.0"] = nil
            $0["a/output.0"] = TensorValue([2, 3, 1], input.floats.map { 2 * $0 * $0 })
            $0["a/output_gradient.0"] = gradient
            $0["a/input_gradient.0"] = TensorValue([2, 3, 1], input.floats.map { 4 * $0 })
            $0["a/parameter_gradient.weight"] = TensorValue([1], [input.floats.reduce(0) { $0 + $1 * $1 }])
        }
        #expect(try check(#"{"random": {"input.0": [7, -2, 2, 2, 3, 1]}}"#, drawn) == [])
        #expect(try !check(#"{"random": {"input.0": [8, -2, 2, 2, 3, 1]}}"#, drawn).isEmpty)
        for wrong in ["[7]", "[7, 2, 0, 2]", "[7, -2, 2, -1]", "7"] {
            #expect(throws: (any Error).self) { try check(#"{"random": {"input.0": \#(wrong)}}"#, drawn) }
        }
        #expect(throws: GoldenError.self) { try check(#"{"random": {"input.0": [7, -2, 2, 2, 3, 1]}}"#, tensors()) }
        // What lamina_golden.py draws with seed 7.
        let first: [Float] = [0.60480541, 0.160817921, 0.479590297, 0.599866331, 0.192864954, 0.58717221]
        #expect(zip(input.floats, first).allSatisfy { abs($0 - (4 * $1 - 2)) < 1e-6 })
    }

    /// Steps of momentum 0.5 and rate 0.1 on gradients of 1: v = 1, 1.5, 1.75.
    func checkMomentum(_ fault: String = "none", last: Float = 1 - 0.425, _ steps: String = "3") throws -> [String] {
        let trajectory = steps == "3" ? TensorValue([3, 1], [0.9, 0.75, last]) : TensorValue([1, 1], [last])
        return try withFile(
            [("run", #"{"attributes": {"fault": "\#(fault)"}, "steps": \#(steps)}"#)],
            [
                ("run/gradients.0", TensorValue([3, 1], [1, 1, 1])), ("run/parameter.0", TensorValue([1], [1])),
                ("run/trajectory.0", trajectory),
            ]
        ) { try checkOptimizer(.optimizer(Momentum.self), golden: $0) }
    }

    @Test func optimizers() throws {
        #expect(try checkMomentum() == [])
        #expect(try checkMomentum("none", "[3]") == [])
        #expect(
            try checkMomentum(last: 0.58).first?.hasPrefix("run: after step 3, parameter 0 differs at [0]: got 0.57")
                == true)
        #expect(try checkMomentum("hidden_state").first?.contains("resumed at step 1 from its states") == true)
        #expect(
            try checkMomentum("writes_gradient").first?.contains("writes to gradient 0, which is read-only") == true)
    }
}
