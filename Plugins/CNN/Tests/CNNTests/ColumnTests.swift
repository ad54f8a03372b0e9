import Testing

@testable import CNN

/// The gradient of an input with few channels against the naive loops.
@Suite("Columns") struct ColumnTests {
    /// Kernels smaller and larger than the stride, padding beyond the kernel, images of one pixel, columns of several vectors.
    @Test("the sums of columns agree with the definition, whatever the sizes", arguments: 0..<60)
    func agreesWithTheDefinition(_ seed: Int) throws {
        var random = SplitMix(seed: UInt64(seed))
        let channels = random.below(4) + 1
        var shape = ConvolutionShape(
            batch: random.below(6) + 1, groups: 1, inputChannels: channels,
            outputChannels: 4 * channels + random.below(40), input: [random.below(20) + 1, random.below(20) + 1],
            output: [], kernel: [random.below(5) + 1, random.below(5) + 1],
            stride: [random.below(3) + 1, random.below(3) + 1], dilation: [1, 1],
            before: [random.below(6), random.below(6)], channelsLast: true)
        shape.output = (0..<2).map {
            max(shape.input[$0] + shape.before[$0] - shape.kernel[$0], 0) / shape.stride[$0] + 1
        }
        try check(shape, &random)
    }

    @Test("cut by samples, and by rows")
    func pieces() throws {
        var random = SplitMix(seed: 1)
        var shape = ConvolutionShape(
            batch: 64, groups: 1, inputChannels: 1, outputChannels: 64, input: [28, 28], output: [14, 14],
            kernel: [4, 4], stride: [2, 2], dilation: [1, 1], before: [1, 1], channelsLast: true)
        try check(shape, &random)
        (shape.batch, shape.input, shape.output) = (1, [121, 300], [60, 150])
        #expect(ConvolutionPiece.cuttingInput(shape).count > 1)
        try check(shape, &random)
    }

    @Test("other layouts, groups, dilations and more channels are left to oneDNN")
    func choice() throws {
        let shape = ConvolutionShape(
            batch: 2, groups: 1, inputChannels: 2, outputChannels: 8, input: [8, 8], output: [8, 8], kernel: [3, 3],
            stride: [1, 1], dilation: [1, 1], before: [1, 1], channelsLast: true)
        #expect(try WeightedPass.inputGradient(shape).implementations == ["columns"])
        let changes: [(inout ConvolutionShape) -> Void] = [
            { $0.channelsLast = false }, { $0.groups = 2 }, { $0.inputChannels = 5 },
            { ($0.dilation, $0.before) = ([2, 2], [2, 2]) },
        ]
        for change in changes {
            var other = shape
            change(&other)
            #expect(try WeightedPass.inputGradient(other).implementations.isDisjoint(with: ["columns"]))
        }
    }

    private func check(_ shape: ConvolutionShape, _ random: inout SplitMix) throws {
        #expect(try WeightedPass.inputGradient(shape).implementations == ["columns"])
        let dy = random.floats(shape.batch * shape.outputElements)
        let w = random.floats(shape.weightElements)
        let wanted = NaiveConvolution(shape: shape).inputGradient(dy, w)
        let got = try PassRunner(shape: shape).inputGradient(dy, w)
        #expect(distance(got, wanted) < 2e-5, "\(shape)")
        let alone = try PassRunner(shape: shape, threads: 1).inputGradient(dy, w)
        #expect(alone.map(\.bitPattern) == got.map(\.bitPattern))
    }
}
