import LaminaSDK

/// How a tensor [N, a…, C, d…] is read as rows of C numbers, in the order of a target [N, a…, d…].
struct ClassRows {
    let count: Int
    let classes: Int
    /// Product of d….
    let inner: Int
    /// Row r belongs to sample r / rowsPerSample.
    let rowsPerSample: Int
    /// Distance between the classes of a row.
    let stride: Int
    /// In channels-last layout the rows lie one after the other.
    private let isChannelsLast: Bool
    /// In channels-last layout an index target [N, d1, rest…] has d1 innermost; else 1.
    private let targetFirst: Int

    /// `axis` is one that `infer` has accepted. `target` has class indices or the tensor's own shape.
    init(_ tensor: Tensor, target: Tensor, axis: ClassAxis) {
        let axis = axis.position(rank: tensor.rank)!
        let inner = tensor.product(axis + 1, tensor.rank)
        self.inner = inner
        classes = tensor.size(axis)
        rowsPerSample = tensor.product(1, axis) * inner
        count = tensor.size(0) * rowsPerSample
        isChannelsLast = tensor.isChannelsLast
        stride = isChannelsLast ? 1 : inner
        targetFirst = target.isChannelsLast && target.rank < tensor.rank ? target.size(1) : 1
    }

    /// Rows of one chunk of a parallel loop: about 16,384 numbers.
    var grain: Int { max(1, 16_384 / max(classes, 1)) }
    var chunks: Int { (count + grain - 1) / grain }

    /// Where row r begins; block r / inner of C · inner numbers.
    @inline(__always)
    func offset(_ row: Int) -> Int {
        if isChannelsLast || inner == 1 { return row &* classes }
        let block = row / inner
        return block &* classes &* inner &+ (row &- block &* inner)
    }

    /// Where the class index of row r is.
    @inline(__always)
    func targetOffset(_ row: Int) -> Int {
        if targetFirst == 1 { return row }
        let (sample, position) = row.quotientAndRemainder(dividingBy: inner)
        let (first, rest) = position.quotientAndRemainder(dividingBy: inner / targetFirst)
        return sample &* inner &+ rest &* targetFirst &+ first
    }

    /// Calls `body(row, x, stride)` for rows of `x`: where a row begins and how far apart its numbers are.
    ///
    /// Rows whose numbers lie apart are copied in tiles of neighbours: read one by one, each would touch a cache line
    /// per number, often all in the same few sets of the cache.
    @inline(__always)
    func forEach(
        _ begin: Int, _ end: Int, of x: UnsafePointer<Float>, _ host: Host,
        _ body: (_ row: Int, _ x: UnsafePointer<Float>, _ stride: Int) -> Void
    ) {
        guard let tile = tile(host) else {
            for row in begin..<end { body(row, x + offset(row), stride) }
            return
        }
        var row = begin
        while row < end {
            let size = neighbours(row, end)
            gather(x + offset(row), size, into: tile)
            for r in 0..<size { body(row &+ r, tile + r &* classes, 1) }
            row += size
        }
    }

    /// The same with an output of the same shape, which `body` writes, or adds to when it is told so.
    @inline(__always)
    func forEach(
        _ begin: Int, _ end: Int, of x: UnsafePointer<Float>, into out: UnsafeMutablePointer<Float>, adding: Bool,
        _ host: Host,
        _ body: (
            _ row: Int, _ x: UnsafePointer<Float>, _ out: UnsafeMutablePointer<Float>, _ stride: Int, _ adding: Bool
        ) -> Void
    ) {
        guard let tile = tile(host) else {
            for row in begin..<end { body(row, x + offset(row), out + offset(row), stride, adding) }
            return
        }
        var row = begin
        while row < end {
            let size = neighbours(row, end)
            gather(x + offset(row), size, into: tile)
            for r in 0..<size { body(row &+ r, tile + r &* classes, tile + r &* classes, 1, false) }
            scatter(tile, size, to: out + offset(row), adding: adding)
            row += size
        }
    }

    private static let tileSize = 16

    /// Room for a tile; nil when rows are contiguous, or memory is short.
    private func tile(_ host: Host) -> UnsafeMutablePointer<Float>? {
        if stride == 1 { return nil }
        return try? host.scratch(bytes: Self.tileSize * classes * 4).assumingMemoryBound(to: Float.self)
    }

    /// How many rows from `row` on lie beside each other, at most a tile of them.
    private func neighbours(_ row: Int, _ end: Int) -> Int { min(Self.tileSize, end - row, inner - row % inner) }

    private func gather(_ x: UnsafePointer<Float>, _ size: Int, into tile: UnsafeMutablePointer<Float>) {
        for c in 0..<classes {
            for r in 0..<size { tile[r &* classes &+ c] = x[c &* stride &+ r] }
        }
    }

    private func scatter(
        _ tile: UnsafePointer<Float>, _ size: Int, to out: UnsafeMutablePointer<Float>, adding: Bool
    ) {
        for c in 0..<classes {
            for r in 0..<size {
                let (value, place) = (tile[r &* classes &+ c], c &* stride &+ r)
                out[place] = adding ? out[place] + value : value
            }
        }
    }

    /// Checks shapes: input [N, C, d…] float32; target int64 [N, d…], or float32 with the input's shape when that is
    /// allowed. Says which layouts are read. Returns whether the target holds class indices.
    static func infer(_ inference: Inference, axis: ClassAxis, probabilities: Bool) throws -> Bool {
        let host = inference.host
        let shape = inference.shape(0)
        try inference.require(0, .float32)
        guard shape.count >= 2 else {
            throw PluginError.shape("the input has shape \(host.text(shape)), wanted [N, classes, …]", input: 0)
        }
        guard let position = axis.position(rank: shape.count) else {
            throw PluginError.attribute("the input has shape \(host.text(shape)), but \(axis.fault)")
        }
        if probabilities { try inference.require(1, .int64, .float32) } else { try inference.require(1, .int64) }
        let isIndices = try inference.dtype(1) == .int64
        let wanted = isIndices ? Array(shape[..<position] + shape[(position + 1)...]) : shape
        guard inference.shape(1) == wanted else {
            throw PluginError.shape(
                "the target has shape \(host.text(inference.shape(1))), wanted \(host.text(wanted)) "
                    + (isIndices ? "of class indices" : "of class probabilities")
                    + " for an input of shape \(host.text(shape))", input: 1)
        }
        // Channels-last puts axis 1 behind the others; with classes elsewhere, nothing is gained from reading that.
        inference.setLayouts(position == 1 ? .any : .plain)
        return isIndices
    }
}

/// What one chunk of rows adds to a loss over class indices.
struct ClassPartial {
    var loss = 0.0
    /// Sum of the class weights: what the mean divides by.
    var weight = 0.0
    /// The first row whose label is out of range, or -1.
    var badRow = -1

    /// Combines the chunks in order; throws when a label is out of range.
    static func total(
        _ partials: UnsafePointer<ClassPartial>, _ rows: ClassRows, _ target: UnsafePointer<Int64>, ignoring: Int
    ) throws -> ClassPartial {
        var total = ClassPartial()
        for chunk in 0..<rows.chunks {
            if partials[chunk].badRow >= 0 {
                let row = partials[chunk].badRow
                throw PluginError.data(
                    "the target has label \(target[rows.targetOffset(row)]) in sample \(row / rows.rowsPerSample) of the "
                        + "batch, the input has \(rows.classes) classes: labels must be 0 to \(rows.classes - 1), or "
                        + "\(ignoring) to be ignored", input: 1)
            }
            total.loss += partials[chunk].loss
            total.weight += partials[chunk].weight
        }
        return total
    }
}
