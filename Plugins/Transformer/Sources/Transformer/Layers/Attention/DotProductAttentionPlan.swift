import CTiledAttention
import Glibc
import LaminaSDK

typealias Floats = UnsafeMutablePointer<Float>

/// Attention for one set of shapes: each head of each sample by itself.
struct DotProductAttentionPlan: PlannedLayer {
    let batch, queries, keys: Int
    let heads, group: Int
    let depth, valueDepth: Int
    /// Floats from a step to the next, and where a packed input's keys and values begin.
    let strides: (query: Int, key: Int, value: Int)
    let offsets: (key: Int, value: Int)
    let isPacked, hasLengths, saves: Bool
    /// Keys and values are read from the cache, [N, keys, key heads · (D + Dv)], to which each call adds its own.
    let isCached: Bool
    let dropout: (threshold: UInt32, scale: Float)?
    let hasSlopes: Bool
    let shape: lamina_attention
    let memory: (forward: Int, backward: Int)
    /// Queries that one thread takes; the keys are transposed once for them.
    static let chunk = 4 * Int(LAMINA_ATTENTION_QUERIES)

    init(_ layer: DotProductAttention, _ planning: Planning) {
        let query = planning.input(0)
        (batch, queries, heads, group) = (query.size(0), query.size(1), layer.heads, layer.heads / layer.keyHeads)
        func isConnected(_ index: Int) -> Bool { index < planning.inputCount && !planning.input(index).isAbsent }
        isPacked = !isConnected(1)
        hasLengths = isConnected(3)
        hasSlopes = layer.hasSlopes
        let width = query.size(2)
        isCached = planning.cacheSteps > 0 && (isPacked || planning.holdsSteps(1))
        depth = isPacked ? width / (heads + 2 * layer.keyHeads) : width / heads
        valueDepth = isPacked ? depth : planning.input(2).size(2) / layer.keyHeads
        if isCached {
            keys = planning.cacheSteps
            let step = layer.keyHeads * (depth + valueDepth)
            strides = (width, step, step)
            offsets = (0, layer.keyHeads * depth)
            planning.setCache(rows: batch, stepBytes: step * 4)
        } else if isPacked {
            keys = queries
            strides = (width, width, width)
            offsets = (heads * depth, (heads + layer.keyHeads) * depth)
        } else {
            keys = planning.input(1).size(1)
            strides = (width, planning.input(1).size(2), planning.input(2).size(2))
            offsets = (0, 0)
        }
        if planning.cacheSteps > 0 { planning.allowSteps() }
        let all = Int64(1) << 40
        let reach = layer.window.map { Int64($0 - 1) } ?? all
        shape = lamina_attention(
            queries: Int64(queries), keys: Int64(keys), depth: Int64(depth), value_depth: Int64(valueDepth),
            query_stride: Int64(strides.query), key_stride: Int64(strides.key), value_stride: Int64(strides.value),
            output_stride: Int64(heads * valueDepth), length: Int64(keys), shift: Int64(keys - queries), before: reach,
            after: layer.isCausal ? 0 : reach, scale: Float(layer.scale ?? 1 / Double(depth).squareRoot()), slope: 0,
            dropout: nil)
        dropout =
            planning.isTraining && layer.dropout > 0
            ? (
                UInt32(clamping: Int(((1 - layer.dropout) * 4_294_967_296).rounded())),
                layer.dropout < 1 ? Float(1 / (1 - layer.dropout)) : 0
            ) : nil
        var copy = shape
        memory = (
            Int(lamina_attention_forward_memory(&copy)) * 4, Int(lamina_attention_backward_memory(&copy)) * 4
        )
        saves = (0..<(isPacked ? 1 : 3)).contains { planning.wantsInputGradient($0) }
        // What a causal head or a window leaves out is not counted.
        let near = layer.window.map { Double($0) * (layer.isCausal ? 1 : 2) } ?? .infinity
        let seen = min(near, Double(keys) * (layer.isCausal ? 0.5 : 1))
        let products = Double(batch * heads) * Double(queries) * seen
        planning.setFLOPs(
            forward: 2 * products * Double(depth + valueDepth),
            backward: 2 * products * Double(3 * depth + 2 * valueDepth))
        planning.setScratch(bytes: max(memory.forward, saves ? memory.backward : 0))
        // The sums of exponentials, which forward writes whether they are kept or not.
        let sums = batch * heads * queries * 4
        guard saves else {
            planning.setWorkspace(forward: sums + items * 4 + 4)
            return
        }
        planning.save(bytes: max(sums, 4))
        planning.setWorkspace(forward: items * 4 + 4, backward: batch * layer.keyHeads * 4 + 4)
        for input in 0..<(isPacked ? 1 : 3) { planning.saveInput(input) }
        if hasLengths { planning.saveInput(3) }
        planning.saveOutput(0)
    }

    typealias Head = (query: Int, key: Int, value: Int, output: Int)

    /// Where a head of a sample begins in each tensor.
    func head(_ sample: Int, _ head: Int) -> Head {
        let other = head / group
        return (
            sample &* queries &* strides.query &+ head &* depth,
            sample &* keys &* strides.key &+ offsets.key &+ other &* depth,
            sample &* keys &* strides.value &+ offsets.value &+ other &* valueDepth,
            sample &* queries &* heads &* valueDepth &+ head &* valueDepth
        )
    }

    /// Where the three lie; without any key nothing is read of two of them.
    func inputs(_ run: Run) -> (query: Floats, key: Floats, value: Floats) {
        let query = run.input(0).floats
        if isCached {
            let cache = run.cache.assumingMemoryBound(to: Float.self)
            return (query, cache, cache)
        }
        if isPacked { return (query, query, query) }
        return (query, keys > 0 ? run.input(1).floats : query, keys > 0 ? run.input(2).floats : query)
    }

    func lengths(_ run: Run) throws -> UnsafeMutablePointer<Int64>? {
        guard hasLengths else { return nil }
        let lengths = run.input(3).int64s
        for sample in 0..<batch where lengths[sample] < 0 || lengths[sample] > Int64(keys) {
            throw PluginError.data(
                "the length of sample \(sample) is \(lengths[sample]), wanted 0 to \(keys), the keys", input: 3)
        }
        return lengths
    }

    /// How much a head's scores fall per step of distance, with alibi.
    static func slope(_ head: Int, of heads: Int) -> Float {
        let power = 1 << (Int.bitWidth - 1 - heads.leadingZeroBitCount)
        let exponent = head < power ? Float(head &+ 1) : Float(head &- power) + 0.5
        return exp2f(-8 * exponent / Float(power))
    }

    /// Calls `body` with the form of one head of one sample.
    @inline(__always)
    func with(
        _ run: Run, _ sample: Int, _ head: Int, _ lengths: UnsafeMutablePointer<Int64>?,
        _ body: (UnsafePointer<lamina_attention>) -> Void
    ) {
        var form = shape
        if isCached {
            form.keys = Int64(run.past &+ queries)
            form.shift = Int64(run.past)
            form.length = form.keys
        }
        if let lengths { form.length = lengths[sample] }
        if hasSlopes { form.slope = Self.slope(head, of: heads) }
        guard let dropout else { return body(&form) }
        var mask = lamina_attention_dropout(
            seed: run.random.seed, stream: run.random.stream, offset: run.random.offset,
            first: UInt64((sample &* heads &+ head) &* queries &* keys), threshold: dropout.threshold,
            keep_scale: dropout.scale)
        withUnsafePointer(to: &mask) {
            form.dropout = $0
            body(&form)
        }
    }

    func forward(_ run: Run) throws {
        let lengths = try lengths(run)
        guard batch > 0, queries > 0 else { return }
        if isCached { keep(run) }
        let output = run.output(0).floats
        let (query, key, value) = inputs(run)
        let sums = (saves ? run.saved(0) : run.workspace).assumingMemoryBound(to: Float.self)
        let missing = missing(run, behind: saves ? 0 : batch * heads * queries, items)
        run.host.parallelFor(items, grain: 1) { begin, end in
            for item in begin..<end {
                let (sample, rest) = item.quotientAndRemainder(dividingBy: heads &* chunks)
                let (head, chunk) = rest.quotientAndRemainder(dividingBy: chunks)
                let place = self.head(sample, head)
                guard let memory = scratch(run.host, self.memory.forward, item, missing) else { continue }
                with(run, sample, head, lengths) {
                    lamina_attention_forward(
                        $0, Int64(chunk &* Self.chunk), Int64(min(queries, (chunk &+ 1) &* Self.chunk)),
                        query + place.query, key + place.key, value + place.value, output + place.output,
                        sums + (sample &* heads &+ head) &* queries, memory)
                }
            }
        }
        try check(missing, items)
    }

    /// Adds the keys and values of this call to those of the steps before.
    private func keep(_ run: Run) {
        let cache = run.cache.assumingMemoryBound(to: Float.self)
        let (step, keyFloats) = (strides.key, offsets.value)
        for row in 0..<batch &* queries {
            let (sample, query) = row.quotientAndRemainder(dividingBy: queries)
            let to = cache + (sample &* keys &+ run.past &+ query) &* step
            if isPacked {
                memcpy(to, run.input(0).floats + (row &* strides.query &+ heads &* depth), step &* 4)
            } else {
                memcpy(to, run.input(1).floats + row &* keyFloats, keyFloats &* 4)
                memcpy(to + keyFloats, run.input(2).floats + row &* (step &- keyFloats), (step &- keyFloats) &* 4)
            }
        }
    }

    /// How many pieces of work forward has.
    var chunks: Int { (queries + Self.chunk - 1) / Self.chunk }
    var items: Int { batch * heads * chunks }

    // MARK: Threads' memory

    /// Where each piece of work tells whether its thread got memory: in the workspace, none has failed yet.
    func missing(_ run: Run, behind floats: Int, _ count: Int) -> UnsafeMutablePointer<Int32> {
        let flags = run.workspace.assumingMemoryBound(to: Int32.self) + floats
        flags.update(repeating: 0, count: count)
        return flags
    }

    func scratch(_ host: Host, _ bytes: Int, _ item: Int, _ missing: UnsafeMutablePointer<Int32>) -> Floats? {
        let memory = try? host.scratch(bytes: bytes)
        if memory == nil { missing[item] = 1 }
        return memory?.assumingMemoryBound(to: Float.self)
    }

    func check(_ missing: UnsafeMutablePointer<Int32>, _ count: Int) throws {
        for item in 0..<count where missing[item] != 0 {
            throw PluginError.memory("no memory for \(max(memory.forward, memory.backward)) bytes of attention's tiles")
        }
    }
}
