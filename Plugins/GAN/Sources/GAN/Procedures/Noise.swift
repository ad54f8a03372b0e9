import LaminaSDK

/// What generators make samples of: random numbers, each draw a function of the seed and its number alone.
struct Noise {
    enum Distribution: String { case normal, uniform }

    let distribution: Distribution
    let seed: UInt64
    let host: Host

    static let schema = AttributeSchema.string(
        "noise", default: Distribution.normal.rawValue, choices: ["normal", "uniform"],
        "what the generator gets: standard normal numbers, or uniform ones from -1 to 1")

    /// Draws that never meet those of another purpose.
    enum Purpose: UInt64 {
        case training = 0x6761_6e00_0000_0000
        case pictures = 0x6761_6e01_0000_0000
        case mixtures = 0x6761_6e02_0000_0000
        case generation = 0x6761_6e03_0000_0000
        case buffers = 0x6761_6e04_0000_0000
    }

    func stream(_ purpose: Purpose, _ number: Int) -> RandomStream {
        RandomStream(seed: seed, stream: purpose.rawValue &+ UInt64(number), offset: 0)
    }

    func fill(_ purpose: Purpose, _ number: Int, first: Int = 0, _ values: UnsafeMutablePointer<Float>, count: Int) {
        let stream = stream(purpose, number)
        switch distribution {
        case .normal: host.normal(stream, first: first, into: values, count: count)
        case .uniform:
            host.uniform(stream, first: first, into: values, count: count)
            for index in 0..<count { values[index] = 2 * values[index] - 1 }
        }
    }
}
