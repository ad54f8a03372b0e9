import LaminaFormats

/// A recorded case of the model: inputs, the outputs that it gave when it was saved, and how close is close enough.
///
/// It stands in `selftest/<number>/` as `case.json`, `inputs.safetensors` and `outputs.safetensors`.
public struct SelfTest: Sendable {
    public let number: Int
    public let tolerance: Tolerance
    /// For layers that draw random numbers.
    public let seed: Int64
    public let inputs: SafetensorsFile
    public let outputs: SafetensorsFile

    /// A value passes when |got − wanted| ≤ absolute + relative · |wanted|.
    public struct Tolerance: Equatable, Sendable {
        public var absolute: Double
        public var relative: Double

        public init(absolute: Double, relative: Double) {
            self.absolute = absolute
            self.relative = relative
        }
    }

    static func folder(_ number: Int) -> String { "selftest/\(number)" }
}

/// The content of `case.json`.
struct SelfTestCase: JSONReadable {
    let tolerance: SelfTest.Tolerance
    let seed: Int64

    init(tolerance: SelfTest.Tolerance, seed: Int64) {
        self.tolerance = tolerance
        self.seed = seed
    }

    init(json: JSON, at path: String) throws(JSONError) {
        var fields = try JSONFields(json, at: path)
        tolerance = try fields.read("tolerance")
        seed = try fields.read("seed")
        try fields.finish()
    }

    var json: JSON {
        [
            "tolerance": ["absolute": .number(tolerance.absolute), "relative": .number(tolerance.relative)],
            "seed": .integer(seed),
        ]
    }
}

extension SelfTest.Tolerance: JSONReadable {
    public init(json: JSON, at path: String) throws(JSONError) {
        var fields = try JSONFields(json, at: path)
        absolute = try fields.read("absolute")
        relative = try fields.read("relative")
        try fields.finish()
        guard absolute >= 0, relative >= 0 else {
            throw JSONError(.wrongValue, "tolerances are 0 or more", path: path)
        }
    }
}
