import LaminaSDK
import Testing

@testable import CNN

/// The three directions against the naive loops, over many random shapes: pieces by samples and by rows, both layouts.
@Suite struct ConvolutionPassTests {
    @Test(arguments: 0..<120)
    func agreesWithTheDefinition(_ seed: Int) throws {
        var random = SplitMix(seed: UInt64(seed))
        try check(randomShape(&random), seed, &random)
    }

    /// Large enough to be cut into pieces of several samples, and into rows.
    @Test(arguments: [
        ConvolutionShape(
            batch: 37, groups: 1, inputChannels: 16, outputChannels: 24, input: [12, 11], output: [12, 11],
            kernel: [3, 3], stride: [1, 1], dilation: [1, 1], before: [1, 1], channelsLast: true),
        ConvolutionShape(
            batch: 1, groups: 1, inputChannels: 32, outputChannels: 40, input: [50, 31], output: [25, 16],
            kernel: [7, 3], stride: [2, 2], dilation: [1, 1], before: [3, 1], channelsLast: true),
        ConvolutionShape(
            batch: 2, groups: 2, inputChannels: 64, outputChannels: 64, input: [47, 20], output: [16, 20],
            kernel: [1, 3], stride: [3, 1], dilation: [1, 2], before: [0, 2], channelsLast: true),
        ConvolutionShape(
            batch: 3, groups: 1, inputChannels: 8, outputChannels: 16, input: [40, 9, 8], output: [36, 7, 8],
            kernel: [3, 3, 3], stride: [1, 1, 1], dilation: [2, 1, 1], before: [0, 0, 1], channelsLast: true),
        ConvolutionShape(
            batch: 2, groups: 1, inputChannels: 300, outputChannels: 200, input: [9], output: [9], kernel: [4],
            stride: [1], dilation: [1], before: [1], channelsLast: true),
        ConvolutionShape(
            batch: 1, groups: 1, inputChannels: 32, outputChannels: 32, input: [3000], output: [3003], kernel: [4],
            stride: [1], dilation: [1], before: [5], channelsLast: true),
        ConvolutionShape(
            batch: 37, groups: 1, inputChannels: 16, outputChannels: 24, input: [12, 11], output: [12, 11],
            kernel: [3, 3], stride: [1, 1], dilation: [1, 1], before: [1, 1], channelsLast: false),
    ])
    func agreesWhenCut(_ shape: ConvolutionShape) throws {
        #expect(ConvolutionPiece.cuttingOutput(shape).count > 1)
        #expect(ConvolutionPiece.cuttingInput(shape).count > 1)
        var random = SplitMix(seed: 1)
        try check(shape, 1, &random)
    }

    private func check(_ shape: ConvolutionShape, _ seed: Int, _ random: inout SplitMix) throws {
        let comment = Comment(rawValue: "seed \(seed): \(shape)")
        let x = random.floats(shape.batch * shape.inputElements)
        let dy = random.floats(shape.batch * shape.outputElements)
        let w = random.floats(shape.weightElements)
        let bias = random.floats(shape.outputChannels)
        let naive = NaiveConvolution(shape: shape)
        let runner = PassRunner(shape: shape)
        let products = Double(shape.inputChannels / shape.groups * shape.kernel.reduce(1, *))

        #expect(distance(try runner.output(x, w, bias), naive.output(x, w, bias)) < 2e-7 * products + 1e-6, comment)
        #expect(
            distance(try runner.inputGradient(dy, w), naive.inputGradient(dy, w)) < 1e-5 * products.squareRoot() + 1e-5,
            comment)
        let (dw, db) = try runner.parameterGradients(x, dy)
        let sums = Double(shape.batch * shape.output.reduce(1, *)).squareRoot()
        #expect(distance(dw, naive.weightGradient(x, dy)) < 2e-6 * sums + 1e-6, comment)
        #expect(distance(db, naive.biasGradient(dy)) < 2e-6 * sums + 1e-6, comment)
    }

    private func randomShape(_ random: inout SplitMix) -> ConvolutionShape {
        while true {
            let axes = random.below(3) + 1
            let groups = [1, 1, 1, 2, 3, 4][random.below(6)]
            let depthwise = random.below(5) == 0
            let channels = groups * (depthwise ? 1 : [1, 2, 3, 8, 16][random.below(5)])
            var shape = ConvolutionShape(
                batch: random.below(5) + 1, groups: groups, inputChannels: channels,
                outputChannels: groups * (random.below(17) + 1),
                input: (0..<axes).map { _ in random.below(axes == 3 ? 6 : 12) + 1 },
                output: [], kernel: (0..<axes).map { _ in random.below(4) + 1 },
                stride: (0..<axes).map { _ in random.below(3) + 1 },
                dilation: (0..<axes).map { _ in random.below(3) + 1 },
                before: (0..<axes).map { _ in random.below(4) }, channelsLast: random.below(3) > 0)
            let sizes = (0..<axes).map { shape.input[$0] + shape.before[$0] + random.below(4) - shape.reach($0) }
            if sizes.contains(where: { $0 < 0 }) { continue }
            shape.output = (0..<axes).map { sizes[$0] / shape.stride[$0] + 1 }
            return shape
        }
    }
}

/// The largest difference of two arrays.
func distance(_ a: [Float], _ b: [Double]) -> Double {
    zip(a, b).map { abs(Double($0) - $1) }.reduce(a.count == b.count ? 0 : .infinity) { $1 <= $0 ? $0 : $1 }
}

/// A small generator whose numbers depend on the seed alone.
struct SplitMix {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
    mutating func floats(_ count: Int) -> [Float] { (0..<count).map { _ in Float(next() >> 40) / 8_388_608 - 1 } }
}
