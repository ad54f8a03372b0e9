import CWinograd
import LaminaSDK
import Testing

@testable import CNN
@testable import LaminaTesting

/// Winograd's algorithm against the naive loops: the kernels on any sizes, and the choice of when to use them.
@Suite("Winograd") struct WinogradTests {
    /// Sizes that are no multiple of a tile or a vector, padding of 0 to 3, one-pixel images.
    @Test("the kernels agree with the definition, whatever the sizes", arguments: 0..<60)
    func kernels(_ seed: Int) {
        var random = SplitMix(seed: UInt64(seed))
        var shape = ConvolutionShape(
            batch: random.below(4) + 1, groups: 1, inputChannels: random.below(40) + 1,
            outputChannels: random.below(70) + 1, input: [random.below(14) + 1, random.below(14) + 1], output: [],
            kernel: [3, 3], stride: [1, 1], dilation: [1, 1], before: [random.below(4), random.below(4)],
            channelsLast: true)
        // Outputs beyond the input's reach, too: they are sums of nothing.
        shape.output = (0..<2).map { max(1, shape.input[$0] + shape.before[$0] - 2 + random.below(4)) }
        compare(shape, 5e-6, &random)
    }

    @Test("the same for kernels of 4 with stride 2", arguments: 0..<60)
    func kernelsOfPhases(_ seed: Int) {
        var random = SplitMix(seed: UInt64(seed))
        var shape = ConvolutionShape(
            batch: random.below(4) + 1, groups: 1, inputChannels: random.below(40) + 1,
            outputChannels: random.below(70) + 1, input: [random.below(24) + 1, random.below(24) + 1], output: [],
            kernel: [4, 4], stride: [2, 2], dilation: [1, 1], before: [random.below(4), random.below(4)],
            channelsLast: true)
        shape.output = (0..<2).map { max(1, (shape.input[$0] + shape.before[$0]) / 2 - 1 + random.below(3)) }
        compare(shape, 5e-6, &random)
    }

    /// Rounding errors relative to the largest output, with operands as wide as those of a real layer.
    @Test("256 channels: 5 · 10⁻⁶ of the largest output")
    func precision() {
        var random = SplitMix(seed: 7)
        compare(
            ConvolutionShape(
                batch: 2, groups: 1, inputChannels: 256, outputChannels: 64, input: [14, 14], output: [14, 14],
                kernel: [3, 3], stride: [1, 1], dilation: [1, 1], before: [1, 1], channelsLast: true), 5e-6, &random)
    }

    @Test("what an infinite input reaches is no number afterwards")
    func infinity() {
        var random = SplitMix(seed: 3)
        let shape = ConvolutionShape(
            batch: 1, groups: 1, inputChannels: 3, outputChannels: 2, input: [9, 4], output: [9, 4], kernel: [3, 3],
            stride: [1, 1], dilation: [1, 1], before: [1, 1], channelsLast: true)
        var x = random.floats(shape.inputElements)
        let w = random.floats(shape.weightElements)
        x[5] = .infinity
        let (y, wanted) = (Kernels(shape).output(x, w, [0, 0]), NaiveConvolution(shape: shape).output(x, w, [0, 0]))
        #expect(zip(y, wanted).allSatisfy { got, wanted in wanted.isFinite || !got.isFinite })
        #expect(y.suffix(4).allSatisfy { $0.isFinite })
    }

    @Test("layers use it where it is faster, and nowhere else")
    func choice() throws {
        func names(_ channels: Int, _ size: Int, batch: Int, kernel: Int = 3, stride: Int = 1) throws -> Set<String> {
            let shape = ConvolutionShape(
                batch: batch, groups: 1, inputChannels: channels, outputChannels: channels, input: [size, size],
                output: [(size + 2 - kernel) / stride + 1, (size + 2 - kernel) / stride + 1],
                kernel: [kernel, kernel], stride: [stride, stride], dilation: [1, 1], before: [1, 1],
                channelsLast: true)
            return try WeightedPass.forward(shape, bias: true, training: true).implementations
                .union(WeightedPass.inputGradient(shape).implementations)
                .union(WeightGradientPass(shape, bias: true).implementations)
        }
        #expect(try names(32, 28, batch: 8) == ["winograd"])
        #expect(try names(32, 28, batch: 32, kernel: 4, stride: 2) == ["winograd", "winograd in stages"])
        #expect(try names(32, 28, batch: 32, kernel: 4).isDisjoint(with: ["winograd"]))
        #expect(try names(8, 28, batch: 8).isDisjoint(with: ["winograd"]))
        #expect(try names(32, 28, batch: 8, stride: 2).isDisjoint(with: ["winograd"]))
        #expect(try names(32, 28, batch: 8, kernel: 5).isDisjoint(with: ["winograd"]))
        #expect(try names(32, 5, batch: 1).isDisjoint(with: ["winograd"]))
    }

    /// Through the passes, cut by samples and by rows; PassRunner's two threads share nothing but the weights.
    @Test(
        "whole passes agree with the definition",
        arguments: [
            ConvolutionShape(
                batch: 1, groups: 1, inputChannels: 40, outputChannels: 20, input: [29, 26], output: [29, 26],
                kernel: [3, 3], stride: [1, 1], dilation: [1, 1], before: [1, 1], channelsLast: true),
            ConvolutionShape(
                batch: 2, groups: 1, inputChannels: 16, outputChannels: 64, input: [61, 50], output: [59, 48],
                kernel: [3, 3], stride: [1, 1], dilation: [1, 1], before: [0, 0], channelsLast: true),
            ConvolutionShape(
                batch: 1, groups: 1, inputChannels: 17, outputChannels: 33, input: [101, 40], output: [103, 42],
                kernel: [3, 3], stride: [1, 1], dilation: [1, 1], before: [2, 2], channelsLast: true),
            ConvolutionShape(
                batch: 65, groups: 1, inputChannels: 16, outputChannels: 16, input: [7, 3], output: [7, 4],
                kernel: [3, 3], stride: [1, 1], dilation: [1, 1], before: [1, 1], channelsLast: true),
            ConvolutionShape(
                batch: 1, groups: 1, inputChannels: 20, outputChannels: 36, input: [93, 61], output: [46, 30],
                kernel: [4, 4], stride: [2, 2], dilation: [1, 1], before: [1, 1], channelsLast: true),
            ConvolutionShape(
                batch: 21, groups: 1, inputChannels: 33, outputChannels: 17, input: [13, 30], output: [7, 16],
                kernel: [4, 4], stride: [2, 2], dilation: [1, 1], before: [2, 3], channelsLast: true),
        ])
    func passes(_ shape: ConvolutionShape) throws {
        var random = SplitMix(seed: 5)
        let x = random.floats(shape.batch * shape.inputElements)
        let dy = random.floats(shape.batch * shape.outputElements)
        let (w, bias) = (random.floats(shape.weightElements), random.floats(shape.outputChannels))
        let (naive, runner) = (NaiveConvolution(shape: shape), PassRunner(shape: shape))
        expectClose(try runner.output(x, w, bias), naive.output(x, w, bias), 5e-6)
        expectClose(try runner.inputGradient(dy, w), naive.inputGradient(dy, w), 5e-6)
        let (dw, db) = try runner.parameterGradients(x, dy)
        expectClose(dw, naive.weightGradient(x, dy), 5e-6)
        expectClose(db, naive.biasGradient(dy), 5e-6)
    }

    @Test("with many channels the gradient of the weights is computed in stages, and is the same")
    func stages() throws {
        let shape = ConvolutionShape(
            batch: 24, groups: 1, inputChannels: 200, outputChannels: 209, input: [6, 7], output: [6, 7],
            kernel: [3, 3], stride: [1, 1], dilation: [1, 1], before: [1, 1], channelsLast: true)
        #expect(try WeightGradientPass(shape, bias: true).implementations == ["winograd in stages"])
        var random = SplitMix(seed: 11)
        let x = random.floats(shape.batch * shape.inputElements)
        let dy = random.floats(shape.batch * shape.outputElements)
        let (dw, db) = try PassRunner(shape: shape).parameterGradients(x, dy)
        let (wanted, wantedBias) = Kernels(shape).parameterGradients(x, dy)
        expectClose(dw, wanted.map(Double.init), 5e-6)
        expectClose(db, wantedBias.map(Double.init), 5e-6)
    }

    @Test(
        "the number of threads changes no bit",
        arguments: [(batch: 9, channels: 24, size: 27), (batch: 1, channels: 40, size: 33), (24, 200, 6)])
    func threads(_ batch: Int, _ channels: Int, _ size: Int) throws {
        let shape = ConvolutionShape(
            batch: batch, groups: 1, inputChannels: channels, outputChannels: channels, input: [size, size],
            output: [size, size], kernel: [3, 3], stride: [1, 1], dilation: [1, 1], before: [1, 1], channelsLast: true)
        var random = SplitMix(seed: 13)
        let x = random.floats(batch * shape.inputElements)
        let (w, bias) = (random.floats(shape.weightElements), random.floats(channels))
        func results(_ threads: Int) throws -> [[UInt32]] {
            let runner = PassRunner(shape: shape, threads: threads)
            let (dw, db) = try runner.parameterGradients(x, x)
            return try [runner.output(x, w, bias), runner.inputGradient(x, w), dw, db].map { $0.map(\.bitPattern) }
        }
        let one = try results(1)
        #expect(try results(2) == one)
        #expect(try results(3) == one)
    }

    private func compare(_ shape: ConvolutionShape, _ tolerance: Double, _ random: inout SplitMix) {
        let x = random.floats(shape.batch * shape.inputElements)
        let dy = random.floats(shape.batch * shape.outputElements)
        let (w, bias) = (random.floats(shape.weightElements), random.floats(shape.outputChannels))
        let (naive, kernels) = (NaiveConvolution(shape: shape), Kernels(shape))
        expectClose(kernels.output(x, w, bias), naive.output(x, w, bias), tolerance)
        expectClose(kernels.inputGradient(dy, w), naive.inputGradient(dy, w), tolerance)
        let (dw, db) = kernels.parameterGradients(x, dy)
        expectClose(dw, naive.weightGradient(x, dy), tolerance)
        expectClose(db, naive.biasGradient(dy), tolerance)
        expectClose(kernels.weightGradientInStages(x, dy), naive.weightGradient(x, dy), tolerance)
    }

    private func expectClose(
        _ got: [Float], _ wanted: [Double], _ tolerance: Double, _ at: SourceLocation = #_sourceLocation
    ) {
        let scale = wanted.map(abs).max() ?? 0
        #expect(distance(got, wanted) <= tolerance * scale + 1e-6, sourceLocation: at)
    }
}

/// The kernels of one convolution on plain arrays, (N, C, H, W) and (O, I, kernel), in memory with guards around it.
private struct Kernels {
    let shape: ConvolutionShape

    init(_ shape: ConvolutionShape) { self.shape = shape }

    func output(_ x: [Float], _ w: [Float], _ bias: [Float]) -> [Float] {
        convolve(x, shape.inputChannels, shape.input, w, bias, shape.outputChannels, shape.output, reversed: false)
    }

    func inputGradient(_ dy: [Float], _ w: [Float]) -> [Float] {
        convolve(dy, shape.outputChannels, shape.output, w, nil, shape.inputChannels, shape.input, reversed: true)
    }

    private func convolve(
        _ from: [Float], _ channels: Int, _ spatial: [Int], _ w: [Float], _ bias: [Float]?, _ filters: Int,
        _ size: [Int], reversed: Bool
    ) -> [Float] {
        var sizes = Winograd.sizes(shape, reversed: reversed)
        let (u, scratch, y) = (
            GuardedMemory(
                bytes: Int(lamina_winograd_weights_size(&sizes)) * 4, name: "weights"),
            GuardedMemory(bytes: Int(lamina_winograd_scratch(&sizes)) * 4, name: "scratch"),
            GuardedMemory(bytes: shape.batch * filters * size.reduce(1, *) * 4, name: "output")
        )
        for part in 0..<lamina_winograd_parts(&sizes) {
            lamina_winograd_weights(&sizes, w, part, u.floats)
        }
        let input = channelsLast(from, channels, spatial)
        if let bias {
            lamina_winograd(&sizes, input, u.floats, bias, y.floats, scratch.floats)
        } else {
            lamina_winograd(&sizes, input, u.floats, nil, y.floats, scratch.floats)
        }
        #expect([u, scratch, y].allSatisfy { $0.damage == nil })
        let places = size.reduce(1, *)
        return (0..<shape.batch * filters * places).map { index in
            let (n, c, p) = (index / (filters * places), index / places % filters, index % places)
            return y.floats[(n * places + p) * filters + c]
        }
    }

    func parameterGradients(_ x: [Float], _ dy: [Float]) -> ([Float], [Float]) {
        var sizes = Winograd.sizes(shape)
        let (scratch, dw, db) = (
            GuardedMemory(bytes: Int(lamina_winograd_gradient_scratch(&sizes)) * 4, name: "scratch"),
            GuardedMemory(bytes: shape.weightElements * 4, name: "dw"),
            GuardedMemory(bytes: shape.outputChannels * 4, name: "db")
        )
        lamina_winograd_gradient(
            &sizes, channelsLast(x, shape.inputChannels, shape.input),
            channelsLast(dy, shape.outputChannels, shape.output), dw.floats, db.floats, scratch.floats)
        #expect([scratch, dw, db].allSatisfy { $0.damage == nil })
        return (weights(dw), (0..<shape.outputChannels).map { db.floats[$0] })
    }

    func weightGradientInStages(_ x: [Float], _ dy: [Float]) -> [Float] {
        var sizes = Winograd.sizes(shape)
        let memory = GuardedMemory(bytes: Int(lamina_winograd_gradient_memory(&sizes)) * 4, name: "memory")
        let dw = GuardedMemory(bytes: shape.weightElements * 4, name: "dw")
        let input = channelsLast(x, shape.inputChannels, shape.input)
        let gradient = channelsLast(dy, shape.outputChannels, shape.output)
        for range in halves(Int(lamina_winograd_tile_rows(&sizes))) {
            lamina_winograd_gradient_inputs(&sizes, input, gradient, range, memory.floats)
        }
        for range in halves(Int(lamina_winograd_points(&sizes))) {
            lamina_winograd_gradient_products(&sizes, range, memory.floats)
        }
        for range in halves(shape.inputChannels) {
            lamina_winograd_gradient_weights(&sizes, memory.floats, range, dw.floats)
        }
        #expect([memory, dw].allSatisfy { $0.damage == nil })
        return weights(dw)
    }

    private func halves(_ count: Int) -> [lamina_winograd_range] {
        [(count / 2, count), (0, count / 2)].map { lamina_winograd_range(begin: Int64($0.0), end: Int64($0.1)) }
    }

    /// (O, I, kernel) from height, width, in, out.
    private func weights(_ dw: GuardedMemory) -> [Float] {
        let (inputs, outputs, taps) = (shape.inputChannels, shape.outputChannels, shape.kernel.reduce(1, *))
        return (0..<shape.weightElements).map { index in
            let (o, i, k) = (index / (inputs * taps), index / taps % inputs, index % taps)
            return dw.floats[(k * inputs + i) * outputs + o]
        }
    }

    private func channelsLast(_ plain: [Float], _ channels: Int, _ spatial: [Int]) -> [Float] {
        let places = spatial.reduce(1, *)
        return (0..<plain.count).map { index in
            let (n, p, c) = (index / (places * channels), index / channels % places, index % channels)
            return plain[(n * channels + c) * places + p]
        }
    }
}

extension GuardedMemory {
    fileprivate var floats: UnsafeMutablePointer<Float> { bytes.assumingMemoryBound(to: Float.self) }
}
