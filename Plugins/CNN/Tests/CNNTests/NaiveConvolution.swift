@testable import CNN

/// The definition of convolution as seven loops over doubles, plain layout: what the fast paths are compared with.
struct NaiveConvolution {
    let shape: ConvolutionShape

    /// Calls `body` with the flat plain indices of every product w · x that enters y.
    private func forEachProduct(_ body: (_ weight: Int, _ input: Int, _ output: Int) -> Void) {
        let (kernel, input, output) = (threeAxes(shape.kernel), threeAxes(shape.input), threeAxes(shape.output))
        let (stride, dilation) = (threeAxes(shape.stride), threeAxes(shape.dilation))
        let before = Array(repeating: 0, count: 3 - shape.axes) + shape.before
        let inputs = shape.inputChannels / shape.groups
        let outputs = shape.outputChannels / shape.groups
        for n in 0..<shape.batch {
            for o in 0..<shape.outputChannels {
                for i in 0..<inputs {
                    let channel = o / outputs * inputs + i
                    for p in 0..<output.reduce(1, *) {
                        let place = split(p, output)
                        for k in 0..<kernel.reduce(1, *) {
                            let tap = split(k, kernel)
                            var flat = n * shape.inputChannels + channel
                            var isInside = true
                            for axis in 0..<3 {
                                let at = place[axis] * stride[axis] - before[axis] + tap[axis] * dilation[axis]
                                isInside = isInside && at >= 0 && at < input[axis]
                                flat = flat * input[axis] + at
                            }
                            if isInside {
                                body(
                                    (o * inputs + i) * kernel.reduce(1, *) + k, flat,
                                    (n * shape.outputChannels + o) * output.reduce(1, *) + p)
                            }
                        }
                    }
                }
            }
        }
    }

    private func threeAxes(_ values: [Int]) -> [Int] { Array(repeating: 1, count: 3 - values.count) + values }

    private func split(_ index: Int, _ sizes: [Int]) -> [Int] {
        [index / (sizes[1] * sizes[2]), index / sizes[2] % sizes[1], index % sizes[2]]
    }

    func output(_ x: [Float], _ w: [Float], _ bias: [Float]) -> [Double] {
        let places = shape.output.reduce(1, *)
        var y = (0..<shape.batch * shape.outputElements).map { Double(bias[$0 / places % shape.outputChannels]) }
        forEachProduct { y[$2] += Double(w[$0]) * Double(x[$1]) }
        return y
    }

    func inputGradient(_ dy: [Float], _ w: [Float]) -> [Double] {
        var dx = [Double](repeating: 0, count: shape.batch * shape.inputElements)
        forEachProduct { dx[$1] += Double(w[$0]) * Double(dy[$2]) }
        return dx
    }

    func weightGradient(_ x: [Float], _ dy: [Float]) -> [Double] {
        var dw = [Double](repeating: 0, count: shape.weightElements)
        forEachProduct { dw[$0] += Double(x[$1]) * Double(dy[$2]) }
        return dw
    }

    func biasGradient(_ dy: [Float]) -> [Double] {
        let places = shape.output.reduce(1, *)
        var db = [Double](repeating: 0, count: shape.outputChannels)
        for (index, value) in dy.enumerated() { db[index / places % shape.outputChannels] += Double(value) }
        return db
    }
}
