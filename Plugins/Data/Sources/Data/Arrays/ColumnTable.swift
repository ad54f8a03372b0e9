import LaminaSDK

/// A dataset that is a set of columns of equal length: what the readers of array files share.
struct ColumnTable {
    let columns: [Column]
    let description: SourceDescription
    private let host: Host

    /// All columns have the same count, which the caller has checked.
    init(_ columns: [Column], classes: [String] = [], readingJSON: String? = nil, host: Host) {
        var fingerprint = Fingerprint()
        for column in columns {
            fingerprint.add(column.field.name)
            fingerprint.add(column.element.kind.rawValue + (column.element.isBigEndian ? " big" : " little"))
            fingerprint.add("\(column.field.shape)")
            fingerprint.add(column.bytes, host: host)
        }
        self.columns = columns
        self.host = host
        description = SourceDescription(
            count: columns[0].count, fields: columns.map(\.field), classes: classes, fingerprint: fingerprint.finish(),
            readingJSON: readingJSON)
    }

    /// An input and, if there is one, a target with as many samples.
    init(
        _ input: Column, of array: StoredArray, target: StoredArray?, classes: [String], host: Host
    ) throws(PluginError) {
        guard let target else {
            self.init([input], classes: classes, host: host)
            return
        }
        let column = try target.targetColumn(classes: classes)
        guard column.count == input.count else {
            throw .data(
                "\(target.label) has \(column.count) targets, \(array.label) has \(input.count) samples; give data "
                    + "that belongs together")
        }
        self.init([input, column], classes: classes, host: host)
    }

    func read(_ indices: UnsafeBufferPointer<Int64>, into outputs: Tensors) throws {
        try checkIndices(indices, count: description.count)
        for index in columns.indices { columns[index].gather(indices, into: outputs[index], host: host) }
    }
}

func checkIndices(_ indices: UnsafeBufferPointer<Int64>, count: Int) throws {
    for index in indices where index < 0 || index >= count {
        throw PluginError.internal("the host asked for sample \(index) of \(count)")
    }
}
