import LaminaSDK

/// A generator of a cycle in training. In a step it runs several times; its gradients add up.
final class Translator {
    let number: Int
    /// Makes images of real ones.
    let first: Pass
    /// Makes images of made ones, and tells how those should change.
    let second: Pass
    /// As the trained model.
    let shown: Pass
    private let networks: Networks
    private var hasGradients = false

    /// - Parameter examples: how many images are shown to people.
    init(_ networks: Networks, _ number: Int, examples: Int) throws {
        (self.networks, self.number) = (networks, number)
        let options: Networks.Options = [.training, .parameterGradients, .accumulates]
        first = try networks.plan(number, batch: networks.batch, options)
        second = try networks.plan(number, batch: networks.batch, options.union(.inputGradients))
        shown = try networks.plan(number, batch: examples, [])
    }

    /// What it makes of as many images as the pass takes: valid until the next call.
    func make(_ pass: Pass, of images: Tensor) throws -> Tensor {
        pass.inputs[0].floats.update(from: images.floats, count: pass.inputs[0].count)
        try networks.forward(pass)
        return pass.outputs[0]
    }

    /// Adds the gradients of a pass, the last that ran.
    func learn(_ pass: Pass) throws {
        try networks.backward(pass, accumulating: hasGradients)
        hasGradients = true
    }

    /// A step by all gradients since the last.
    func update() throws {
        try networks.update(number)
        hasGradients = false
    }
}
