import Glibc
import LaminaSDK

// Speed of the convolutions: GFLOP/s of each direction, packing of the weights and adding of partial sums included.
//
//     swift run -c release CNNBenchmark [threads] [plain]
//
// The shapes are those of a small image classifier on 28 × 28 pixels (batch 64) and of a ResNet with stages 64, 128
// and 256 on 96 × 96 (batch 32) or 224 × 224 (batch 1).
@testable import CNN

func shape(
    _ batch: Int, _ channels: Int, _ size: Int, _ filters: Int, _ kernel: Int, stride: Int = 1, padding: Int,
    channelsLast: Bool
) -> ConvolutionShape {
    let output = (size + 2 * padding - kernel) / stride + 1
    return ConvolutionShape(
        batch: batch, groups: 1, inputChannels: channels, outputChannels: filters, input: [size, size],
        output: [output, output], kernel: [kernel, kernel], stride: [stride, stride], dilation: [1, 1],
        before: [padding, padding], channelsLast: channelsLast)
}

func numbers(_ count: Int) -> UnsafeMutablePointer<Float> {
    let memory = UnsafeMutableRawPointer.allocate(byteCount: max(count, 1) * 4, alignment: 64)
        .assumingMemoryBound(to: Float.self)
    for i in 0..<count { memory[i] = Float((i * 7919) % 2003) / 1001 - 1 }
    return memory
}

/// The shortest time of one call, in seconds: what the code can do when nothing else runs. With one thread it is
/// processor time, which other programs do not disturb.
func time(_ body: () throws -> Void) rethrows -> Double {
    func now() -> Double {
        var t = timespec()
        clock_gettime(threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &t)
        return Double(t.tv_sec) + Double(t.tv_nsec) * 1e-9
    }
    for _ in 0..<3 { try body() }
    var times: [Double] = []
    let end = now() + 0.3
    while now() < end || times.count < 5 {
        let start = now()
        try body()
        times.append(now() - start)
    }
    return times.min()!
}

func pad(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.utf8.count))
}
func report(_ what: String, _ seconds: Double, _ flops: Double, _ implementations: Set<String>) {
    let gigaflops = Int((flops / seconds * 1e-9).rounded())
    let list = implementations.sorted().joined(separator: ", ")
    print(
        "  \(pad(what, 17)) \(pad("\(Int((seconds * 1e6).rounded())) µs", 10)) \(pad("\(gigaflops) GFLOP/s", 14)) \(list)"
    )
}

func measure(_ shape: ConvolutionShape, _ host: Host) throws {
    print(
        "\(shape.inputChannels) × \(shape.input) → \(shape.outputChannels), kernel \(shape.kernel[0]), "
            + "stride \(shape.stride[0]), batch \(shape.batch): \(Int(shape.flops * 1e-6)) MFLOP")
    let x = numbers(shape.batch * shape.inputElements)
    let y = numbers(shape.batch * shape.outputElements)
    let w = numbers(shape.weightElements)
    let bias = numbers(shape.outputChannels)
    defer { [x, y, w, bias].forEach { $0.deallocate() } }

    let forward = try WeightedPass.forward(shape, bias: true, training: true)
    let data = try WeightedPass.inputGradient(shape)
    let weights = try WeightGradientPass(shape, bias: true)
    let bytes = [
        forward.weights.bytes + forward.scratchBytes, data.weights.bytes + data.scratchBytes, weights.workspaceBytes,
    ].max()!
    let workspace = UnsafeMutableRawPointer.allocate(byteCount: bytes + 64, alignment: 64)
    defer { workspace.deallocate() }

    let forwardTime = try time {
        try forward.weights.pack(host, w, into: workspace)
        try forward.run(
            host, from: x, weights: w, packed: workspace, bias: bias, to: y,
            scratch: workspace + forward.weights.bytes)
    }
    report("forward", forwardTime, shape.flops, forward.implementations)
    let dataTime = try time {
        try data.weights.pack(host, w, into: workspace)
        try data.run(
            host, from: y, weights: w, packed: workspace, bias: nil, to: x, scratch: workspace + data.weights.bytes)
    }
    report("input gradient", dataTime, shape.flops, data.implementations)
    let weightTime = try time {
        try weights.run(
            host, input: x, outputGradient: y, weightGradient: w, biasGradient: bias, workspace: workspace)
    }
    report("weight gradient", weightTime, shape.flops, weights.implementations)
}

let arguments = CommandLine.arguments.dropFirst()
let threads = arguments.compactMap { Int($0) }.first ?? 2
let last = !arguments.contains("plain")
let host = BenchmarkHost(threads: threads).host
for shape in [
    shape(64, 1, 28, 32, 3, padding: 1, channelsLast: last), shape(64, 32, 28, 64, 3, padding: 1, channelsLast: last),
    shape(32, 3, 96, 64, 7, stride: 2, padding: 3, channelsLast: last),
    shape(32, 64, 24, 64, 3, padding: 1, channelsLast: last),
    shape(32, 64, 24, 128, 3, stride: 2, padding: 1, channelsLast: last),
    shape(32, 64, 24, 128, 1, stride: 2, padding: 0, channelsLast: last),
    shape(32, 128, 12, 128, 3, padding: 1, channelsLast: last),
    shape(32, 128, 12, 256, 3, stride: 2, padding: 1, channelsLast: last),
    shape(32, 256, 6, 256, 3, padding: 1, channelsLast: last),
    shape(1, 1, 28, 32, 3, padding: 1, channelsLast: last), shape(1, 32, 28, 64, 3, padding: 1, channelsLast: last),
    shape(1, 3, 224, 64, 7, stride: 2, padding: 3, channelsLast: last),
    shape(1, 64, 56, 64, 3, padding: 1, channelsLast: last), shape(1, 256, 14, 256, 3, padding: 1, channelsLast: last),
] {
    try measure(shape, host)
}
