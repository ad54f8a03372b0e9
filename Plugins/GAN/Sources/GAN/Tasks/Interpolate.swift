import Glibc
import LaminaSDK

/// `lamina task MODEL interpolate strip.png`: samples on the way from one point of noise to another.
///
/// Normal noise lies near a sphere, so the way is on one: z(t) = sin((1−t)ω)/sin ω · a + sin(tω)/sin ω · b with ω the angle
/// between a and b (White 2016, "Sampling Generative Networks"); uniform noise has a straight way.
struct Interpolate: ModelTask {
    static let name = "interpolate"
    static let documentation =
        "Makes samples on the way between two points of noise and writes them as a strip (.png, .npy)."
    static let attributes: [AttributeSchema] = [
        .integer("from", default: 0, "the seed of the first point"),
        .integer("to", default: 1, "the seed of the last point"),
        .integer("steps", default: 10, 2...1000, "samples, with the first and the last"),
        .integer("rows", default: 1, 1...100, "ways, each from and to other noise of the two seeds"),
        .string("class", default: "", "name or number of the class to make; without it, the first"),
    ]
    static let usage = SampleFile.usage

    private let from, to, steps, rows: Int
    private let className: String

    init(_ attributes: Attributes, host: Host) {
        (from, to) = (attributes.integer("from"), attributes.integer("to"))
        (steps, rows) = (attributes.integer("steps"), attributes.integer("rows"))
        className = attributes.string("class")
    }

    func run(_ model: TaskModel, _ arguments: [String], _ answer: TaskAnswer) throws {
        let path = try SampleFile.path(arguments, [".png", ".npy"])
        let generator = try TrainedGenerator(model)
        let number = className.isEmpty ? 0 : try generator.number(of: className)
        let size = generator.noiseSize
        let (first, last) = (generator.noise(seed: from, 0..<rows), generator.noise(seed: to, 0..<rows))
        var noise: [Float] = []
        for row in 0..<rows {
            let (a, b) = (Array(first[row * size..<(row + 1) * size]), Array(last[row * size..<(row + 1) * size]))
            for step in 0..<steps {
                let t = Float(step) / Float(steps - 1)
                noise += Self.point(a, b, t, isRound: generator.asset.noise == .normal)
            }
        }
        var values: [Float] = []
        let classes = [Int](repeating: number, count: rows * steps)
        try generator.make({ Array(noise[$0.lowerBound * size..<$0.upperBound * size]) }, classes: classes, answer) {
            values += $1
        }
        try SampleFile.write(values, count: rows * steps, generator, columns: steps, to: path, answer)
    }

    static func point(_ a: [Float], _ b: [Float], _ t: Float, isRound: Bool) -> [Float] {
        func norm(_ x: [Float]) -> Float { x.reduce(0) { $0 + $1 * $1 }.squareRoot() }
        let length = norm(a) * norm(b)
        let cosine = length > 0 ? zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } / length : 1
        let angle = acos(max(-1, min(1, cosine)))
        // Of points in one direction, the way on the sphere is the straight one.
        guard isRound, sin(angle) > 1e-4 else { return zip(a, b).map { (1 - t) * $0 + t * $1 } }
        let (left, right) = (sin((1 - t) * angle) / sin(angle), sin(t * angle) / sin(angle))
        return zip(a, b).map { left * $0 + right * $1 }
    }
}
