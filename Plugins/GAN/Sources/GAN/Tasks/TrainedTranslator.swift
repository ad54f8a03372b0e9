import LaminaDecoding
import LaminaSDK

/// A generator that makes images of images, in the model of `gan.pix2pix` or one of two in that of `gan.cyclegan`.
struct TrainedTranslator {
    /// What a picture that people give shows.
    enum Given: String {
        /// What the training data are of, of which a transform may make the generator's input: a photograph.
        case data
        /// The generator's input itself: the drawing of edges that training made of a photograph.
        case input
    }

    /// An image (channels, height, width) as its generator has it.
    struct Image {
        let values: [Float]
        let shape: [Int]
    }

    let range: SampleGrid.Range
    /// Of what the generator takes: (channels, height, width).
    let shape: [Int]
    private let model: TaskModel
    private let given: Given
    /// Which input of the model, and so which of the recipe's data, is the generator's.
    private let place: Int
    private let input, output: String

    /// - Parameters:
    ///   - direction: the network's name where there are two; empty: the first.
    ///   - given: nil: data for a single generator, whose sources training often makes of the targets, and the input itself for
    ///     those of two kinds of images.
    init(_ model: TaskModel, direction: String, given: Given?) throws {
        guard let asset = try TranslationAsset(from: model) else {
            throw PluginError.data(
                "the model makes no images of images, as gan.pix2pix and gan.cyclegan train; a generator of samples of noise "
                    + "has the task generate")
        }
        (self.model, range) = (model, asset.range)
        let graph = try GraphView(model)
        guard graph.inputs.count == graph.outputs.count, !graph.inputs.isEmpty else {
            throw PluginError.data(
                "the model has \(graph.inputs.count) inputs and \(graph.outputs.count) outputs; wanted one of each per generator"
            )
        }
        place = try Self.place(of: direction, in: graph)
        guard let sizes = graph.inputs[place].sampleShape, SampleGrid.isImage(sizes) else {
            throw PluginError.data(
                "input '\(graph.inputs[place].name)' takes \(graph.inputs[place].shape.map { $0.text() }), which is no gray or RGB "
                    + "picture of one size: compute with lamina run")
        }
        shape = sizes
        (input, output) = (graph.inputs[place].name, graph.outputs[place].reference)
        self.given = given ?? (graph.inputs.count == 1 ? .data : .input)
    }

    /// The place of a direction's input: those of a model of two generators are called "<direction>.<name>".
    private static func place(of direction: String, in graph: GraphView) throws -> Int {
        guard graph.inputs.count > 1 else {
            guard direction.isEmpty else {
                throw PluginError.attribute("the model has one generator: leave out --direction \(direction)")
            }
            return 0
        }
        guard !direction.isEmpty else { return 0 }
        let known = graph.inputs.map { String($0.name.prefix { $0 != "." }) }
        guard let place = known.firstIndex(of: direction) else {
            throw PluginError.attribute(
                "there is no direction '\(direction)'; the model has \(known.joined(separator: " and "))")
        }
        return place
    }

    /// A picture as the generator takes it, and what it makes of it.
    func translate(_ path: String) throws -> (source: Image, made: Image) {
        let samples = try model.read(file: path, field: place, channels: shape[0], isMade: given == .input)
        guard samples.rank > 0, samples.size(0) == 1 else {
            throw PluginError.data(
                "\(path): has \(samples.rank > 0 ? samples.size(0) : 0) samples, wanted a picture: one sample")
        }
        let source = try image(samples, of: path)
        guard source.shape == shape else {
            throw PluginError.data(
                "\(path): is \(source.shape) (channels, height, width) as training would prepare it, wanted \(shape): scale or "
                    + "cut it to \(shape[2]) × \(shape[1]) pixels before")
        }
        let made = try image(model.evaluate([output], given: [(input, samples)])[0], of: path)
        guard SampleGrid.isImage(made.shape) else {
            throw PluginError.data(
                "the model makes \(made.shape), which is no gray or RGB picture: compute with lamina run")
        }
        return (source, made)
    }

    /// A copy of the only sample.
    private func image(_ samples: Tensor, of path: String) throws -> Image {
        guard samples.dtype == .float32 else {
            throw PluginError.data(
                "\(path): is \(samples.dtype?.name ?? "unknown") as training would prepare it, wanted float32: the recipe lacks a transform "
                    + "to numbers")
        }
        return Image(
            values: Array(UnsafeBufferPointer(start: samples.floats, count: samples.count)),
            shape: Array(samples.shape.dropFirst()))
    }
}
