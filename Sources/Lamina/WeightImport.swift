import Glibc
import LaminaFormats
import LaminaGraph
import LaminaRecipe
import LaminaSDK
import LaminaSchema

/// Finds for parameters the tensors of a file that have their values, and copies these.
struct WeightImport {
    let file: WeightFile
    let map: NameMap
    /// Positions of the tensors that were taken.
    private(set) var used: Set<Int> = []

    init(_ file: WeightFile, _ map: NameMap) { (self.file, self.map) = (file, map) }

    /// A rule's source with its tensors found.
    indirect enum Values {
        case tensor(Int)
        case transposed(Values)
        case joined([Values])
    }

    /// A parameter or buffer of ours.
    typealias Entry = (name: String, dtype: DataType, shape: [Int], data: UnsafeMutableRawPointer)

    // MARK: Finding

    /// The tensors that have the values of a parameter, checked: nothing can fail when they are copied.
    ///
    /// - Parameter place: of the rule, as errors name it.
    mutating func find(_ source: NameMap.Source, for entry: Entry, _ place: String) throws(LaminaError) -> Values {
        let missing = missing(source)
        if let first = missing.first { throw lacks(missing, first, entry.name, place) }
        let values = values(source)
        use(values)
        let shape = try shape(values, place)
        guard shape.filter({ $0 != 1 }) == entry.shape.filter({ $0 != 1 }) else {
            var advice = "the recipe's network is another one"
            if shape.count == 2, Array(shape.reversed()) == entry.shape {
                if case .transposed = values {
                    advice = "leave out 'transposed'"
                } else {
                    advice = "write { transposed: … }"
                }
            }
            throw LaminaError(
                .data,
                "\(file.path): \(describe(values)) \(shape), the parameter '\(entry.name)' \(entry.shape)\(place): "
                    + advice)
        }
        try check(values, for: entry, place)
        return values
    }

    /// The tensors of a source that are there are not left over, whatever becomes of it.
    mutating func pass(_ source: NameMap.Source) {
        if missing(source).isEmpty { use(values(source)) }
    }

    private mutating func use(_ values: Values) {
        switch values {
        case .tensor(let position): used.insert(position)
        case .transposed(let values): use(values)
        case .joined(let parts): for part in parts { use(part) }
        }
    }

    private func position(of name: String) -> Int? {
        for prefix in [""] + map.prefixes {
            if let position = file.position(of: prefix + name) { return position }
        }
        return nil
    }

    /// Names that a source needs and the file has not.
    private func missing(_ source: NameMap.Source) -> [String] {
        switch source {
        case .tensor(let name): return position(of: name) == nil ? [name] : []
        case .transposed(let source): return missing(source)
        case .joined(let sources): return sources.flatMap(missing)
        case .either(let sources):
            let lists = sources.map(missing)
            return lists.contains { $0.isEmpty } ? [] : lists.flatMap { $0 }
        }
    }

    /// - Precondition: nothing is missing.
    private func values(_ source: NameMap.Source) -> Values {
        switch source {
        case .tensor(let name): .tensor(position(of: name)!)
        case .transposed(let source): .transposed(values(source))
        case .joined(let sources): .joined(sources.map(values))
        case .either(let sources): values(sources.first { missing($0).isEmpty }!)
        }
    }

    private func lacks(_ names: [String], _ first: String, _ parameter: String, _ place: String) -> LaminaError {
        var text = "\(file.path): there is no tensor \(Self.list(names)) for the parameter '\(parameter)'\(place)"
        if !map.prefixes.isEmpty { text += ", also not with \(Self.list(map.prefixes)) before the name" }
        let near = Suggestion.question(for: first, among: file.tensors.lazy.flatMap { map.forms(of: $0.name) })
        text += near.isEmpty ? "; the file has \(Self.list(file.tensors.map(\.name)))" : near
        if file.path.contains("-of-") { text += "; of a model in several files, name the index, *.index.json" }
        return LaminaError(.data, text)
    }

    /// "'a', 'b', 'c', 'd' and 5 more"
    static func list(_ names: [String]) -> String {
        if names.isEmpty { return "none" }
        return names.prefix(4).map { "'\($0)'" }.joined(separator: ", ")
            + (names.count > 4 ? " and \(names.count - 4) more" : "")
    }

    // MARK: Checking

    private func names(_ values: Values) -> [String] {
        switch values {
        case .tensor(let position): [file.tensors[position].name]
        case .transposed(let values): names(values)
        case .joined(let parts): parts.flatMap(names)
        }
    }

    /// "tensor 'a' is", "tensor 'a', transposed, is", "tensors 'a', 'b', joined, are"
    private func describe(_ values: Values) -> String {
        switch values {
        case .tensor: "tensor \(Self.list(names(values))) is"
        case .transposed(.tensor): "tensor \(Self.list(names(values))), transposed, is"
        case .transposed, .joined: "tensors \(Self.list(names(values))), joined, are"
        }
    }

    private func shape(_ values: Values, _ place: String) throws(LaminaError) -> [Int] {
        switch values {
        case .tensor(let position): return file.tensors[position].shape
        case .transposed(let inner):
            let shape = try shape(inner, place)
            guard shape.count == 2 else {
                throw LaminaError(
                    .data, "\(file.path): \(describe(inner)) \(shape), and only a matrix can be transposed\(place)")
            }
            return shape.reversed()
        case .joined(let parts):
            var whole: [Int] = []
            for part in parts {
                let shape = try shape(part, place)
                guard !shape.isEmpty, whole.isEmpty || shape.dropFirst() == whole.dropFirst() else {
                    throw LaminaError(
                        .data,
                        "\(file.path): \(describe(part)) \(shape), and cannot be joined along the first dimension with "
                            + "\(Self.list(names(parts[0]))), \(whole)\(place)")
                }
                // Beside a dimension of 0, others may be as large as they like; a sum beyond 63 bits fits nothing.
                whole = whole.isEmpty ? shape : [whole[0] &+ shape[0]] + whole.dropFirst()
            }
            return whole
        }
    }

    private static let floats: [Safetensors.DType] = [.f32, .f16, .bf16, .f64]

    private func check(_ values: Values, for entry: Entry, _ place: String) throws(LaminaError) {
        switch values {
        case .tensor(let position):
            let dtype = file.tensors[position].dtype
            let wanted = entry.dtype == .float32 ? Self.floats : [entry.dtype.safetensors]
            guard wanted.contains(dtype) else {
                throw LaminaError(
                    .data,
                    "\(file.path): tensor '\(file.tensors[position].name)' has type \(dtype.rawValue), wanted "
                        + "\(wanted.map(\.rawValue).joined(separator: " or ")) for '\(entry.name)'\(place)")
            }
        case .transposed(let inner):
            guard entry.dtype == .float32 else {
                throw LaminaError(
                    .data,
                    "\(file.path): '\(entry.name)' is \(entry.dtype.name), of which nothing is transposed\(place)")
            }
            try check(inner, for: entry, place)
        case .joined(let parts): for part in parts { try check(part, for: entry, place) }
        }
    }

    /// The positions of tensors that no parameter has taken and that may not be left over.
    func leftOver() throws(LaminaError) -> (unexpected: [String], ignored: [String]) {
        var (unexpected, ignored): ([String], [String]) = ([], [])
        for (position, tensor) in file.tensors.enumerated() where !used.contains(position) {
            let forms = map.forms(of: tensor.name)
            if forms.contains(where: { name in map.ignored.contains { Wildcard.matches($0, name) } }) {
                ignored.append(tensor.name)
            } else if let copy = map.copies.first(where: { forms.contains($0.tensor) }),
                let original = self.position(of: copy.original)
            {
                guard isSame(position, original) else {
                    throw LaminaError(
                        .data,
                        "\(file.path): tensor '\(tensor.name)' differs from '\(file.tensors[original].name)', and the "
                            + "recipe's network has one parameter for both: let it have two")
                }
                ignored.append(tensor.name)
            } else {
                unexpected.append(tensor.name)
            }
        }
        return (unexpected, ignored)
    }

    private func isSame(_ left: Int, _ right: Int) -> Bool {
        let (a, b) = (file.tensors[left], file.tensors[right])
        let (x, y) = (file.bytes(left), file.bytes(right))
        return a.dtype == b.dtype && a.shape == b.shape
            && (x.isEmpty || memcmp(x.baseAddress!, y.baseAddress!, x.count) == 0)
    }

    // MARK: Copying

    /// - Precondition: `find` gave these values for this entry.
    func copy(_ values: Values, to entry: Entry) {
        if entry.dtype == .float32 {
            _ = write(values, to: entry.data.assumingMemoryBound(to: Float.self))
        } else {
            _ = move(values, to: entry.data)
        }
    }

    /// Elements of the same type; returns how many bytes were written.
    private func move(_ values: Values, to memory: UnsafeMutableRawPointer) -> Int {
        switch values {
        case .tensor(let position):
            let bytes = file.bytes(position)
            if let base = bytes.baseAddress, bytes.count > 0 { memcpy(memory, base, bytes.count) }
            return bytes.count
        case .transposed(let inner): return move(inner, to: memory)
        case .joined(let parts): return parts.reduce(0) { $0 + move($1, to: memory + $0) }
        }
    }

    /// Returns how many elements were written.
    private func write(_ values: Values, to memory: UnsafeMutablePointer<Float>) -> Int {
        switch values {
        case .tensor(let position):
            let tensor = file.tensors[position]
            Self.convert(file.bytes(position), tensor.dtype, to: memory)
            return tensor.elementCount
        case .transposed(let inner):
            let (rows, columns) = sides(inner)
            withUnsafeTemporaryAllocation(of: Float.self, capacity: rows &* columns) { matrix in
                guard let from = matrix.baseAddress, rows &* columns > 0 else { return }
                _ = write(inner, to: from)
                for column in 0..<columns {
                    let to = memory + column &* rows
                    for row in 0..<rows { to[row] = from[row &* columns &+ column] }
                }
            }
            return rows &* columns
        case .joined(let parts): return parts.reduce(0) { $0 + write($1, to: memory + $0) }
        }
    }

    /// Of a matrix that was checked.
    private func sides(_ values: Values) -> (rows: Int, columns: Int) {
        switch values {
        case .tensor(let position): (file.tensors[position].shape[0], file.tensors[position].shape[1])
        case .transposed(let inner): { ($0.columns, $0.rows) }(sides(inner))
        case .joined(let parts): (parts.reduce(0) { $0 &+ sides($1).rows }, sides(parts[0]).columns)
        }
    }

    private static func convert(
        _ bytes: UnsafeRawBufferPointer, _ dtype: Safetensors.DType, to memory: UnsafeMutablePointer<Float>
    ) {
        guard let base = bytes.baseAddress, bytes.count > 0 else { return }
        func each<Element: BitwiseCopyable>(_ type: Element.Type, _ float: (Element) -> Float) {
            let size = MemoryLayout<Element>.size
            for index in 0..<bytes.count / size {
                memory[index] = float(base.loadUnaligned(fromByteOffset: index &* size, as: type))
            }
        }
        switch dtype {
        case .f16: each(UInt16.self) { Float(Float16(bitPattern: $0)) }
        case .bf16: each(UInt16.self) { Float(bitPattern: UInt32($0) << 16) }
        case .f64: each(Double.self) { Float($0) }
        default: memcpy(memory, base, bytes.count)
        }
    }
}
