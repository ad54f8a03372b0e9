extension Safetensors {
    /// The header of a file, read and checked completely: what it describes can be used without further checks.
    public struct Header: Sendable, Equatable {
        /// The tensors in the order of their bytes.
        public let tensors: [Tensor]
        /// The `__metadata__` texts, in their order.
        public let metadata: JSONObject
        /// Where the tensor data begins in the file.
        public let dataStart: Int

        /// Reads the header of a whole file.
        ///
        /// Checked: lengths (the header within `headerLimit` and the file), strict JSON, exactly the keys `dtype`,
        /// `shape` and `data_offsets`, known dtypes, rank, products without overflow, offsets equal to what dtype and
        /// shape need, and the tensors covering the data exactly: no hole, no overlap, nothing after the last.
        /// - Throws: `SafetensorsError`.
        public init(file: UnsafeRawBufferPointer) throws(SafetensorsError) {
            guard file.count >= 8 else {
                throw SafetensorsError(.length, "the file has \(file.count) bytes, the header's length alone takes 8")
            }
            let length = UInt64(littleEndian: file.loadUnaligned(as: UInt64.self))
            guard length <= UInt64(headerLimit) else {
                throw SafetensorsError(
                    .headerLimit, "the header has \(length) bytes, at most \(headerLimit) are allowed")
            }
            dataStart = 8 + Int(length)
            guard dataStart <= file.count else {
                throw SafetensorsError(
                    .length,
                    "the file has \(file.count) bytes and ends inside its header, which reaches to \(dataStart)")
            }
            let text = UnsafeRawBufferPointer(rebasing: file[8..<dataStart])
            guard text.first == UInt8(ascii: "{") else {
                throw SafetensorsError(.header, "the header does not begin with '{'")
            }
            do {
                let json = try JSON.parse(text, limits: JSON.Limits(depth: 4, byteCount: headerLimit))
                (tensors, metadata) = try Self.entries(json)
            } catch let error as JSONError {
                throw SafetensorsError(error.kind == .duplicateKey ? .name : .header, "header: \(error)")
            } catch let error as SafetensorsError {
                throw error
            } catch {
                preconditionFailure("\(error)")
            }
            try Self.checkCoverage(tensors, dataCount: file.count - dataStart)
        }

        init(tensors: [Tensor], metadata: JSONObject, dataStart: Int) {
            self.tensors = tensors
            self.metadata = metadata
            self.dataStart = dataStart
        }

        private static func entries(_ json: JSON) throws -> ([Tensor], JSONObject) {
            let object = try JSONObject(json: json, at: "")
            var tensors: [Tensor] = []
            tensors.reserveCapacity(object.count)
            var metadata = JSONObject()
            for member in object.members {
                if member.key == "__metadata__" {
                    metadata = try JSONObject(json: member.value, at: member.key)
                    for item in metadata.members {
                        _ = try String(json: item.value, at: "__metadata__[\(quoted(item.key))]")
                    }
                } else {
                    tensors.append(try tensor(member.key, member.value))
                }
            }
            // Empty tensors share their offset with a neighbour; they come first, so that coverage is a simple walk.
            tensors.sort { ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound) }
            return (tensors, metadata)
        }

        private static func tensor(_ name: String, _ json: JSON) throws -> Tensor {
            let label = "tensor \(quoted(name))"
            var fields = try JSONFields(json, at: label)
            let dtypeName: String = try fields.read("dtype")
            let shape: [Int] = try fields.read("shape")
            let offsets: [Int] = try fields.read("data_offsets")
            try fields.finish()
            guard let dtype = DType(rawValue: dtypeName) else {
                let known = DType.allCases.map(\.rawValue).joined(separator: ", ")
                throw SafetensorsError(.dtype, "\(label): unknown dtype \(quoted(dtypeName)); known are \(known)")
            }
            guard let byteCount = byteCount(dtype, shape) else {
                throw SafetensorsError(
                    .shape, "\(label): shape \(shape) is out of bounds (at most \(rankLimit) dimensions, none negative)"
                )
            }
            guard offsets.count == 2, offsets[0] >= 0, offsets[0] <= offsets[1] else {
                throw SafetensorsError(.offsets, "\(label): data_offsets \(offsets) is no range [begin, end]")
            }
            let range = offsets[0]..<offsets[1]
            guard range.count == byteCount else {
                throw SafetensorsError(
                    .offsets,
                    "\(label): \(dtype.rawValue) of shape \(shape) takes \(byteCount) bytes, data_offsets \(offsets) "
                        + "give \(range.count)")
            }
            return Tensor(name: name, dtype: dtype, shape: shape, range: range)
        }

        /// Walks the tensors, which are in the order of their bytes.
        private static func checkCoverage(_ tensors: [Tensor], dataCount: Int) throws(SafetensorsError) {
            var end = 0
            for tensor in tensors {
                let begin = tensor.range.lowerBound
                guard begin == end else {
                    throw SafetensorsError(
                        .offsets,
                        "tensor \(quoted(tensor.name)) begins at byte \(begin) of the data, but the one before it ends "
                            + "at \(end): \(begin < end ? "they overlap" : "there is a hole")")
                }
                end = tensor.range.upperBound
            }
            guard end == dataCount else {
                throw SafetensorsError(
                    .length, "the tensors take \(end) bytes, the file has \(dataCount) after its header")
            }
        }
    }
}
