import LaminaSDK
import LaminaTesting
import Testing

@testable import Core

/// Every loss against PyTorch's values and gradients; the files come from Golden/generate_losses.py.
@Suite struct LossGoldenTests {
    static let files: [(file: String, loss: String)] =
        CoreCatalogue.losses.map { ("loss_" + $0.name, $0.name) } + [
            ("loss_l1_ties", "l1"), ("loss_cosine_shapes", "cosine"), ("loss_cross_entropy_sequence", "cross_entropy"),
            ("loss_nll_sequence", "nll"),
        ]

    @Test(arguments: files)
    func agreesWithPyTorch(_ file: (file: String, loss: String)) throws {
        let loss = try #require(CoreCatalogue.losses.first { $0.name == file.loss })
        #expect(try checkLayer(loss, golden: golden(file.file)) == [])
    }
}
