import Glibc
import LaminaSDK

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
        let isCopy =
            element.natural == field.dtype && element.size == field.dtype.size && element.kind != .bool
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

    /// Element `index` of all, of a column of integers.
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
        case .bool:
            // A file may hold any byte, a tensor 0 and 1.
            let (values, flags) = (from.assumingMemoryBound(to: UInt8.self), to.assumingMemoryBound(to: UInt8.self))
            for i in 0..<count { flags[i] = values[i] != 0 ? 1 : 0 }
        case .float64, .uint8: preconditionFailure("no field of type \(field.dtype.name) needs a conversion")
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
        case .bool: for i in 0..<count { to[i] = load(from, i) as UInt8 != 0 ? 1 : 0 }
        case .uint8: for i in 0..<count { to[i] = Integer(truncatingIfNeeded: load(from, i) as UInt8) }
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
