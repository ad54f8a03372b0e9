import LaminaSDK

/// Dropout: in training each element becomes 0 with probability `rate`, the others are divided by 1 − rate.
///
/// Identity at inference. Any shape and layout. Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov: Dropout, JMLR
/// 15 (2014).
struct Dropout: TangentLayer {
    static let name = "dropout"
    static let documentation = "In training zeroes elements at random and scales up the others; identity otherwise."
    static let attributes: [AttributeSchema] = [
        .real("rate", default: 0.5, 0...1, "the probability of becoming 0")
    ]

    let rate: Double

    init(_ attributes: Attributes) { rate = attributes.real("rate") }

    func infer(_ inference: Inference) throws {
        try inference.require(0, .float32)
        try inference.addOutput(.float32, inference.shape(0))
        inference.setLayouts(.any)
    }

    func plan(_ planning: Planning) -> any PlannedLayer {
        guard planning.isTraining && rate > 0 else {
            planning.allowView()
            planning.allowGradientView()
            planning.allowSteps()
            return ViewPlan()
        }
        let n = planning.input(0).count
        planning.allowReuse()
        planning.allowGradientReuse()
        let saves = planning.wantsInputGradient(0)
        if saves { planning.save(bytes: (n + 31) / 32 * 4) }
        planning.setFLOPs(forward: 20 * Double(n), backward: Double(n))
        return DropoutPlan(rate: rate, savesMask: saves)
    }

    func expandTangent(_ tangent: TangentExpansion) throws {
        throw PluginError.unsupported("its mask is known to itself alone; leave it out of this network")
    }
}

/// Each element takes 16 random bits and is dropped when they are below `threshold`; what was kept is saved, one bit
/// per element, as drawing the numbers again would take longer than everything else.
struct DropoutPlan: PlannedLayer {
    /// rate · 2¹⁶
    private let threshold: UInt32
    /// 1 / the probability of being kept, which is a multiple of 2⁻¹⁶: so the mean is kept exactly.
    private let scale: Float
    private let savesMask: Bool

    init(rate: Double, savesMask: Bool) {
        threshold = UInt32((rate * 65536).rounded())
        scale = threshold < 65536 ? Float(65536 / Double(65536 - threshold)) : 0
        self.savesMask = savesMask
    }

    func forward(_ run: Run) {
        let n = run.input(0).count
        if n == 0 { return }
        let (x, y) = (run.input(0).floats, run.output(0).floats)
        let kept = savesMask ? run.saved(0).assumingMemoryBound(to: UInt32.self) : nil
        run.host.parallelFor(n, grain: elementGrain) { begin, end in
            withUnsafeTemporaryAllocation(of: UInt32.self, capacity: blockLength / 2) { buffer in
                let words = buffer.baseAddress!
                var first = begin
                while first < end {
                    let count = min(end &- first, blockLength)
                    run.host.bits(run.random, first: first / 2, into: words, count: (count &+ 31) / 32 &* lanes)
                    forward(x + first, y + first, count, words, kept.map { $0 + first / 32 })
                    first &+= blockLength
                }
            }
        }
    }

    /// 16 words serve 32 elements: their lower halves the first 16, their upper halves the others.
    @inline(__always)
    private func forward(
        _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ n: Int, _ words: UnsafePointer<UInt32>,
        _ kept: UnsafeMutablePointer<UInt32>?
    ) {
        let limit = SIMD16<UInt32>(repeating: threshold)
        var i = 0
        while i < n {
            let word = UnsafeRawPointer(words + i / 2).loadUnaligned(as: SIMD16<UInt32>.self)
            let (lower, upper) = (word & 0xffff .>= limit, word &>> 16 .>= limit)
            y.store(dropped(x.vector(i, n &- i), lower), i, n &- i)
            if i &+ lanes < n {
                y.store(dropped(x.vector(i &+ lanes, n &- i &- lanes), upper), i &+ lanes, n &- i &- lanes)
            }
            if let kept { kept[i / 32] = bits(lower) | bits(upper) &<< 16 }
            i &+= 2 &* lanes
        }
    }

    @inline(__always)
    private func dropped(_ x: Vector, _ keep: SIMDMask<SIMD16<Int32>>) -> Vector {
        Vector().replacing(with: x * scale, where: keep)
    }

    // dx = dy · scale where the element was kept, 0 elsewhere
    func backward(_ run: Run) {
        let (dy, dx) = (run.outputGradient(0), run.inputGradient(0))
        let n = dy.count
        if dx.isAbsent || n == 0 { return }
        let (pdy, pdx, accumulate) = (dy.floats, dx.floats, dx.accumulates)
        let kept = run.saved(0).assumingMemoryBound(to: UInt16.self)
        run.host.parallelFor(n, grain: elementGrain) { begin, end in
            forEachVector(end &- begin) { i, remaining in
                let keep = mask(kept[(begin &+ i) / lanes])
                let gradient = dropped(pdy.vector(begin &+ i, remaining), keep)
                pdx.store(gradient, begin &+ i, remaining, accumulate: accumulate)
            }
        }
    }
}

// Computed, as a stored global would be checked for its initialisation at every use.
private var laneBits: SIMD16<UInt32> {
    SIMD16(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768)
}

@inline(__always)
private func bits(_ mask: SIMDMask<SIMD16<Int32>>) -> UInt32 {
    SIMD16<UInt32>().replacing(with: laneBits, where: mask).wrappedSum()
}

@inline(__always)
private func mask(_ bits: UInt16) -> SIMDMask<SIMD16<Int32>> {
    SIMD16<UInt32>(repeating: UInt32(bits)) & laneBits .== laneBits
}
