import LaminaSDK

/// Images that a generator has made, kept to show its discriminator older ones, too.
///
/// While there is room, every image is kept and shown. Then, with probability ½, one that was kept is shown and the new one
/// takes its place; else the new one is shown. What is kept lies in a state, so that checkpoints have it.
///
/// Source: Shrivastava et al.: Learning from simulated and unsupervised images through adversarial training (2017), section
/// 2.3; Zhu et al. 2017, section 4.
final class ImageBuffer {
    /// Images that are kept at most; 0: none is.
    private let size: Int
    private let host: Host
    /// What the discriminator is shown for the last batch.
    private let buffer: TensorBuffer
    private var choices: [Float]

    var shown: Tensor { buffer.tensor }

    init(size: Int, batch: Int, shape: [Int], host: Host) {
        (self.size, self.host) = (size, host)
        buffer = TensorBuffer(.float32, [batch] + shape)
        choices = [Float](repeating: 0, count: 2 * batch)
    }

    /// Takes a batch of new images, and fills `shown`.
    ///
    /// - Parameters:
    ///   - state: what is kept; nil when nothing is.
    ///   - before: images that were taken before this batch.
    func take(_ made: Tensor, keepingIn state: Tensor?, before: Int, random: RandomStream) {
        let batch = made.size(0)
        let length = made.count / max(batch, 1)
        guard let state else {
            shown.floats.update(from: made.floats, count: made.count)
            return
        }
        host.uniform(random, into: &choices, count: choices.count)
        for row in 0..<batch {
            let new = made.floats + row * length
            let place = shown.floats + row * length
            if before + row < size {
                (state.floats + (before + row) * length).update(from: new, count: length)
                place.update(from: new, count: length)
            } else if choices[2 * row] < 0.5 {
                let kept = state.floats + min(Int(choices[2 * row + 1] * Float(size)), size - 1) * length
                place.update(from: kept, count: length)
                kept.update(from: new, count: length)
            } else {
                place.update(from: new, count: length)
            }
        }
    }
}
