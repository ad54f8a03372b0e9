import CLaminaMath
import Glibc
import LaminaSDK

/// A low-rank update of the layer behind which it stands: y = output + (alpha / rank) · (x · Aᵀ) · Bᵀ.
///
/// x is [..., in], the input of that layer; output and y are [..., out]; A is `lora_A` [rank, in], B is `lora_B`
/// [out, rank]. A starts uniform within ±1/√in, B at 0, so that at first y is the layer's output; in training, dropout is
/// applied to x for the update alone. Behind a dense layer it can be folded: W += (alpha / rank) · B · A.
///
/// Hu, Shen, Wallis, Allen-Zhu, Li, Wang, Wang, Chen: LoRA, ICLR 2022. Names and initial values are those of PEFT.
struct LoRA: MergeableLayer {
    static let name = "lora"
    static let documentation = "Adds a trained update of low rank to the output of the layer behind which it stands."
    static let attributes: [AttributeSchema] = [
        .integer("rank", default: 8, 1...1e6, "the rank of the update: its parameters grow with it"),
        .real("alpha", default: 8, 0...1e9, "the update is scaled by alpha / rank"),
        .real("dropout", default: 0, 0...0.999, "in training, the probability of leaving out an element of x"),
    ]
    static let inputs = [
        Port("input", .required, "what the adapted layer takes"),
        Port("output", .required, "what the adapted layer gives"),
    ]

    let rank: Int
    let scale: Float
    let dropout: Double

    init(_ attributes: Attributes) {
        rank = attributes.integer("rank")
        scale = Float(attributes.real("alpha") / Double(rank))
        dropout = attributes.real("dropout")
    }

    func infer(_ inference: Inference) throws {
        try inference.require(0, .float32)
        try inference.require(1, .float32)
        let (x, y) = (inference.shape(0), inference.shape(1))
        guard let last = x.last, let width = y.last, x.dropLast() == y.dropLast() else {
            throw PluginError.shape(
                "the input has shape \(inference.host.text(x)), the output \(inference.host.text(y)): wanted the same "
                    + "but for the last dimension, as a dense layer gives", input: 1)
        }
        let features = try inference.literal(last, "the input's last dimension, on which lora_A's shape depends,")
        let units = try inference.literal(width, "the output's last dimension, on which lora_B's shape depends,")
        let bound = features > 0 ? 1 / Double(features).squareRoot() : 0
        try inference.addParameter(
            "lora_A", [rank, features], initializer: "core.uniform", ["low": .real(-bound), "high": .real(bound)])
        try inference.addParameter("lora_B", [units, rank], initializer: "core.constant", ["value": .real(0)])
        try inference.addOutput(.float32, y)
    }

    func plan(_ planning: Planning) -> any PlannedLayer {
        let x = planning.input(0)
        let (rows, features) = (x.product(0, x.rank - 1), x.size(x.rank - 1))
        let units = planning.input(1).size(planning.input(1).rank - 1)
        let drops = planning.isTraining && dropout > 0
        let (wantsA, wantsB) = (planning.wantsParameterGradient(0), planning.wantsParameterGradient(1))
        if x.rank >= 3, planning.allHoldSteps { planning.allowSteps() }
        planning.allowReuse(output: 0, ofInput: 1)
        planning.allowGradientView(input: 1, ofOutput: 0)
        let (rowBytes, hiddenBytes) = (rows * features * 4, rows * rank * 4)
        if wantsA { planning.saveInput(0) }
        let savesHidden = wantsB
        if savesHidden { planning.save(bytes: hiddenBytes) }
        planning.setWorkspace(
            forward: (savesHidden ? 0 : hiddenBytes) + (drops ? rowBytes : 0),
            backward: hiddenBytes + (drops ? rowBytes : 0))
        let product = 2 * Double(rows) * Double(rank)
        let wantsInput = planning.wantsInputGradient(0)
        planning.setFLOPs(
            forward: product * Double(features + units),
            backward: product
                * Double(
                    (wantsB ? units : 0) + (wantsA || wantsInput ? units : 0) + (wantsA ? features : 0)
                        + (wantsInput ? features : 0)))
        return LoRAPlan(
            rows: rows, features: features, units: units, rank: rank, scale: scale,
            mask: drops ? RandomMask(rate: dropout) : nil, savesHidden: savesHidden)
    }

    func merge(_ merging: Merging) throws {
        let (a, b) = (merging.parameter(0), merging.parameter(1))
        let (features, units) = (a.size(1), b.size(0))
        // y = W x + b is what a layer with these parameters and no others computes; the host compares outputs.
        guard let weight = merging.target("weight"), weight.rank == 2, weight.size(0) == units,
            weight.size(1) == features, merging.targetNames.allSatisfy({ ["weight", "bias"].contains($0) })
        else {
            throw PluginError.unsupported(
                "'\(merging.targetComponent)' has parameters \(merging.targetNames), wanted 'weight' of shape "
                    + "[\(units), \(features)], and 'bias' at most")
        }
        if features == 0 || units == 0 { return }
        try merging.host.gemm(
            m: units, n: features, k: rank, alpha: scale, a: b.floats, lda: rank, b: a.floats, ldb: features, beta: 1,
            c: weight.floats, ldc: features)
    }
}

struct LoRAPlan: PlannedLayer {
    let rows, features, units, rank: Int
    let scale: Float
    /// Of x in training; nil: nothing is left out.
    let mask: RandomMask?
    let savesHidden: Bool

    private func floats(_ memory: UnsafeMutableRawPointer) -> UnsafeMutablePointer<Float> {
        memory.assumingMemoryBound(to: Float.self)
    }

    func forward(_ run: Run) throws {
        let count = rows * units
        if count == 0 { return }
        let (before, y) = (run.input(1).floats, run.output(0).floats)
        if before != y { memcpy(y, before, count * 4) }
        if features == 0 { return }
        var x = UnsafePointer(run.input(0).floats)
        let hidden = savesHidden ? floats(run.saved(0)) : floats(run.workspace)
        if let mask {
            let kept = floats(run.workspace) + (savesHidden ? 0 : rows * rank)
            mask.apply(run, x, into: kept, count: rows * features)
            x = UnsafePointer(kept)
        }
        // h = x Aᵀ,  y += s · h Bᵀ
        try run.host.gemm(
            transposeB: true, m: rows, n: rank, k: features, a: x, lda: features, b: run.parameter(0).floats,
            ldb: features, c: hidden, ldc: rank)
        try run.host.gemm(
            transposeB: true, m: rows, n: units, k: rank, alpha: scale, a: hidden, lda: rank,
            b: run.parameter(1).floats, ldb: rank, beta: 1, c: y, ldc: units)
    }

    // dB = s · dyᵀ h,  dh = s · dy B,  dA = dhᵀ x,  dx = dh A,  doutput = dy
    func backward(_ run: Run) throws {
        let (dA, dB) = (run.parameterGradient(0), run.parameterGradient(1))
        let (dx, before) = (run.inputGradient(0), run.inputGradient(1))
        guard rows > 0, features > 0, units > 0 else { return clear(run) }
        let dy = UnsafePointer(run.outputGradient(0).floats)
        if !dB.isAbsent {
            try run.host.gemm(
                transposeA: true, m: units, n: rank, k: rows, alpha: scale, a: dy, lda: units,
                b: floats(run.saved(0)), ldb: rank, beta: dB.accumulates ? 1 : 0, c: dB.floats, ldc: rank)
        }
        if !dA.isAbsent || !dx.isAbsent {
            let dh = floats(run.workspace)
            try run.host.gemm(
                m: rows, n: rank, k: units, alpha: scale, a: dy, lda: units, b: run.parameter(1).floats, ldb: rank,
                c: dh, ldc: rank)
            if !dA.isAbsent { try updateGradient(run, dh, dA) }
            if !dx.isAbsent { try inputGradient(run, dh, dx) }
        }
        if !before.isAbsent { add(run, dy, to: before) }
    }

    private func updateGradient(_ run: Run, _ dh: UnsafePointer<Float>, _ dA: Tensor) throws {
        var x = UnsafePointer(run.input(0).floats)
        if let mask {
            let kept = floats(run.workspace) + rows * rank
            mask.apply(run, x, into: kept, count: rows * features)
            x = UnsafePointer(kept)
        }
        try run.host.gemm(
            transposeA: true, m: rank, n: features, k: rows, a: dh, lda: rank, b: x, ldb: features,
            beta: dA.accumulates ? 1 : 0, c: dA.floats, ldc: features)
    }

    private func inputGradient(_ run: Run, _ dh: UnsafePointer<Float>, _ dx: Tensor) throws {
        let kept = mask == nil ? dx.floats : floats(run.workspace) + rows * rank
        try run.host.gemm(
            m: rows, n: features, k: rank, a: dh, lda: rank, b: run.parameter(0).floats, ldb: features,
            beta: mask == nil && dx.accumulates ? 1 : 0, c: kept, ldc: features)
        guard let mask else { return }
        mask.apply(run, kept, into: kept, count: rows * features)
        add(run, kept, to: dx)
    }

    private func add(_ run: Run, _ gradient: UnsafePointer<Float>, to sum: Tensor) {
        let (to, accumulates) = (sum.floats, sum.accumulates)
        if UnsafePointer(to) == gradient && !accumulates { return }
        run.host.parallelFor(sum.count, grain: elementGrain) { begin, end in
            if accumulates {
                lamina_math_add(to + begin, gradient + begin, to + begin, Int64(end &- begin))
            } else {
                memcpy(to + begin, gradient + begin, (end &- begin) &* 4)
            }
        }
    }

    /// Without rows or features nothing depends on anything but the output of the layer before.
    private func clear(_ run: Run) {
        clearParameterGradients(run, 2)
        clearGradient(run.inputGradient(0))
        let before = run.inputGradient(1)
        if !before.isAbsent, before.count > 0 { add(run, run.outputGradient(0).floats, to: before) }
    }
}
