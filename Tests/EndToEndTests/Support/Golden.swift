import Foundation
import LaminaFormats
import Testing

/// One golden file and its comparisons.
struct Golden {
    let name: String
    let file: TensorFile
    private let weights: [(name: String, shape: [Int])]
    private let gradients: [(name: String, shape: [Int])]

    struct Fault: Error, CustomStringConvertible {
        let description: String
        init(_ description: String) { self.description = description }
    }

    static func path(_ name: String) -> String {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent(
            "Golden/\(name)"
        ).path
    }

    init(_ name: String) throws {
        self.name = name
        file = try TensorFile(Self.path(name + ".safetensors"))
        weights = try Self.list("weights", file)
        gradients = try Self.list("gradients", file)
    }

    private static func list(_ key: String, _ file: TensorFile) throws -> [(name: String, shape: [Int])] {
        let text = try String(json: try #require(file.metadata[key]), at: key)
        return try [JSON](json: JSON.parse(text), at: key).map { pair in
            let shape = try [JSON](json: try #require(pair[1]), at: key).map { try Int(json: $0, at: key) }
            return (try String(json: try #require(pair[0]), at: key), shape)
        }
    }

    /// The comparison means something only for the weights that PyTorch had.
    func checkWeights(_ drawn: TensorFile) throws {
        try #require(drawn.tensors.keys.sorted() == weights.map(\.name).sorted())
        let sums = try file["weights"].doubles
        for (row, weight) in weights.enumerated() {
            let tensor = try drawn[weight.name]
            try #require(tensor.shape == weight.shape, "\(weight.name)")
            let values = tensor.doubles
            let (sum, squares) = (values.reduce(0, +), values.reduce(0) { $0 + $1 * $1 })
            let scale = (Double(max(values.count, 1)) * sums[2 * row + 1]).squareRoot()
            guard abs(sum - sums[2 * row]) <= 1e-6 * scale, abs(squares - sums[2 * row + 1]) <= 1e-6 * sums[2 * row + 1]
            else {
                throw Fault("\(name): the initial weights of '\(weight.name)' changed: run Golden/generate.py again")
            }
        }
    }

    func checkOutputs(_ got: TensorFile, _ phase: GoldenTests.Phase) throws {
        let wanted = try file["\(phase)/output"]
        let output = try got["output"]
        try #require(output.shape == wanted.shape)
        let error = zip(output.doubles, wanted.doubles).map { abs($0 - $1) }.max()!
        #expect(error <= 1e-4 * wanted.magnitude, "\(name), \(phase): output is off by \(error) of \(wanted.magnitude)")
        let (loss, wantedLoss) = (try got["loss"].doubles[0], try file["\(phase)/loss"].doubles[0])
        #expect(
            abs(loss - wantedLoss) <= 1e-4 * abs(wantedLoss), "\(name), \(phase): loss is \(loss), wanted \(wantedLoss)"
        )
    }

    func checkGradients(_ got: TensorFile, _ phase: GoldenTests.Phase) throws {
        #expect(got.tensors.keys.sorted() == gradients.map(\.name).sorted(), "\(name), \(phase)")
        let moments = try file["\(phase)/moments"].doubles
        let samples = try file["\(phase)/samples"].doubles
        var offset = 0
        for (row, gradient) in gradients.enumerated() {
            let count = gradient.shape.reduce(1, *)
            let kept = min(count, 25)
            defer { offset += kept }
            guard let tensor = got.tensors[gradient.name] else { continue }
            try #require(tensor.shape == gradient.shape, "\(name), \(phase): \(gradient.name)")
            let values = tensor.doubles
            let moment = Array(moments[6 * row..<6 * row + 6])
            // Where the true gradient is 0 (a bias before batch norm), rounding remains: as little as PyTorch's own.
            let tolerance = max(1e-3 * moment[1], 20 * moment[5])
            var errors: [(what: String, error: Double, allowed: Double)] = []
            errors.append(("its largest magnitude", abs(tensor.magnitude - moment[1]), tolerance))
            let sampleErrors = (0..<kept).map { abs(values[$0 * count / kept] - samples[offset + $0]) }
            errors.append(("an element", sampleErrors.max() ?? 0, tolerance))
            // Sums over all elements may be off by what errors of random signs add up to.
            let spread = tolerance * Double(count).squareRoot()
            errors.append(("its norm", abs(values.reduce(0) { $0 + $1 * $1 }.squareRoot() - moment[0]), spread))
            for projection in 0..<3 {
                let step = 0.7 + 0.31 * Double(projection)
                var sum = 0.0
                for (index, value) in values.enumerated() {
                    sum += value * cos(step * Double(index) + Double(projection))
                }
                errors.append(("projection \(projection)", abs(sum - moment[2 + projection]), spread))
            }
            for (what, error, allowed) in errors where !(error <= allowed) {
                Issue.record(
                    "\(name), \(phase): gradient of '\(gradient.name)': \(what) is off by \(error), allowed \(allowed)")
            }
        }
    }
}
