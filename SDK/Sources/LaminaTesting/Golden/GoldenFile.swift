import LaminaFormats
import LaminaSDK

/// A safetensors file of cases with values from another implementation.
///
/// The metadata has a JSON text per case: `{"attributes": {…}, "phase": "training" or "inference", "tolerance":
/// {"output": 1e-5, "gradient": 1e-4}}`. Tensors are named `<case>/input.0`, `<case>/parameter.weight`,
/// `<case>/output.0`, `<case>/output_gradient.0`, `<case>/input_gradient.0`, `<case>/parameter_gradient.weight`,
/// `<case>/buffer.<name>` and `<case>/buffer_after.<name>`. Those of the detail `"random": {"input.0": [seed, low, high,
/// dimension, …]}` are not stored but drawn: uniform in low...high, as `SDK/Python/lamina_golden.py` draws them.
struct GoldenFile {
    struct Case {
        let name: String
        let attributes: JSONObject
        let details: JSONObject
        /// By the name behind the case's: "input.0".
        let tensors: [String: TensorValue]
    }

    let cases: [Case]

    /// Throws `GoldenError` for a file that is not in this form.
    init(path: String) throws {
        let file = try SafetensorsFile(path: path)
        var tensors: [String: [String: TensorValue]] = [:]
        for tensor in file.tensors {
            guard let slash = tensor.name.lastIndex(of: "/") else {
                throw GoldenError("\(path): the tensor '\(tensor.name)' belongs to no case")
            }
            let (name, rest) = (String(tensor.name[..<slash]), String(tensor.name[tensor.name.index(after: slash)...]))
            guard file.metadata[name] != nil else {
                throw GoldenError("\(path): the case '\(name)' of '\(tensor.name)' is not in the metadata")
            }
            tensors[name, default: [:]][rest] = try TensorValue(tensor, file.bytes(of: tensor))
        }
        cases = try file.metadata.members.compactMap { member in
            // Tools may add texts of their own ("format": "pt").
            guard var values = tensors[member.key] else { return nil }
            guard case .string(let text) = member.value, case .object(let details) = try JSON.parse(text) else {
                throw GoldenError("\(path): the metadata of case '\(member.key)' is no JSON object")
            }
            for key in details.keys where !Self.knownDetails.contains(key) {
                throw GoldenError("\(path): case '\(member.key)' has the unknown detail '\(key)'")
            }
            var attributes = JSONObject()
            if let given = details["attributes"] { attributes = try JSONObject(json: given, at: "attributes") }
            if let drawn = details["random"] {
                try values.merge(Self.draw(JSONObject(json: drawn, at: "random"))) { _, _ in
                    throw GoldenError("\(path): case '\(member.key)' has a tensor that is both stored and random")
                }
            }
            return Case(name: member.key, attributes: attributes, details: details, tensors: values)
        }
        guard !cases.isEmpty else { throw GoldenError("\(path): the file has no cases") }
    }

    private static let knownDetails = [
        "attributes", "phase", "tolerance", "types", "steps", "gradient_scale", "clip_value", "learning_rate_factor",
        "random",
    ]

    /// The tensors that only their seeds tell, by name.
    private static func draw(_ drawn: JSONObject) throws -> [(String, TensorValue)] {
        try drawn.members.map { member in
            let (name, value) = (member.key, member.value)
            let numbers = try [JSON](json: value, at: name)
            let wanted = "wanted [seed, low, high, dimension, …]"
            guard numbers.count >= 3 else {
                throw GoldenError("the random tensor '\(name)' is \(value.text()), \(wanted)")
            }
            let (low, high) = (
                Float(try Double(json: numbers[1], at: name)), Float(try Double(json: numbers[2], at: name))
            )
            let shape = try numbers[3...].map { try Int(json: $0, at: name) }
            guard low <= high, shape.allSatisfy({ $0 >= 0 }) else {
                throw GoldenError("the random tensor '\(name)' is \(value.text()), \(wanted)")
            }
            let seed = UInt64(bitPattern: Int64(try Int(json: numbers[0], at: name)))
            return (name, TensorValue.uniform(shape, low...high, seed: seed))
        }
    }
}

extension GoldenFile.Case {
    /// The tensors "<prefix>.0", "<prefix>.1", …; holes are nil.
    func numbered(_ prefix: String) throws -> [TensorValue?] {
        var result: [TensorValue?] = []
        for (name, value) in named(prefix) {
            guard let index = Int(name), index >= 0, index < 64 else {
                throw GoldenError("'\(prefix).\(name)' has no number")
            }
            while result.count <= index { result.append(nil) }
            result[index] = value
        }
        return result
    }

    /// The tensors "<prefix>.<name>" by name.
    func named(_ prefix: String) -> [String: TensorValue] {
        var result: [String: TensorValue] = [:]
        for (key, value) in tensors where key.hasPrefix(prefix + ".") {
            result[String(key.dropFirst(prefix.count + 1))] = value
        }
        return result
    }

    /// Tensors whose prefix is none of these: misspelt ones would be ignored silently.
    func checkPrefixes(_ known: [String]) throws {
        for key in tensors.keys.sorted() where !known.contains(where: { key.hasPrefix($0 + ".") }) {
            throw GoldenError("the tensor '\(key)' has none of the known prefixes \(known.joined(separator: ", "))")
        }
    }

    /// A number of the metadata.
    func number(_ name: String, usual: Double) throws -> Double {
        guard let value = details[name] else { return usual }
        return try Double(json: value, at: name)
    }

    /// An allowed error of the metadata.
    func tolerance(_ name: String, usual: Double) throws -> Double {
        guard let value = details["tolerance"]?[name] else { return usual }
        return try Double(json: value, at: "tolerance.\(name)")
    }
}

/// Why a golden file cannot be used.
public struct GoldenError: Error, Sendable, CustomStringConvertible {
    public let description: String
    init(_ text: String) { description = text }
}

extension TensorValue {
    init(_ tensor: Safetensors.Tensor, _ bytes: UnsafeRawBufferPointer) throws {
        let types: [Safetensors.DType: DataType] = [
            .f32: .float32, .f64: .float64, .i64: .int64, .i32: .int32, .u8: .uint8, .bool: .bool,
        ]
        guard let dtype = types[tensor.dtype] else {
            throw GoldenError("the tensor '\(tensor.name)' has type \(tensor.dtype.rawValue), which no layer has")
        }
        self.init(dtype, tensor.shape, bytes: Array(bytes))
    }
}
