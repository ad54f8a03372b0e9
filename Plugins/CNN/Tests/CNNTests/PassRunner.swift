import LaminaSDK
import LaminaTesting

@testable import CNN

/// Runs the passes of a convolution on plain arrays, through the layout that its shape asks for.
struct PassRunner {
    let shape: ConvolutionShape
    private let services = TestHost()

    init(shape: ConvolutionShape, threads: Int = 2) {
        self.shape = shape
        services.threads = threads
    }

    private var host: Host { services.host }

    func output(_ x: [Float], _ w: [Float], _ bias: [Float]) throws -> [Float] {
        let pass = try WeightedPass.forward(shape, bias: true, training: true)
        return try run(pass, arrange(x, shape.inputChannels, shape.input), w, bias, shape.outputChannels, shape.output)
    }

    func inputGradient(_ dy: [Float], _ w: [Float]) throws -> [Float] {
        let pass = try WeightedPass.inputGradient(shape)
        return try run(pass, arrange(dy, shape.outputChannels, shape.output), w, nil, shape.inputChannels, shape.input)
    }

    private func run(
        _ pass: WeightedPass, _ from: [Float], _ w: [Float], _ bias: [Float]?, _ channels: Int, _ spatial: [Int]
    ) throws -> [Float] {
        let packed = UnsafeMutableRawPointer.allocate(byteCount: pass.weights.bytes + 64, alignment: 64)
        let scratch = UnsafeMutableRawPointer.allocate(byteCount: pass.scratchBytes + 64, alignment: 64)
        defer { packed.deallocate() }
        defer { scratch.deallocate() }
        var (from, w, bias) = (from, w, bias)
        var to = [Float](repeating: .nan, count: shape.batch * channels * spatial.reduce(1, *))
        try w.withUnsafeMutableBufferPointer { w in
            try pass.weights.pack(host, w.baseAddress!, into: packed)
            try from.withUnsafeMutableBufferPointer { from in
                try to.withUnsafeMutableBufferPointer { to in
                    try bias.withOptionalPointer { bias in
                        try pass.run(
                            host, from: from.baseAddress!, weights: w.baseAddress!, packed: packed, bias: bias,
                            to: to.baseAddress!, scratch: scratch)
                    }
                }
            }
        }
        return restore(to, channels, spatial)
    }

    func parameterGradients(_ x: [Float], _ dy: [Float]) throws -> ([Float], [Float]) {
        let pass = try WeightGradientPass(shape, bias: true)
        let workspace = UnsafeMutableRawPointer.allocate(byteCount: pass.workspaceBytes + 64, alignment: 64)
        defer { workspace.deallocate() }
        var x = arrange(x, shape.inputChannels, shape.input)
        var dy = arrange(dy, shape.outputChannels, shape.output)
        var dw = [Float](repeating: .nan, count: shape.weightElements)
        var db = [Float](repeating: .nan, count: shape.outputChannels)
        try pass.run(
            host, input: &x, outputGradient: &dy, weightGradient: &dw, biasGradient: &db, workspace: workspace)
        return (dw, db)
    }

    private func arrange(_ plain: [Float], _ channels: Int, _ spatial: [Int]) -> [Float] {
        reorder(plain, channels, spatial) { plain, last in (plain, last) }
    }

    private func restore(_ values: [Float], _ channels: Int, _ spatial: [Int]) -> [Float] {
        reorder(values, channels, spatial) { plain, last in (last, plain) }
    }

    /// `direction` tells, of the plain and the channels-last index of an element, which is read and which written.
    private func reorder(
        _ values: [Float], _ channels: Int, _ spatial: [Int], _ direction: (Int, Int) -> (from: Int, to: Int)
    ) -> [Float] {
        if !shape.channelsLast { return values }
        let places = spatial.reduce(1, *)
        var result = values
        for n in 0..<shape.batch {
            for c in 0..<channels {
                for p in 0..<places {
                    let (from, to) = direction((n * channels + c) * places + p, (n * places + p) * channels + c)
                    result[to] = values[from]
                }
            }
        }
        return result
    }
}

extension [Float]? {
    mutating func withOptionalPointer<Result>(
        _ body: (UnsafeMutablePointer<Float>?) throws -> Result
    ) rethrows -> Result {
        guard self != nil else { return try body(nil) }
        return try self!.withUnsafeMutableBufferPointer { try body($0.baseAddress) }
    }
}
