import LaminaFormats

extension JSON {
    /// What differs, by the path to it: "layers.0.units 3 → 4".
    func changes(to new: JSON, at path: String = "") -> [String] {
        guard case .object(let before) = self, case .object(let after) = new else {
            if self == new { return [] }
            func text(_ value: JSON) -> String { value == .null ? "none" : value.text() }
            return ["\(path.isEmpty ? "" : path + " ")\(text(self)) → \(text(new))"]
        }
        let keys = before.keys + after.keys.filter { before[$0] == nil }
        return keys.flatMap { key in
            (before[key] ?? .null).changes(to: after[key] ?? .null, at: path.isEmpty ? key : "\(path).\(key)")
        }
    }
}
