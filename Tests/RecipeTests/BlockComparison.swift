#if canImport(Core) && canImport(Data) && canImport(CNN)

    import Foundation
    import LaminaFormats
    import LaminaGraph
    import LaminaHost
    import LaminaTesting
    import Testing

    @testable import LaminaRecipe

    /// Whole blocks against PyTorch: outputs, and gradients of inputs and parameters, which have PyTorch's names.
    ///
    /// A golden file holds cases of one block. The metadata has a JSON text per case, {"attributes": {…}}; tensors are named
    /// `<case>/input.0`, `<case>/parameter.<name>`, `<case>/buffer.<name>` (others begin as declared), `<case>/target`,
    /// `<case>/output`, and, of the mean squared error between output and target, `<case>/input_gradient.0` and
    /// `<case>/parameter_gradient.<name>`. Those of `"random": {"input.0": [seed, low, high, dimension, …]}` are drawn,
    /// uniform in low...high.
    enum BlockComparison {
        /// All cases of `Plugins/<family>/Tests/<family>Tests/Golden/block_<block>.safetensors`; the block has so many inputs.
        static func compare(_ family: String, _ block: String, inputs: Int) throws {
            let path = "Plugins/\(family)/Tests/\(family)Tests/Golden/block_\(block).safetensors"
            let file = try SafetensorsFile(path: ShippedRecipeTests.root.appendingPathComponent(path).path)
            try #require(!file.metadata.isEmpty)
            for member in file.metadata.members {
                let text = try String(json: member.value, at: member.key)
                let details = try JSON.parse(text)
                let golden = try GoldenCase(file, member.key, random: details["random"])
                let attributes = try #require(details["attributes"])
                try compare("\(family.lowercased()).\(block)", attributes, golden, inputs: inputs)
            }
        }

        private static func compare(_ id: String, _ attributes: JSON, _ golden: GoldenCase, inputs: Int) throws {
            let given = (0..<inputs).map { golden.tensors["input.\($0)"] }
            let network = try network(id, attributes, given, golden)
            let target = try golden["target"]
            let plan = try network.plan(
                PlanRequest(
                    inputs: given.compactMap { $0?.shape }, target: .init(.float32, target.shape), phase: .training,
                    parameterGradients: true, inputGradients: true))
            for (tensor, planned) in zip(given.compactMap(\.self), plan.inputs) { tensor.copy(to: planned.data) }
            target.copy(to: try #require(plan.target).data)
            try network.forward(plan)
            let output = try golden["output"]
            #expect(plan.outputs[0].shape == output.shape, "\(golden.name)")
            output.check(plan.outputs[0].floats, 1e-4, "\(id), \(golden.name): output")
            try network.backward(plan)
            let least = 1e-3 * (golden.tensors.filter { $0.key.contains("_gradient.") }.map(\.value.scale).max() ?? 0)
            var planned = 0
            for (index, tensor) in given.enumerated() where tensor != nil {
                defer { planned += 1 }
                guard let gradient = golden.tensors["input_gradient.\(index)"] else { continue }
                gradient.check(
                    try #require(plan.inputGradients[planned]).floats, 1e-3, least: least,
                    "\(id), \(golden.name): gradient of input \(index)")
            }
            for (parameter, gradient) in zip(network.graph.parameters, network.parameterGradients) {
                try golden["parameter_gradient.\(parameter.name)"].check(
                    gradient, 1e-3, least: least, "\(id), \(golden.name): gradient of '\(parameter.name)'")
            }
        }

        /// The block alone, its inputs and the distance to a target, with the file's parameters.
        private static func network(
            _ id: String, _ attributes: JSON, _ inputs: [GoldenTensor?], _ golden: GoldenCase
        ) throws -> Network {
            var declared = JSONObject()
            for (index, tensor) in inputs.enumerated() {
                guard let tensor else { continue }
                declared["x\(index)"] = .object([
                    "shape": .array(tensor.shape.dropFirst().map { .integer(Int64($0)) }),
                    "dtype": .string(tensor.isFloat ? "float32" : "int64"),
                ])
            }
            var names = inputs.indices.map { inputs[$0] == nil ? JSON.null : .string("x\($0)") }
            while names.last == .null { names.removeLast() }
            let recipe: JSON = .object([
                "lamina": 1,
                "model": .object([
                    "input": .object(declared),
                    "layers": .array([
                        .object(["\(id)": attributes, "name": "", "from": .array(names)])
                    ]),
                ]),
                "loss": "core.mse",
            ])
            let registry = ShippedRecipeTests.registry
            let graph = try Graph(
                Recipe.parse(recipe.text(), file: id, registry: registry).graph(registry), registry: registry)
            #expect(
                Set(graph.parameters.map(\.name))
                    == Set(golden.tensors.keys.filter { $0.hasPrefix("parameter.") }.map { String($0.dropFirst(10)) }),
                "\(id), \(golden.name)")
            let store = try ParameterStore(graph)
            try store.initialize(seed: 1)
            for entry in store.entries {
                guard let tensor = golden.tensors["parameter.\(entry.name)"] ?? golden.tensors["buffer.\(entry.name)"]
                else { continue }
                try #require(tensor.shape == entry.shape, "\(golden.name): \(entry.name)")
                tensor.copy(to: entry.data)
            }
            return Network(graph, store)
        }
    }

    /// A tensor of a golden file.
    private struct GoldenTensor {
        let isFloat: Bool
        let shape: [Int]
        let bytes: [UInt8]

        func copy(to memory: UnsafeMutableRawPointer) {
            bytes.withUnsafeBytes { memory.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
        }

        /// The largest magnitude.
        var scale: Float { floats.map(abs).max() ?? 0 }
        private var floats: [Float] { bytes.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) } }

        /// Errors are measured by the largest wanted value, and that by `least`: some gradients are 0 but for rounding, as
        /// that of a key's bias, which adds the same to all scores of a query.
        func check(_ got: UnsafePointer<Float>, _ tolerance: Float, least: Float = 0, _ what: String) {
            let wanted = floats
            let scale = max(scale, least)
            let errors = wanted.indices.map { abs(got[$0] - wanted[$0]) }
            let isClose = errors.allSatisfy { $0 <= tolerance * scale }
            #expect(isClose, "\(what) is off by \(errors.max() ?? 0), the largest value is \(scale)")
        }
    }

    /// The tensors of one case by their names behind the case's.
    private struct GoldenCase {
        let name: String
        let tensors: [String: GoldenTensor]

        init(_ file: SafetensorsFile, _ name: String, random: JSON?) throws {
            self.name = name
            let own = file.tensors.filter { $0.name.hasPrefix(name + "/") }
            var tensors = Dictionary(
                uniqueKeysWithValues: own.map {
                    (
                        String($0.name.dropFirst(name.count + 1)),
                        GoldenTensor(isFloat: $0.dtype == .f32, shape: $0.shape, bytes: Array(file.bytes(of: $0)))
                    )
                })
            for drawn in try random.map({ try JSONObject(json: $0, at: "random") })?.members ?? [] {
                let numbers = try [Double](json: drawn.value, at: drawn.key)
                let value = TensorValue.uniform(
                    numbers[3...].map { Int($0) }, Float(numbers[1])...Float(numbers[2]), seed: UInt64(numbers[0]))
                tensors[drawn.key] = GoldenTensor(isFloat: true, shape: value.shape, bytes: value.bytes)
            }
            self.tensors = tensors
        }

        subscript(name: String) -> GoldenTensor {
            get throws { try #require(tensors[name], "\(self.name): there is no tensor '\(name)'") }
        }
    }

#endif
