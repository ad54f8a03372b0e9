import LaminaSDK

/// db[c] = Σ over samples and places of dy[n, c, p], where oneDNN does not compute it along with dw.
struct BiasGradient {
    private let samples: Int
    private let channels: Int
    private let places: Int
    private let channelsLast: Bool
    /// Memory of one call: one partial sum per task.
    var workspaceBytes: Int { (tasks * channels * 4 + 63) / 64 * 64 }
    private let grain: Int
    private var tasks: Int { (samples + grain - 1) / grain }

    init(samples: Int, channels: Int, places: Int, channelsLast: Bool) {
        (self.samples, self.channels, self.places) = (samples, channels, places)
        self.channelsLast = channelsLast
        grain = max(1, (samples + 15) / 16, 16384 / max(1, channels * places))
    }

    /// Overwrites `gradient`. Partial sums per task are added in order, whatever the number of threads.
    func run(
        _ host: Host, outputGradient: UnsafeMutablePointer<Float>, gradient: UnsafeMutablePointer<Float>,
        workspace: UnsafeMutableRawPointer
    ) {
        let partials = workspace.assumingMemoryBound(to: Float.self)
        host.parallelFor(samples, grain: grain) { begin, end in
            let sums = partials + begin / grain * channels
            sums.update(repeating: 0, count: channels)
            for sample in begin..<end {
                let dy = outputGradient + sample * channels * places
                if channelsLast { addRows(dy, to: sums) } else { addPlanes(dy, to: sums) }
            }
        }
        gradient.update(repeating: 0, count: channels)
        for task in 0..<tasks {
            for c in 0..<channels { gradient[c] += partials[task * channels + c] }
        }
    }

    /// Places that are added up before they join the total, which bounds the rounding error.
    private static let block = 64
    /// Channels whose sums are kept at a time: 1 KiB, which stays on the stack.
    private static let lanes = 256

    /// One sample, channels last.
    private func addRows(_ dy: UnsafePointer<Float>, to sums: UnsafeMutablePointer<Float>) {
        withUnsafeTemporaryAllocation(of: Float.self, capacity: Self.lanes) { buffer in
            let part = buffer.baseAddress!
            for firstChannel in stride(from: 0, to: channels, by: Self.lanes) {
                let count = min(Self.lanes, channels - firstChannel)
                for firstPlace in stride(from: 0, to: places, by: Self.block) {
                    part.update(repeating: 0, count: count)
                    for place in firstPlace..<min(firstPlace + Self.block, places) {
                        let row = dy + place * channels + firstChannel
                        for c in 0..<count { part[c] += row[c] }
                    }
                    for c in 0..<count { sums[firstChannel + c] += part[c] }
                }
            }
        }
    }

    /// One sample in the plain layout.
    private func addPlanes(_ dy: UnsafePointer<Float>, to sums: UnsafeMutablePointer<Float>) {
        for c in 0..<channels {
            for first in stride(from: 0, to: places, by: Self.block) {
                var part: Float = 0
                for place in first..<min(first + Self.block, places) { part += dy[c * places + place] }
                sums[c] += part
            }
        }
    }
}
