import LaminaSDK

/// `lamina task MODEL translate PICTURE… --output FOLDER`: what a generator makes of pictures.
struct Translate: ModelTask {
    static let name = "translate"
    static let documentation =
        "Makes pictures of pictures with a generator that pix2pix or cyclegan has trained. Pictures are prepared as in training; "
        + "those that are made are written as PNG."
    static let attributes: [AttributeSchema] = [
        .path(
            "output",
            "a folder, for a picture per picture with its name; or a file that ends in .png, for what is made of one picture, or "
                + "for a sheet of several, each above what is made of it"),
        .string("direction", default: "", "which generator of cyclegan: a_to_b or b_to_a; without it, a_to_b"),
        .string(
            "given", default: "auto", choices: ["auto", "data", "input"],
            "what the pictures show: 'data' what training had, from which the recipe makes the generator's input (photographs, "
                + "say, of which it takes the edges); 'input' what the generator takes (drawings of edges); 'auto': data for "
                + "pix2pix, input for cyclegan"),
    ]
    static let usage = "PICTURE…"

    private let output, direction: String
    private let given: TrainedTranslator.Given?

    init(_ attributes: Attributes, host: Host) {
        output = attributes.string("output")
        direction = attributes.string("direction")
        given = TrainedTranslator.Given(rawValue: attributes.string("given"))
    }

    func run(_ model: TaskModel, _ arguments: [String], _ answer: TaskAnswer) throws {
        let translator = try TrainedTranslator(model, direction: direction, given: given)
        let target = try TranslationTarget(output, of: arguments)
        var images: [(source: TrainedTranslator.Image, made: TrainedTranslator.Image)] = []
        for (index, (path, picture)) in zip(arguments, target.pictures).enumerated() {
            let image = try translator.translate(path)
            if target.isSheet {
                images.append(image)
            } else {
                let made = image.made
                try SampleFile.write(
                    Picture(made.values, shape: made.shape, translator.range).png(), to: picture, answer)
            }
            answer.progress(index + 1, of: arguments.count)
            if model.host.isCancelled { throw PluginError.cancelled }
        }
        guard target.isSheet else { return }
        var rows = TranslationPicture(count: images.count, translator.range)
        rows.add(images.flatMap(\.source.values), shape: images[0].source.shape)
        rows.add(images.flatMap(\.made.values), shape: images[0].made.shape)
        guard let sheet = rows.picture() else {
            throw PluginError.data(
                "the model makes \(images[0].made.shape), wanted the channels, rows and columns of an image")
        }
        try SampleFile.write(sheet.png(), to: target.path, answer)
    }
}
