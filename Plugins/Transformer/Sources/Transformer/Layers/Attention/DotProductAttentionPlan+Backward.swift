import CTiledAttention
import Glibc
import LaminaSDK

extension DotProductAttentionPlan {
    // With p the probabilities, dropout's factors m, and δ_i = o_i · do_i:
    //   dv_j = Σ_i m p do_i,  ds = p (m do_i · v_j - δ_i),  dq_i = scale Σ_j ds k_j,  dk_j = scale Σ_i ds q_i
    // A thread has all heads that share a key head, as these add to the same gradients of keys and values.
    func backward(_ run: Run) throws {
        let lengths = try lengths(run)
        guard batch > 0, queries > 0, keys > 0 else {
            for index in 0..<(isPacked ? 1 : 3) { clearGradient(run.inputGradient(index)) }
            return
        }
        let tensors = inputs(run)
        let (output, dOutput) = (run.output(0).floats, run.outputGradient(0).floats)
        let sums = run.saved(0).assumingMemoryBound(to: Float.self)
        let dQuery = gradient(run, 0)
        let dKey = isPacked ? dQuery : gradient(run, 1)
        let dValue = isPacked ? dQuery : gradient(run, 2)
        let fresh = (query: isFresh(run, 0), key: isFresh(run, isPacked ? 0 : 1), value: isFresh(run, isPacked ? 0 : 2))
        let keyHeads = heads / group
        let missing = missing(run, behind: 0, batch * keyHeads)
        run.host.parallelFor(batch * keyHeads, grain: 1) { begin, end in
            for item in begin..<end {
                guard let floats = scratch(run.host, memory.backward, item, missing) else { continue }
                let (sample, keyHead) = item.quotientAndRemainder(dividingBy: keyHeads)
                // What is added to, cleared where it is used next.
                let first = self.head(sample, keyHead &* group)
                if fresh.key, let dKey { clear(dKey + first.key, keys, depth, strides.key) }
                if fresh.value, let dValue { clear(dValue + first.value, keys, valueDepth, strides.value) }
                for head in keyHead &* group..<(keyHead &+ 1) &* group {
                    let place = self.head(sample, head)
                    if fresh.query, let dQuery { clear(dQuery + place.query, queries, depth, strides.query) }
                    with(run, sample, head, lengths) {
                        lamina_attention_backward(
                            $0, tensors.query + place.query, tensors.key + place.key, tensors.value + place.value,
                            output + place.output, sums + (sample &* heads &+ head) &* queries, dOutput + place.output,
                            dQuery.map { $0 + place.query }, dKey.map { $0 + place.key },
                            dValue.map { $0 + place.value }, floats)
                    }
                }
            }
        }
        try check(missing, batch * keyHeads)
    }

    private func clear(_ rows: Floats, _ count: Int, _ width: Int, _ stride: Int) {
        for row in 0..<count { memset(rows + row &* stride, 0, width &* 4) }
    }

    /// Whether nothing has been written to the gradient yet.
    private func isFresh(_ run: Run, _ index: Int) -> Bool {
        let gradient = run.inputGradient(index)
        return !gradient.isAbsent && !gradient.accumulates
    }

    /// nil: not asked for.
    private func gradient(_ run: Run, _ index: Int) -> Floats? {
        let gradient = run.inputGradient(index)
        return gradient.isAbsent ? nil : gradient.floats
    }
}
