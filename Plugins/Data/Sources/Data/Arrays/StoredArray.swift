import LaminaSDK

/// How the elements of a file's array are stored.
struct StoredElement: Equatable {
    enum Kind: String {
        case bool, uint8, int8, uint16, int16, uint32, int32, int64, float16, bfloat16, float32, float64
    }
    var kind: Kind
    var isBigEndian = false

    var size: Int {
        switch kind {
        case .bool, .uint8, .int8: 1
        case .uint16, .int16, .float16, .bfloat16: 2
        case .uint32, .int32, .float32: 4
        case .int64, .float64: 8
        }
    }

    var isFloat: Bool {
        switch kind {
        case .float16, .bfloat16, .float32, .float64: true
        default: false
        }
    }

    /// The tensor type that holds these values: bytes stay bytes, all floats become float32, and other integers become
    /// the narrowest of int32 and int64 that has all their values.
    var natural: DataType {
        switch kind {
        case .bool: .bool
        case .uint8: .uint8
        case .int8, .int16, .uint16, .int32: .int32
        case .uint32, .int64: .int64
        case .float16, .bfloat16, .float32, .float64: .float32
        }
    }
}

/// An array in a file: what the readers of IDX, NPY and safetensors have in common. The first dimension counts samples.
struct StoredArray {
    /// The file, for messages: "'x.npy'", "tensor 'input' of 'x.safetensors'".
    let label: String
    let element: StoredElement
    /// All at least 1.
    let dimensions: [Int]
    /// The elements, row-major; not always aligned.
    let bytes: UnsafeRawBufferPointer
    /// Keeps `bytes` alive.
    let owner: AnyObject

    /// What one sample looks like.
    var sampleShape: [Int] { Array(dimensions.dropFirst()) }

    /// Checks what a header claims: at least one dimension, none 0, no overflow. Returns the number of bytes.
    static func byteCount(
        _ element: StoredElement, _ dimensions: [Int], label: String
    ) throws(PluginError) -> Int {
        guard !dimensions.isEmpty else {
            throw .data("\(label) is a single number; wanted an array whose first dimension counts the samples")
        }
        var count = element.size
        for dimension in dimensions {
            guard dimension > 0 else { throw .data("\(label): dimensions \(dimensions) hold no sample") }
            let (product, overflow) = count.multipliedReportingOverflow(by: dimension)
            guard !overflow else { throw .data("\(label): dimensions \(dimensions) are beyond any file") }
            count = product
        }
        return count
    }

    /// The array as a model's input: values keep their type as far as tensors have it.
    func column(_ name: String, shape: [Int]? = nil) -> Column {
        Column(
            field: .init(name, element.natural, shape ?? sampleShape), element: element, count: dimensions[0],
            bytes: bytes, owner: owner)
    }

    /// The array as what the loss compares with: integers are "label" int64, floats "target" float32.
    ///
    /// A single float per sample gets the shape [1], as the output of a model with one unit has. With `classes`, every
    /// label must count one of them.
    func targetColumn(classes: [String]) throws(PluginError) -> Column {
        if element.isFloat {
            guard classes.isEmpty else {
                throw .data("\(label) has floating-point values, but classes need integers; leave classes out")
            }
            return column("target", shape: sampleShape.isEmpty ? [1] : sampleShape)
        }
        let labels = Column(
            field: .init("label", .int64, sampleShape), element: element, count: dimensions[0], bytes: bytes,
            owner: owner)
        if !classes.isEmpty { try labels.checkLabels(classCount: classes.count, label: label) }
        return labels
    }
}

extension Column {
    /// Checks that every label counts one of the classes.
    fileprivate func checkLabels(classCount: Int, label: String) throws(PluginError) {
        for index in 0..<(count * elementsPerSample) {
            let value = integer(at: index)
            guard value >= 0, value < classCount else {
                throw .data(
                    "\(label): label \(value) of sample \(index / elementsPerSample) is not below the number of "
                        + "classes, \(classCount)")
            }
        }
    }
}
