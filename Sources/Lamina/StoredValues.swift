import LaminaArchive
import LaminaFormats
import LaminaGraph
import LaminaSDK

/// The parameters and buffers of an archive and of what it is based on, where they are in the mapped files.
final class StoredValues {
    typealias Tensor = (name: String, dtype: DataType, shape: [Int], data: UnsafeRawPointer)

    /// Those of the archive itself.
    let own: [Tensor]
    /// Those that only its bases have.
    let inherited: [Tensor]
    /// Tensors of types that no layer computes with.
    private let unknown: [(name: String, dtype: String, isOwn: Bool)]
    /// Whether elements can be read where they are.
    let isAligned: Bool
    private let files: [SafetensorsFile]

    init(_ chain: ArchiveChain) throws {
        var files: [SafetensorsFile] = []
        var tensors: [[Tensor]] = [[], []]
        var known: Set<String> = []
        var unknown: [(name: String, dtype: String, isOwn: Bool)] = []
        var isAligned = true
        for (position, archive) in chain.archives.enumerated() {
            let file = try archive.tensors(EntryName.weights)
            files.append(file)
            for tensor in file.tensors where known.insert(tensor.name).inserted {
                guard let dtype = DataType(tensor.dtype) else {
                    unknown.append((tensor.name, tensor.dtype.rawValue, position == 0))
                    continue
                }
                let data = file.address(of: tensor)
                if UInt(bitPattern: data) % UInt(dtype.size) != 0 { isAligned = false }
                tensors[min(position, 1)].append((tensor.name, dtype, tensor.shape, data))
            }
        }
        (own, inherited) = (tensors[0], tensors[1])
        (self.unknown, self.isAligned, self.files) = (unknown, isAligned, files)
    }

    var all: [Tensor] { own + inherited }

    /// What a store of the archive's graph takes: all of its own, and of the bases' what there is a place for.
    private func values(for store: ParameterStore) throws(LaminaError) -> [Tensor] {
        let places = Set(store.entries.map(\.name))
        if let tensor = unknown.first(where: { $0.isOwn || places.contains($0.name) }) {
            throw LaminaError(
                .archive, "weight '\(tensor.name)' has type \(tensor.dtype), which this version cannot use")
        }
        return own + inherited.filter { places.contains($0.name) }
    }

    /// Gives the values to a store of the archive's graph: by copy, or where they are, read-only.
    func load(into store: ParameterStore, writable: Bool) throws {
        if writable || !isAligned {
            try store.load(values(for: store))
        } else {
            try store.borrow(values(for: store), owner: self)
        }
    }
}
