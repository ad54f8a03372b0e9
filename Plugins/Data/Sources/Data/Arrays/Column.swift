import Glibc
import LaminaSDK

/// How the elements of a file's array are stored.
struct StoredElement: Equatable {
    enum Kind: Equatable { case bool, uint8, int8, uint16, int16, uint32, int32, int64, float16, bfloat16, float32, float64 }
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

/// One field of a dataset whose samples lie one after the other in memory: its first dimension counts them.
struct Column {
    let field: SourceDescription.Field
    let element: StoredElement
    let count: Int
    /// `count` samples; not always aligned.
    let bytes: UnsafeRawBufferPointer
    /// Keeps `bytes` alive.
    let owner: AnyObject

    var elementsPerSample: Int { field.shape.reduce(1, *) }

    /// Writes the samples `indices`, converted to the field's type, to `output`.
    func gather(_ indices: UnsafeBufferPointer<Int64>, into output: Tensor, host: Host) {
        let elements = elementsPerSample
        let stride = elements * element.size
        let target = elements * field.dtype.size
        let isCopy = element.natural == field.dtype && element.size == field.dtype.size
            && (!element.isBigEndian || element.size == 1)
        host.parallelFor(indices.count, grain: max(1, (64 << 10) / max(target, 1))) { begin, end in
            for position in begin..<end {
                let from = bytes.baseAddress! + Int(indices[position]) * stride
                let to = output.bytes + position * target
                if isCopy {
                    memcpy(to, from, stride)
                } else {
                    convert(from, to, elements)
                }
            }
        }
    }

    /// The integer of sample `index`, of a column with one integer per sample.
    func integer(at index: Int) -> Int64 {
        var value: Int64 = 0
        convertToInteger(bytes.baseAddress! + index * element.size, &value, 1)
        return value
    }

    private func convert(_ from: UnsafeRawPointer, _ to: UnsafeMutableRawPointer, _ count: Int) {
        switch field.dtype {
        case .float32: convertToFloat(from, to.assumingMemoryBound(to: Float.self), count)
        case .int64: convertToInteger(from, to.assumingMemoryBound(to: Int64.self), count)
        case .int32: convertToInteger(from, to.assumingMemoryBound(to: Int32.self), count)
        case .float64, .uint8, .bool: preconditionFailure("no field of type \(field.dtype.name) needs a conversion")
        }
    }

    private func convertToFloat(_ from: UnsafeRawPointer, _ to: UnsafeMutablePointer<Float>, _ count: Int) {
        switch element.kind {
        case .float16: for i in 0..<count { to[i] = Float(Float16(bitPattern: load(from, i))) }
        case .bfloat16: for i in 0..<count { to[i] = Float(bitPattern: UInt32(load(from, i) as UInt16) << 16) }
        case .float32: for i in 0..<count { to[i] = Float(bitPattern: load(from, i)) }
        case .float64: for i in 0..<count { to[i] = Float(Double(bitPattern: load(from, i))) }
        default: preconditionFailure("integers are not converted to float32")
        }
    }

    private func convertToInteger<Integer: FixedWidthInteger>(
        _ from: UnsafeRawPointer, _ to: UnsafeMutablePointer<Integer>, _ count: Int
    ) {
        switch element.kind {
        case .bool, .uint8: for i in 0..<count { to[i] = Integer(truncatingIfNeeded: load(from, i) as UInt8) }
        case .int8: for i in 0..<count { to[i] = Integer(truncatingIfNeeded: load(from, i) as Int8) }
        case .uint16: for i in 0..<count { to[i] = Integer(truncatingIfNeeded: load(from, i) as UInt16) }
        case .int16: for i in 0..<count { to[i] = Integer(truncatingIfNeeded: load(from, i) as Int16) }
        case .uint32: for i in 0..<count { to[i] = Integer(truncatingIfNeeded: load(from, i) as UInt32) }
        case .int32: for i in 0..<count { to[i] = Integer(truncatingIfNeeded: load(from, i) as Int32) }
        case .int64: for i in 0..<count { to[i] = Integer(truncatingIfNeeded: load(from, i) as Int64) }
        default: preconditionFailure("floats are not converted to integers")
        }
    }

    @inline(__always)
    private func load<Integer: FixedWidthInteger>(_ from: UnsafeRawPointer, _ index: Int) -> Integer {
        let value = from.loadUnaligned(fromByteOffset: index * MemoryLayout<Integer>.size, as: Integer.self)
        return element.isBigEndian ? Integer(bigEndian: value) : Integer(littleEndian: value)
    }
}

/// A dataset that is a set of columns of equal length: what the readers of array files share.
struct ColumnTable {
    let columns: [Column]
    let description: SourceDescription
    private let host: Host

    /// All columns have the same count, which the caller has checked.
    init(_ columns: [Column], classes: [String] = [], host: Host) {
        var fingerprint = Fingerprint()
        for column in columns {
            fingerprint.add(column.field.name)
            fingerprint.add("\(column.element) \(column.field.shape)")
            fingerprint.add(column.bytes, host: host)
        }
        self.columns = columns
        self.host = host
        description = SourceDescription(
            count: columns[0].count, fields: columns.map(\.field), classes: classes, fingerprint: fingerprint.finish())
    }

    func read(_ indices: UnsafeBufferPointer<Int64>, into outputs: [Tensor]) throws {
        try checkIndices(indices, count: description.count)
        for (column, output) in zip(columns, outputs) { column.gather(indices, into: output, host: host) }
    }
}

func checkIndices(_ indices: UnsafeBufferPointer<Int64>, count: Int) throws {
    for index in indices where index < 0 || index >= count {
        throw PluginError.internal("the host asked for sample \(index) of \(count)")
    }
}
