import CLamina

extension TaskModel {
    private var sink: UnsafeMutableRawPointer? { raw.pointee.sink }

    /// Whether the host has what follows: it came with the last fields of `lamina_task_model`.
    private var hasData: Bool {
        Int(raw.pointee.struct_size) > MemoryLayout<lamina_task_model>.offset(of: \.open)!
    }

    /// Names of the classes, in the order of their numbers.
    public var labels: [String] {
        hasData ? (0..<Int(raw.pointee.label_count)).map { String(cString: raw.pointee.labels[$0]!) } : []
    }

    /// Id of the layer that turns the output into predictions; nil: the output is one.
    public var link: String? { hasData ? raw.pointee.link.map { String(cString: $0) } : nil }

    private func required() throws {
        guard hasData else {
            throw PluginError.unsupported("this host offers tasks no data and no other models; use a newer one")
        }
    }

    /// What training did to raw samples before the model saw them, done to these; valid until the next call.
    public func prepare(_ raw: Tensor) throws -> Tensor {
        try required()
        var samples: UnsafePointer<lamina_tensor>?
        try check(self.raw.pointee.prepare(sink, raw.raw, &samples), "the samples could not be prepared")
        return Tensor(samples!)
    }

    /// The samples of a file as the model's input wants them; valid until the next call.
    public func read(file path: String) throws -> Tensor {
        try required()
        var samples: UnsafePointer<lamina_tensor>?
        try check(raw.pointee.read_file(sink, path, &samples), "\(path) could not be read")
        return Tensor(samples!)
    }

    /// The samples of a file as training made of them a field of the recipe's `data.input`; valid until the next call.
    ///
    /// An image keeps its size, unless a transform changes it.
    /// - Parameters:
    ///   - place: which field, from 0.
    ///   - channels: those that an image is read with, 1 or 3; 0: those of the file.
    ///   - isMade: the file holds the field itself, not what a transform with `as` makes it of: only the transforms behind that one
    ///     are done.
    public func read(file path: String, field place: Int, channels: Int = 0, isMade: Bool = false) throws -> Tensor {
        guard Int(raw.pointee.struct_size) > MemoryLayout<lamina_task_model>.offset(of: \.read_field)! else {
            throw PluginError.unsupported("this host reads no files as fields of the recipe; use a newer one")
        }
        var samples: UnsafePointer<lamina_tensor>?
        try check(
            raw.pointee.read_field(sink, path, Int32(place), Int32(channels), isMade ? 1 : 0, &samples),
            "\(path) could not be read")
        return Tensor(samples!)
    }

    /// Which of the recipe's data.
    public enum Split: Int32, Sendable {
        case train = 0
        case test = 1
    }

    /// How many samples the recipe's data have; nil: the recipe has none such, or they cannot be read here.
    public func sampleCount(_ split: Split) throws -> Int? {
        try required()
        let count = raw.pointee.sample_count(sink, split.rawValue)
        return count < 0 ? nil : Int(count)
    }

    /// Samples of the recipe's data as their source has them, and their targets if there are any; valid until the next call.
    public func samples(_ split: Split, _ range: Range<Int>) throws -> (values: Tensor, targets: Tensor?) {
        try required()
        var tensors: UnsafePointer<lamina_tensor>?
        try check(
            raw.pointee.read_samples(sink, split.rawValue, Int64(range.lowerBound), Int64(range.count), &tensors),
            "the recipe's data could not be read")
        let target = Tensor(tensors! + 1)
        return (Tensor(tensors!), target.isAbsent ? nil : target)
    }

    /// Another model, by the path of its archive; valid as long as this one is.
    public func open(_ path: String) throws -> TaskModel {
        try required()
        var other: UnsafePointer<lamina_task_model>?
        try check(raw.pointee.open(sink, path, &other), "\(path) could not be opened")
        guard let other else { throw PluginError.internal("the host opened no model of \(path)") }
        return TaskModel(raw: other, host: host)
    }
}
