import LaminaSDK

/// The sizes of one pooling, in a form that serves both layouts: planes of places with the channels innermost.
///
/// Channels last, a plane is a sample. In the plain layout it is one channel of one sample, with a single channel
/// inside.
struct PoolingShape {
    let planes: Int
    let channels: Int
    let depth: PoolingAxis
    let height: PoolingAxis
    let width: PoolingAxis

    /// `axis` tells the windows of spatial axis 0, 1, …, from its input and output size.
    init(_ planning: Planning, _ axis: (_ axis: Int, _ input: Int, _ output: Int) -> PoolingAxis) throws {
        try planning.requireExtents()
        let (x, y) = (planning.input(0), planning.output(0))
        planes = x.isChannelsLast ? x.size(0) : x.size(0) * x.size(1)
        channels = x.isChannelsLast ? x.size(1) : 1
        var all = (2..<x.rank).map { axis($0 - 2, x.size($0), y.size($0)) }
        while all.count < 3 { all.insert(.missing, at: 0) }
        (depth, height, width) = (all[0], all[1], all[2])
    }

    var inputPlane: Int { depth.input * height.input * width.input * channels }
    var outputPlane: Int { depth.output * height.output * width.output * channels }
    var windowInputs: Int { depth.mostInputs * height.mostInputs * width.mostInputs }
    /// Every input is seen by exactly one window.
    var isPartition: Bool { depth.isPartition && height.isPartition && width.isPartition }
    /// About one operation per input that a window sees.
    var flops: Double { Double(planes) * Double(outputPlane) * Double(windowInputs) }
    var rows: Int { planes * depth.output * height.output }
    /// Output rows per task: about 32,768 operations.
    var rowGrain: Int { max(1, 32768 / max(1, width.output * channels * windowInputs)) }
    /// Planes per task.
    var planeGrain: Int { max(1, 32768 / max(1, outputPlane * windowInputs)) }

    /// Calls `body` for each output of row `row`, counted over all planes: where its channels are, and which window.
    @inline(__always)
    func forEachWindow(inRow row: Int, _ body: (_ output: Int, _ window: Window) -> Void) {
        let h = row % height.output
        let d = row / height.output % depth.output
        let plane = row / (height.output * depth.output)
        for w in 0..<width.output {
            body((row * width.output + w) * channels, Window(plane: plane, d: d, h: h, w: w))
        }
    }

    /// Calls `body` for each input of a window, in the order of memory: which one of the window, and where it is.
    @inline(__always)
    func forEachInput(_ window: Window, _ body: (_ ordinal: Int, _ input: Int) -> Void) {
        var ordinal = 0
        var d = depth.begin[window.d]
        while d < depth.end[window.d] {
            var h = height.begin[window.h]
            while h < height.end[window.h] {
                let row = ((window.plane * depth.input + d) * height.input + h) * width.input
                var w = width.begin[window.w]
                while w < width.end[window.w] {
                    body(ordinal, (row + w) * channels)
                    ordinal += 1
                    w += width.step
                }
                h += height.step
            }
            d += depth.step
        }
    }

    /// Fills `inputs` with the places of a window's inputs, in the order of memory and relative to the first one.
    ///
    /// - Returns: where the first one is, and how many there are.
    @inline(__always)
    func inputs(_ window: Window, into inputs: UnsafeMutablePointer<Int32>) -> (first: Int, count: Int) {
        var (first, count) = (0, 0)
        forEachInput(window) { ordinal, input in
            if ordinal == 0 { first = input }
            inputs[ordinal] = Int32(truncatingIfNeeded: input &- first)
            count = ordinal &+ 1
        }
        return (first, count)
    }

    /// The index of an output in each axis.
    struct Window {
        let plane, d, h, w: Int
    }
}
