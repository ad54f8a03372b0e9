import CLamina
import LaminaFormats
import LaminaGraph
import LaminaHost
import LaminaRecipe
import LaminaSDK
import LaminaTraining

/// The samples that a component may ask of a model: of files, of the recipe's data, and its own ones prepared.
final class SessionData {
    private let model: Model
    /// The component, for errors.
    private let id: String
    /// What the last call of each kind has given.
    private var held: [Kind: Held] = [:]
    private var preparations: [(steps: [Recipe.Component], preparation: SamplePreparation)] = []
    private var sources: [Int32: (source: DataSource, value: Int, target: Int?)?] = [:]

    private enum Kind { case prepared, samples }

    /// Tensors with their memory.
    private struct Held {
        let tensors: DescriptorArray
        let memory: [AlignedMemory]
    }

    init(_ model: Model, for id: String) { (self.model, self.id) = (model, id) }

    private func hold(
        _ kind: Kind, _ tensors: [(dtype: DataType, shape: [Int], bytes: UnsafeRawBufferPointer)?]
    ) throws -> UnsafePointer<lamina_tensor> {
        let table = DescriptorArray(count: tensors.count)
        var memory: [AlignedMemory] = []
        for (index, tensor) in tensors.enumerated() {
            guard let tensor else {
                table.describe(index, nil)
                continue
            }
            let own = try AlignedMemory(bytes: tensor.bytes.count, purpose: "samples")
            if let base = tensor.bytes.baseAddress { own.base.copyMemory(from: base, byteCount: tensor.bytes.count) }
            table.describe(
                index, TensorSpec(dtype: tensor.dtype, shape: tensor.shape.map(Int64.init)),
                flags: LAMINA_TENSOR_READ_ONLY)
            table.base[index].data = own.base
            memory.append(own)
        }
        held[kind] = Held(tensors: table, memory: memory)
        return UnsafePointer(table.base)
    }

    // MARK: Preparing

    /// What training did to raw samples: of the type that files have, of as many elements each.
    func prepare(_ raw: lamina_tensor) throws -> UnsafePointer<lamina_tensor> {
        let preprocessing = model.preprocessing
        let sizes = (0..<Int(raw.rank)).map { Int(raw.shape[$0]) }
        guard let type = preprocessing.rawType, let shape = preprocessing.rawShape else {
            return try prepareAsRecorded(raw, sizes)
        }
        guard let count = sizes.first, DataType(raw.dtype) == type, raw.data != nil,
            sizes.dropFirst().reduce(1, *) == shape.reduce(1, *)
        else {
            throw LaminaError(
                .data,
                "the model's raw samples are \(type.name) \(shape), got \(DataType(raw.dtype)?.name ?? "another type") "
                    + "\(sizes.dropFirst().map { $0 })")
        }
        return try prepare(raw.data, count: count, type, shape, preprocessing.steps)
    }

    /// As the recipe's transforms of its first input say, for the model of a procedure, which takes other inputs than the data's.
    private func prepareAsRecorded(_ raw: lamina_tensor, _ sizes: [Int]) throws -> UnsafePointer<lamina_tensor> {
        guard model.procedure != nil, let data = try recordedData() else {
            throw LaminaError(.data, "the model does not say what its raw samples are: it was not trained on data")
        }
        guard let count = sizes.first, let type = DataType(raw.dtype), raw.data != nil else {
            throw LaminaError.bug(of: id, "gives no samples to prepare")
        }
        let name = data.inputs.first ?? ""
        return try prepare(
            raw.data, count: count, type, Array(sizes.dropFirst()),
            data.transforms(of: name, isFirst: true).map(\.component))
    }

    private func prepare(
        _ samples: UnsafeRawPointer, count: Int, _ type: DataType, _ shape: [Int], _ steps: [Recipe.Component]
    ) throws -> UnsafePointer<lamina_tensor> {
        let preparation: SamplePreparation
        if let known = preparations.first(where: { $0.preparation.raw == (type, shape) && $0.steps == steps }) {
            preparation = known.preparation
        } else {
            preparation = try SamplePreparation(
                type, shape, steps: steps.map { ($0.id, $0.attributes) }, registry: model.registry)
            preparations.append((steps, preparation))
        }
        let (result, size) = (preparation.prepared, preparation.prepared.shape.reduce(count, *))
        return try preparation.apply(samples, count: count) { data in
            let bytes = UnsafeRawBufferPointer(start: data, count: size * result.dtype.size)
            return try hold(.prepared, [(result.dtype, [count] + result.shape, bytes)])
        }
    }

    /// The samples of a file as the model's input wants them.
    func read(file path: String) throws -> UnsafePointer<lamina_tensor> {
        let preprocessing = model.preprocessing
        let (source, field) = try DataSource.file(
            path, shape: preprocessing.rawShape, origin: preprocessing.origin, registry: model.registry)
        return try prepare(path, source, field, preprocessing.steps)
    }

    /// The samples of a file as training made of them a field of the recipe's `data.input`.
    ///
    /// - Parameter isMade: the file holds the field itself; only what stands behind the transform that makes it is done.
    func read(file path: String, field place: Int, channels: Int, isMade: Bool) throws -> UnsafePointer<lamina_tensor> {
        guard let data = try recordedData(), data.inputs.indices.contains(place) else {
            throw LaminaError(
                .data,
                "\(path): the recipe in the archive has no field \(place) in 'data.input', so how to prepare it is unknown"
            )
        }
        let name = data.inputs[place]
        var transforms = data.transforms(of: name, isFirst: place == 0)
        if isMade, let maker = transforms.lastIndex(where: { $0.result == name }) { transforms.removeFirst(maker + 1) }
        let (source, field) = try DataSource.file(
            path, shape: nil, channels: channels > 0 ? channels : nil, registry: model.registry)
        return try prepare(path, source, field, transforms.map(\.component))
    }

    private func prepare(
        _ path: String, _ source: DataSource, _ field: Int, _ steps: [Recipe.Component]
    ) throws -> UnsafePointer<lamina_tensor> {
        guard source.fields.indices.contains(field) else {
            throw LaminaError(.data, "\(path): \(source.id) reads it as text")
        }
        let values = try source.values(0..<Int64(source.count))[field]
        let form = source.fields[field]
        return try values.withUnsafeBytes { bytes in
            try prepare(
                bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 64)!, count: source.count, form.dtype, form.shape,
                steps)
        }
    }

    // MARK: The recipe's data

    /// What the recipe in the archive says of them; nil: nothing.
    private func recordedData() throws -> Recipe.Datasets? {
        guard model.recipe != nil || model.trainingRecord["recipe"] != nil else {
            throw LaminaError(.recipe, "the archive holds no recipe, which would tell of its data")
        }
        return try model.recordedRecipe().data
    }

    private func opened(_ split: Int32) throws -> (source: DataSource, value: Int, target: Int?)? {
        if let known = sources[split] { return known }
        guard let data = try recordedData() else { return nil }
        guard let component = split == LAMINA_SPLIT_TRAIN ? data.train : data.test else { return nil }
        let source = try DataSource(component.id, component.attributes, registry: model.registry)
        let name = data.inputs.first.map { data.sourceField(of: $0) }
        let value = name.flatMap { name in source.fields.firstIndex { $0.name == name } } ?? 0
        let target = source.fields.firstIndex { field in
            data.target.map { $0 == field.name } ?? (field.name == "label" || field.name == "target")
        }
        guard source.fields.indices.contains(value) else { return nil }
        sources[split] = (source, value, target == value ? nil : target)
        return sources[split]!
    }

    /// nil: the recipe has none such.
    func count(_ split: Int32) throws -> Int? { try opened(split)?.source.count }

    /// Values and targets of a range of samples.
    func read(_ split: Int32, first: Int64, count: Int64) throws -> UnsafePointer<lamina_tensor> {
        guard let (source, value, target) = try opened(split) else {
            throw LaminaError(.data, "the recipe in the archive names no such data")
        }
        guard first >= 0, count >= 0, count <= Int64(source.count), first <= Int64(source.count) - count else {
            throw LaminaError.bug(
                of: id, "asks for samples \(first) to \(first &+ count) of \(source.count), which cannot be")
        }
        let fields = try source.values(first..<first + count)
        func entry(
            _ index: Int, _ bytes: UnsafeRawBufferPointer
        ) -> (dtype: DataType, shape: [Int], bytes: UnsafeRawBufferPointer) {
            (source.fields[index].dtype, [Int(count)] + source.fields[index].shape, bytes)
        }
        return try fields[value].withUnsafeBytes { values in
            guard let target else { return try hold(.samples, [entry(value, values), nil]) }
            return try fields[target].withUnsafeBytes { targets in
                try hold(.samples, [entry(value, values), entry(target, targets)])
            }
        }
    }
}
