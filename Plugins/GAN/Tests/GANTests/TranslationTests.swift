import LaminaSDK
import LaminaTesting
import Testing

@testable import GAN

/// What games of image translation are made of. Tests/LaminaTests/TranslationStepTests.swift compares whole steps with PyTorch.
@Suite struct TranslationTests {
    private let host = TestHost().host

    /// Images of one value each, numbered.
    private func fill(_ images: TensorBuffer, from first: Int) {
        let size = images.tensor.product(1, images.tensor.rank)
        for index in 0..<images.tensor.count { images.tensor.floats[index] = Float(first + index / size) }
    }

    private func values(_ tensor: Tensor, every size: Int) -> [Int] {
        stride(from: 0, to: tensor.count, by: size).map { Int(tensor.floats[$0]) }
    }

    /// A pool of 4 images, as a naive loop over single images keeps it.
    @Test func olderImagesComeBackHalfOfTheTime() throws {
        let (size, batch, steps) = (4, 3, 400)
        let noise = Noise(distribution: .uniform, seed: 7, host: host)
        let buffer = ImageBuffer(size: size, batch: batch, shape: [1, 2, 2], host: host)
        let (state, made) = (TensorBuffer(.float32, [size, 1, 2, 2]), TensorBuffer(.float32, [batch, 1, 2, 2]))
        defer { withExtendedLifetime((buffer, state, made)) {} }
        var (pool, older) = ([Int](), 0)
        for step in 0..<steps {
            fill(made, from: step * batch)
            let random = noise.stream(.buffers, step)
            buffer.take(made.tensor, keepingIn: state.tensor, before: step * batch, random: random)
            var numbers = [Float](repeating: 0, count: 2 * batch)
            host.uniform(random, into: &numbers, count: numbers.count)
            let wanted = (0..<batch).map { row in
                let new = step * batch + row
                if pool.count < size {
                    pool.append(new)
                } else if numbers[2 * row] < 0.5 {
                    older += 1
                    let place = Int(numbers[2 * row + 1] * Float(size))
                    defer { pool[place] = new }
                    return pool[place]
                }
                return new
            }
            #expect(values(buffer.shown, every: 4) == wanted)
            #expect(values(state.tensor, every: 4).prefix(pool.count) == pool[...])
        }
        #expect((500...700).contains(older), "a half of 1196, within 6 deviations")
    }

    @Test func withoutABufferTheNewImagesAreShown() {
        let buffer = ImageBuffer(size: 0, batch: 2, shape: [3], host: host)
        let made = TensorBuffer(.float32, [2, 3])
        defer { withExtendedLifetime((buffer, made)) {} }
        fill(made, from: 5)
        buffer.take(
            made.tensor, keepingIn: nil, before: 0,
            random: Noise(distribution: .uniform, seed: 1, host: host).stream(.buffers, 0))
        #expect(values(buffer.shown, every: 3) == [5, 6])
    }

    @Test func distancesAndTheirSlopes() {
        let (made, wanted, gradients) = (
            TensorBuffer(.float32, [4]), TensorBuffer(.float32, [4]), TensorBuffer(.float32, [4])
        )
        defer { withExtendedLifetime((made, wanted, gradients)) {} }
        for (index, value) in [1, -2, 3, 0.5].enumerated() { made.tensor.floats[index] = Float(value) }
        for (index, value) in [0, 0, 3, 1].enumerated() { wanted.tensor.floats[index] = Float(value) }
        gradients.tensor.floats[0] = 1
        #expect(AbsoluteDistance.add(made.tensor, wanted.tensor, weight: 2, to: gradients.tensor) == 3.5 / 4)
        #expect((0..<4).map { gradients.tensor.floats[$0] } == [1.5, -0.5, 0, -0.5])
    }

    /// Grey sources stand above coloured images; what has another size, or is no image, is left out.
    @Test func pictures() throws {
        let range = SampleGrid.Range(low: 0, high: 1)
        let (grey, coloured) = (TensorBuffer(.float32, [3, 1, 2, 2]), TensorBuffer(.float32, [3, 3, 2, 2]))
        let (tall, points) = (TensorBuffer(.float32, [3, 1, 5, 2]), TensorBuffer(.float32, [3, 7]))
        defer { withExtendedLifetime((grey, coloured, tall, points)) {} }
        for index in 0..<4 { grey.tensor.floats[index] = 1 }
        for index in 12..<16 { coloured.tensor.floats[index] = 1 }
        var rows = TranslationPicture(count: 2, range)
        #expect(rows.picture() == nil)
        rows.add(grey.tensor)
        rows.add(tall.tensor)
        rows.add(coloured.tensor)
        let picture = try #require(rows.picture())
        // Two columns and two rows of 2 × 2 pixels with lines between them.
        #expect((picture.width, picture.height, picture.channels) == (7, 7, 3))
        func pixel(_ x: Int, _ y: Int) -> [UInt8] { Array(picture.pixels[(y * 7 + x) * 3..<(y * 7 + x) * 3 + 3]) }
        #expect(pixel(1, 1) == [255, 255, 255] && pixel(4, 1) == [0, 0, 0])
        #expect(pixel(1, 4) == [0, 0, 0] && pixel(4, 4) == [255, 0, 0])
        rows.add(points.tensor)
        #expect(rows.picture() == nil)
        #expect(
            SamplePictures.fileName(epoch: 12) == "epoch-0012.png"
                && SamplePictures.fileName(epoch: 12345).contains("12345"))
    }
}
