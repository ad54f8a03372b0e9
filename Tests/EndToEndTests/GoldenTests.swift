import Foundation
import LaminaFormats
import Testing

/// Whole networks against PyTorch, which computed in double precision with the weights that `lamina init` draws.
///
/// `Golden/generate.py` wrote the files and says what is in them.
@Suite("Models give PyTorch's outputs and gradients", .needs("Core", "CNN"))
struct GoldenTests {
    enum Phase: String, CaseIterable { case inference, training }

    @Test(arguments: ["mlp", "lenet", "vgg", "resnet", "wide"])
    func model(_ name: String) throws { try compare(name) }

    @Test("recurrent layers", .needs("RNN")) func recurrent() throws { try compare("recurrent") }

    @Test(.needs("RNN"), arguments: ["tcn", "wavenet"])
    func sequences(_ name: String) throws { try compare(name) }

    private func compare(_ name: String) throws {
        let golden = try Golden(name)
        let folder = try Folder()
        try folder.lamina("init", Golden.path(name + ".yaml"), "-o", "m.lamina").succeeded()
        try golden.checkWeights(ArchiveBytes(folder.bytes("m.lamina")).tensors())
        let signature = try ArchiveBytes(folder.bytes("m.lamina")).json("graph.json")["inputs"]?[0]?["shape"]
        guard case .array(let sizes) = try #require(signature) else {
            throw Golden.Fault("no input shape in graph.json")
        }
        let shape = try sizes.dropFirst().map { try Int(json: $0, at: "shape") }

        for phase in Phase.allCases {
            let seed = Int(try golden.file["\(phase)/seed"].integers[0])
            let count = try golden.file["\(phase)/output"].shape[0]
            try TensorFile.write(
                [("input", [count] + shape, noise(count * shape.reduce(1, *), seed: seed))],
                integers: [("target", [count], (0..<count).map { Int64((7 * $0 + 3) % 10) })],
                to: folder.path("x.safetensors"))
            let run = ["run", "m.lamina", "--input", "x.safetensors", "--output", "y.safetensors"]
            try folder.lamina(run + ["--gradients", "g.safetensors"] + (phase == .training ? ["--train-mode"] : []))
                .succeeded()
            try golden.checkOutputs(TensorFile(folder.path("y.safetensors")), phase)
            try golden.checkGradients(TensorFile(folder.path("g.safetensors")), phase)
        }
    }
}
