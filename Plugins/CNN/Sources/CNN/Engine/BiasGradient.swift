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
                if channelsLast {
                    for place in 0..<places {
                        let row = dy + place * channels
                        for c in 0..<channels { sums[c] += row[c] }
                    }
                } else {
                    for c in 0..<channels {
                        var sum: Float = 0
                        for place in 0..<places { sum += dy[c * places + place] }
                        sums[c] += sum
                    }
                }
            }
        }
        gradient.update(repeating: 0, count: channels)
        for task in 0..<tasks {
            for c in 0..<channels { gradient[c] += partials[task * channels + c] }
        }
    }
}
