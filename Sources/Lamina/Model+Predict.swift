import CLamina
import Glibc
import LaminaFormats
import LaminaGraph
import LaminaHost
import LaminaRecipe
import LaminaSDK
import LaminaTraining

/// What the model says about one sample.
public struct Prediction: Sendable {
    /// The file that it came from, with the row for files of several samples: "points.csv:3".
    public var source: String
    /// The output after the model's link (probabilities for a classifier).
    public let output: NamedTensor
    /// Its elements as floats, row-major; of wide integers the nearest ones.
    public var values: [Float] { output.rounded }
    public var shape: [Int] { output.shape }
    /// For a classifier: the classes with their probabilities, the most probable first.
    public let classes: [(label: String, index: Int, probability: Float)]
}

extension Model {
    /// Predicts every sample of a file: an image, a table, an array; what an installed source reads by the file's suffix.
    ///
    /// - Parameter top: how many classes to keep per sample.
    public func predict(file path: String, suffix: String? = nil, top: Int = .max) throws(LaminaError) -> [Prediction] {
        try sorted {
            if readsText { return try predict(textFile: path, suffix: suffix, top: top) }
            let (source, field) = try DataSource.file(
                path, suffix: suffix, shape: preprocessing.rawShape, origin: preprocessing.origin, registry: registry)
            guard !source.fields.isEmpty else {
                throw LaminaError(
                    .data,
                    "\(path): \(source.id) reads it as text, but the model takes \(graph.definition.inputs[0].dtype.name)"
                        + ": give a table, an array or an image, as it was trained on, or say with --type what the file is"
                )
            }
            let reader = try SampleReader(
                source, field: field, steps: preprocessing.steps.map { ($0.id, $0.attributes) }, registry: registry)
            try check(reader, path)
            if let wanted = preprocessing.rawType, source.fields[field].dtype != wanted {
                throw LaminaError(
                    .data,
                    "\(path): values are \(source.fields[field].dtype.name), the model was trained on \(wanted.name): "
                        + "store them as that")
            }
            let network = try predictionNetwork()
            let output = link == nil ? graph.definition.measuredOutput ?? 0 : 0
            var predictions: [Prediction] = []
            let batch = 64
            for begin in stride(from: 0, to: source.count, by: batch) {
                let count = min(batch, source.count - begin)
                let plan = try network.plan(PlanRequest(inputs: [[count] + reader.shape]))
                try reader.read(Int64(begin)..<Int64(begin + count), into: plan.inputs[0].data)
                try network.forward(plan)
                for row in 0..<count {
                    let name = source.count == 1 ? path : "\(path):\(begin + row + 1)"
                    predictions.append(prediction(plan.outputs[output], row, name, top))
                }
            }
            return predictions
        }
    }

    private func check(_ reader: SampleReader, _ path: String) throws {
        let inputs = graph.definition.inputs
        guard inputs.count == 1 else {
            throw LaminaError(.usage, "the model has \(inputs.count) inputs: use `lamina run` with tensors for each")
        }
        let wanted = inputs[0].shape.dropFirst()
        let fits =
            reader.shape.count == wanted.count
            && zip(reader.shape, wanted).allSatisfy { size, want in
                if case .fixed(let value) = want { return value == size }
                return true
            }
        guard fits, reader.dtype == inputs[0].dtype else {
            throw LaminaError(
                .data,
                "\(path): samples are \(reader.dtype.name) \(reader.shape), the model wants \(inputs[0].dtype.name) "
                    + "[\(wanted.map(\.description).joined(separator: ", "))]")
        }
    }

    /// The network without its loss; its first output is the link behind what the loss reads.
    func predictionNetwork() throws -> Network {
        guard let link else { return network }
        let version = network.parameters.version
        if let predictor {
            if predictor.version != version { predictor.network.parametersChanged() }
            self.predictor = (predictor.network, version)
            return predictor.network
        }
        var definition = graph.definition
        let taken = Set(definition.inputs.map(\.name) + definition.nodes.map(\.name) + definition.outputs.map(\.name))
        var name = "prediction"
        while taken.contains(name) { name += "_" }
        let measured = definition.loss?.inputs.first ?? definition.outputs[0].reference
        definition.loss = nil
        definition.nodes.append(.init(name: name, component: link, inputs: [measured]))
        definition.outputs.removeAll { $0.reference == measured }
        definition.outputs.insert(.init(name, .init(name)), at: 0)
        let linked = try Graph(definition, registry: registry)
        let parameters = try ParameterStore(linked)
        try parameters.borrow(
            network.parameters.entries.map { ($0.name, $0.dtype, $0.shape, UnsafeRawPointer($0.data)) }, owner: network)
        let result = Network(linked, parameters)
        predictor = (result, version)
        return result
    }

    /// - Parameter rows: how many of the output's rows to keep; nil: all.
    func prediction(
        _ output: PlannedTensor, _ row: Int, _ source: String, _ top: Int, rows: Int? = nil
    ) -> Prediction {
        var shape = Array(output.shape.dropFirst())
        let stride = shape.reduce(output.dtype.size, *)
        if let rows { shape[0] = min(rows, shape[0]) }
        let size = shape.reduce(output.dtype.size, *)
        let own = NamedTensor(
            output.name, output.dtype, shape,
            bytes: size == 0 ? [] : Array(UnsafeRawBufferPointer(start: output.data + row * stride, count: size)))
        var classes: [(label: String, index: Int, probability: Float)] = []
        if shape.count == 1, shape[0] > 1, [.float32, .float64].contains(output.dtype), link != nil || !labels.isEmpty {
            let values = own.rounded
            // Ties keep the order of the classes.
            let order = values.indices.sorted { (values[$1], $0) < (values[$0], $1) }
            classes = order.prefix(top).map { index in
                (index < labels.count ? labels[index] : "\(index)", index, values[index])
            }
        }
        return Prediction(source: source, output: own, classes: classes)
    }
}
