/// Hands out names that differ: "accuracy", then "accuracy_2".
struct UniqueNames {
    private var taken: Set<String>

    init(_ taken: Set<String> = []) { self.taken = taken }

    /// "name" or "name_part", with a number behind it when it was taken already.
    mutating func take(_ name: String, _ part: String = "") -> String {
        let wanted = part.isEmpty ? name : "\(name)_\(part)"
        var result = wanted
        var number = 1
        while !taken.insert(result).inserted {
            number += 1
            result = "\(wanted)_\(number)"
        }
        return result
    }
}
