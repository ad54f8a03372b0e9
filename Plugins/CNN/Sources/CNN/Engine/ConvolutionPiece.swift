/// A part of a convolution that one thread computes: some samples, or some rows of one sample.
///
/// How a convolution is cut depends on its shape alone, never on the number of threads, so that results do not either.
/// Rows (of the first spatial axis) are cut only where they lie together in memory: channels last.
struct ConvolutionPiece {
    var shape: ConvolutionShape
    /// Where the piece starts in the whole tensors, in elements.
    var inputOffset: Int
    var outputOffset: Int

    /// Which part it is; equal for pieces of two passes that are cut alike.
    var range: [Int] { [inputOffset, outputOffset, shape.batch] + shape.input + shape.output }

    /// Less work than this is not worth a thread: about 10 µs of one core.
    private static let smallestWork = 2e6
    static let mostPieces = 16
    /// The same for gradients, which find their second operand in the cache when pieces are small.
    static let mostGradientPieces = 32

    /// A power of two: an odd number of pieces leaves one of two threads waiting.
    private static func wantedPieces(_ shape: ConvolutionShape, most: Int) -> Int {
        powerOfTwo(below: min(most, Int(min(shape.flops / smallestWork, 1e6))))
    }

    /// The largest power of two up to `limit`, at least 1.
    private static func powerOfTwo(below limit: Int) -> Int {
        var number = 1
        while number * 2 <= limit { number *= 2 }
        return number
    }

    /// Pieces that share no output: for forward, and for weight gradients, which are the sum over the pieces.
    ///
    /// Rows are cut at multiples of `rowUnit`.
    static func cuttingOutput(_ shape: ConvolutionShape, most: Int = mostPieces, rowUnit: Int = 1)
        -> [ConvolutionPiece]
    {
        cut(shape, most: most, rows: shape.output[0], rowUnit) { shape, rows in
            let (stride, before) = (shape.stride[0], shape.before[0])
            let first = rows.lowerBound * stride - before
            let last = (rows.upperBound - 1) * stride - before + shape.reach(0)
            let begin = max(first, 0)
            return (begin..<max(begin, min(last, shape.input[0])), rows, max(0, -first))
        }
    }

    /// Pieces that share no input: for the gradient of the input.
    static func cuttingInput(_ shape: ConvolutionShape, most: Int = mostGradientPieces, rowUnit: Int = 1)
        -> [ConvolutionPiece]
    {
        cut(shape, most: most, rows: shape.input[0], rowUnit) { shape, rows in
            let (stride, before, reach) = (shape.stride[0], shape.before[0], shape.reach(0))
            // Output o reads the rows o · stride − before ..< + reach.
            let first = max(0, (rows.lowerBound + before - reach + stride) / stride)
            let last = min(shape.output[0] - 1, (rows.upperBound - 1 + before) / stride)
            let inputBefore = before + rows.lowerBound - first * stride
            return (rows, first..<max(last + 1, first), inputBefore)
        }
    }

    /// `rowsOf` tells, for the rows of the side that is cut: input rows, output rows, padding before.
    private static func cut(
        _ shape: ConvolutionShape, most: Int, rows: Int, _ rowUnit: Int,
        _ rowsOf: (ConvolutionShape, Range<Int>) -> (Range<Int>, Range<Int>, Int)
    ) -> [ConvolutionPiece] {
        if shape.isEmpty { return [] }
        let wanted = wantedPieces(shape, most: most)
        if shape.batch < wanted, shape.channelsLast, shape.storedInput == nil {
            // Few rows per piece would read most of the input twice, and the weights more often; but two pieces are
            // better than one.
            let reach = shape.reach(0)
            let most = max(rows / max(4, reach), min(2, rows / max(3, reach)))
            let perSample = powerOfTwo(below: min((wanted + shape.batch - 1) / shape.batch, most))
            if perSample > 1, let pieces = rowPieces(shape, perSample, rows, rowUnit, rowsOf) { return pieces }
        }
        return evenly(shape.batch, min(wanted, shape.batch)).map { samples in
            var part = shape
            part.batch = samples.count
            return ConvolutionPiece(
                shape: part, inputOffset: samples.lowerBound * shape.inputElements,
                outputOffset: samples.lowerBound * shape.outputElements)
        }
    }

    private static func rowPieces(
        _ shape: ConvolutionShape, _ perSample: Int, _ rows: Int, _ rowUnit: Int,
        _ rowsOf: (ConvolutionShape, Range<Int>) -> (Range<Int>, Range<Int>, Int)
    ) -> [ConvolutionPiece]? {
        var pieces: [ConvolutionPiece] = []
        for sample in 0..<shape.batch {
            for units in evenly((rows + rowUnit - 1) / rowUnit, perSample) {
                let range = units.lowerBound * rowUnit..<min(units.upperBound * rowUnit, rows)
                let (inputRows, outputRows, before) = rowsOf(shape, range)
                var part = shape
                part.batch = 1
                (part.input[0], part.output[0], part.before[0]) = (inputRows.count, outputRows.count, before)
                // Where the stride outruns the kernel a piece may see nothing, or start between two outputs.
                guard before >= 0, !part.isEmpty, part.isConsistent(0) else { return nil }
                pieces.append(
                    ConvolutionPiece(
                        shape: part,
                        inputOffset: sample * shape.inputElements
                            + inputRows.lowerBound * (shape.inputElements / shape.input[0]),
                        outputOffset: sample * shape.outputElements
                            + outputRows.lowerBound * (shape.outputElements / shape.output[0])))
            }
        }
        return pieces
    }

    /// `count` things in `parts` consecutive ranges whose sizes differ by at most one.
    private static func evenly(_ count: Int, _ parts: Int) -> [Range<Int>] {
        (0..<parts).map { $0 * count / parts..<($0 + 1) * count / parts }
    }
}
