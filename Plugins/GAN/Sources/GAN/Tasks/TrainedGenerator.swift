import LaminaDecoding
import LaminaSDK

/// A model that makes samples of noise, and of a class if it takes one.
struct TrainedGenerator {
    let model: TaskModel
    let asset: GeneratorAsset
    /// Of one sample.
    let shape: [Int]
    private let noise: (name: String, shape: [Int])
    private let label: String?
    /// nil: it takes none, or how many is not known.
    let classCount: Int?
    private let output: String
    private static let batch = 64

    init(_ model: TaskModel) throws {
        guard model.asset(TranslationAsset.name) == nil else {
            throw PluginError.data(
                "the model makes images of images, not samples of noise: use the task translate, as in "
                    + "lamina task MODEL translate PICTURE… --output FOLDER")
        }
        self.model = model
        asset = try GeneratorAsset(from: model)
        let graph = try GraphView(model)
        let numbers = graph.inputs.filter { $0.dtype == "float32" }
        let classes = graph.inputs.filter { $0.dtype == "int64" && $0.shape.count == 1 }
        guard numbers.count == 1, classes.count <= 1, numbers.count + classes.count == graph.inputs.count,
            graph.outputs.count == 1
        else {
            throw PluginError.data(
                "the model does not make samples of noise: it has the inputs "
                    + "\(graph.inputs.map(\.name).joined(separator: ", ")), wanted one of numbers and at most one class"
            )
        }
        guard let sizes = numbers[0].sampleShape else {
            throw PluginError.data("input '\(numbers[0].name)' has open sizes: how much noise it wants is not known")
        }
        noise = (numbers[0].name, sizes)
        label = classes.first?.name
        classCount = Self.classCount(of: classes.first?.name, in: graph, model.labels)
        output = graph.outputs[0].reference
        // What it makes is known when it has made one.
        let made = try Self.evaluate(
            model, output, [TensorBuffer(.float32, [1] + sizes)], [numbers[0].name], classes.first?.name)
        guard made.rank > 0, made.size(0) == 1, made.dtype == .float32 else {
            throw PluginError.data(
                "the model makes \(made.shape) of \(made.dtype?.name ?? "an unknown type") of the noise for one sample; wanted [1, …] of "
                    + "float32")
        }
        shape = made.shape.dropFirst().map { $0 }
    }

    /// How many classes there are: those that have names, or else that the label's embedding knows.
    private static func classCount(of label: String?, in graph: GraphView, _ names: [String]) -> Int? {
        guard let label, names.isEmpty else { return label == nil ? nil : names.count }
        let embedding = graph.nodes.first { $0.component == "core.embedding" && $0.input(0) == label }
        guard case .integer(let count)? = embedding?.attributes["count"] else { return nil }
        return Int(count)
    }

    var noiseSize: Int { noise.shape.reduce(1, *) }
    var size: Int { shape.reduce(1, *) }
    var takesClass: Bool { label != nil }

    /// The number of a class that people name, by its name or number.
    func number(of name: String) throws -> Int {
        let labels = model.labels
        guard takesClass else {
            throw PluginError.attribute("this generator takes no class: leave out --class")
        }
        if let index = labels.firstIndex(where: { $0.lowercased() == name.lowercased() }) { return index }
        if let number = Int(name), number >= 0, number < classCount ?? Int.max { return number }
        throw PluginError.attribute(
            "no class is called '\(name)'; "
                + (labels.isEmpty
                    ? "give a number" + (classCount.map { " from 0 to \($0 - 1)" } ?? "")
                    : "known are \(labels.joined(separator: ", ")), or their numbers"))
    }

    /// Noise for samples: sample i is a function of the seed and i alone.
    func noise(seed: Int, _ range: Range<Int>) -> [Float] {
        let source = Noise(distribution: asset.noise, seed: UInt64(bitPattern: Int64(seed)), host: model.host)
        return [Float](unsafeUninitializedCapacity: range.count * noiseSize) { buffer, filled in
            filled = range.count * noiseSize
            guard filled > 0, let base = buffer.baseAddress else { return }
            source.fill(.generation, 0, first: range.lowerBound * noiseSize, base, count: filled)
        }
    }

    /// What it makes of noise for `classes.count` samples, handed on in batches: the first sample's number, and values.
    func make(
        _ noise: (Range<Int>) -> [Float], classes: [Int], _ answer: TaskAnswer,
        _ body: (Int, UnsafeBufferPointer<Float>) throws -> Void
    ) throws {
        for first in stride(from: 0, to: classes.count, by: Self.batch) {
            let range = first..<min(first + Self.batch, classes.count)
            // Always a whole batch: sums of other shapes may be computed in another order.
            let input = TensorBuffer(.float32, [Self.batch] + self.noise.shape)
            for (index, value) in noise(range).enumerated() { input.tensor.floats[index] = value }
            var buffers = [input]
            if label != nil {
                let numbers = TensorBuffer(.int64, [Self.batch])
                for (index, number) in classes[range].enumerated() { numbers.tensor.int64s[index] = Int64(number) }
                buffers.append(numbers)
            }
            let made = try Self.evaluate(model, output, buffers, [self.noise.name], label)
            guard made.shape == [Self.batch] + shape, made.dtype == .float32 else {
                throw PluginError.data(
                    "the model makes \(made.shape) of the noise for \(Self.batch) samples, wanted \([Self.batch] + shape)"
                )
            }
            try body(first, UnsafeBufferPointer(start: made.floats, count: range.count * size))
            answer.progress(range.upperBound, of: classes.count)
            if model.host.isCancelled { throw PluginError.cancelled }
        }
    }

    /// All samples of a seed at once.
    func make(seed: Int, classes: [Int], _ answer: TaskAnswer) throws -> [Float] {
        var values: [Float] = []
        values.reserveCapacity(classes.count * size)
        try make({ noise(seed: seed, $0) }, classes: classes, answer) { values += $1 }
        return values
    }

    private static func evaluate(
        _ model: TaskModel, _ output: String, _ buffers: [TensorBuffer], _ names: [String], _ label: String?
    ) throws -> Tensor {
        var given = [(reference: names[0], tensor: buffers[0].tensor)]
        if let label {
            let number = buffers.count > 1 ? buffers[1] : TensorBuffer(.int64, [buffers[0].tensor.size(0)])
            given.append((label, number.tensor))
            return try withExtendedLifetime((buffers, number)) { try model.evaluate([output], given: given)[0] }
        }
        return try withExtendedLifetime(buffers) { try model.evaluate([output], given: given)[0] }
    }
}
