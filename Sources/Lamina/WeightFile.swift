import LaminaFormats

/// The tensors of a safetensors file of any origin, or of the parts that its index names.
///
/// An index is the JSON file that stands beside a model in several files: `{"weight_map": {"name": "part.safetensors", …}}`.
final class WeightFile {
    let path: String
    private(set) var tensors: [Safetensors.Tensor] = []
    private var owners: [SafetensorsFile] = []
    private var positions: [String: Int] = [:]

    init(_ path: String) throws {
        self.path = path
        if path.hasSuffix(".json") {
            try readParts()
        } else {
            try read(path)
        }
        // They are printed.
        for tensor in tensors {
            guard let fault = PlainText.fault(in: tensor.name) else { continue }
            throw LaminaError(.data, "\(path): the name of a tensor has the control character \(fault)")
        }
    }

    /// Where the tensor of this name stands among all; nil: there is none.
    func position(of name: String) -> Int? { positions[name] }

    /// Its elements, at any address.
    func bytes(_ position: Int) -> UnsafeRawBufferPointer { owners[position].bytes(of: tensors[position]) }

    private func read(_ path: String) throws {
        let mapping = try FileMapping(path: path)
        let file: SafetensorsFile
        do {
            file = try SafetensorsFile(mapping, range: 0..<mapping.bytes.count)
        } catch {
            throw LaminaError(.data, Self.advice(mapping.bytes).map { "\(path): \($0)" } ?? "\(path): \(error)")
        }
        for tensor in file.tensors {
            if let other = positions.updateValue(tensors.count, forKey: tensor.name) {
                throw LaminaError(
                    .data, "\(path): tensor '\(tensor.name)' is also the name of tensor \(other) of \(self.path)")
            }
            tensors.append(tensor)
            owners.append(file)
        }
    }

    /// What to do with other files that hold weights.
    private static func advice(_ bytes: UnsafeRawBufferPointer) -> String? {
        if bytes.starts(with: [0x50, 0x4B, 0x03, 0x04]) {
            return
                "this is a zip file, as those of torch.save are, and archives of Lamina: write the tensors as safetensors "
                + "(an archive goes with --from)"
        }
        // A pickle of protocol 2 or later.
        if bytes.starts(with: [0x80]), bytes.count > 1, (2...5).contains(bytes[1]), bytes.count < 8 || bytes[7] != 0 {
            return "this is a pickle, which only Python reads: write the tensors as safetensors"
        }
        return nil
    }

    private func readParts() throws {
        let mapping = try FileMapping(path: path)
        let limits = JSON.Limits(depth: 8, byteCount: Safetensors.headerLimit)
        let places: JSONObject
        do {
            let json = try JSON.parse(mapping.bytes, limits: limits)
            guard let map = json["weight_map"] else {
                throw JSONError(
                    .missingKey, "there is no 'weight_map': this is no index of safetensors files", path: "")
            }
            places = try JSONObject(json: map, at: "weight_map")
        } catch {
            throw LaminaError(.data, "\(path): \(error)")
        }
        let folder = path.lastIndex(of: "/").map { path[...$0] } ?? ""
        var parts: [String] = []
        for place in places.members {
            let part = try String(json: place.value, at: "\(path): weight_map")
            guard !part.isEmpty, !part.contains("/"), PlainText.fault(in: part) == nil, !part.hasSuffix(".json") else {
                throw LaminaError(.data, "\(path): a part has to be the name of a safetensors file beside it")
            }
            if !parts.contains(part) {
                parts.append(part)
                try read(folder + part)
            }
        }
        if let lost = places.members.first(where: { positions[$0.key] == nil }),
            let part = try? String(json: lost.value, at: "")
        {
            throw LaminaError(
                .data, "\(path): '\(part)' should have the tensor \(JSON.string(lost.key).text()), and has not")
        }
    }
}
