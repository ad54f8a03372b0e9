import ArgumentParser
import Lamina

struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run the network on raw tensors: every input, every output, by name.",
        discussion: """
            The input file holds one tensor per input of the model; with a loss also "target", and the output file then \
            also "loss". With --gradients, writes d(loss)/d(parameters and inputs); without a loss of the sum of the outputs.
            """)

    @Argument(help: "The archive.")
    var model: String

    @Option(help: "Tensors to feed, a safetensors file.")
    var input: String

    @Option(help: "Where the outputs go, a safetensors file.")
    var output: String

    @Option(help: "Where the gradients go, a safetensors file.")
    var gradients: String?

    @Flag(name: .customLong("train-mode"), help: "Dropout on, batch statistics, as in training.")
    var trainMode = false

    @Option(help: "Seed of random layers.")
    var seed: UInt64 = 0

    @Flag(help: "Accept an archive that was zipped again by another tool.")
    var tolerant = false

    @OptionGroup var base: BaseOption
    @OptionGroup var host: HostOptions

    func run() throws {
        let model = try Model.open(
            self.model, base: base.base, tolerant: tolerant, writable: trainMode, registry: host.registry())
        let result = try model.run(
            TensorFile.read(input), gradients: gradients != nil, trainMode: trainMode, seed: seed)
        try TensorFile.write(result.outputs, to: output)
        if let gradients { try TensorFile.write(result.gradients, to: gradients) }
    }
}
