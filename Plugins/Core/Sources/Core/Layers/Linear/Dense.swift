import Glibc
import LaminaSDK

/// A fully connected layer on the last axis: y = x · Wᵀ + b.
///
/// x is [..., in], W [units, in], b [units], y [..., units]. W and b start uniform within ±1/√in, as in PyTorch.
/// Goodfellow, Bengio, Courville: Deep Learning (2016), section 6.1.
struct Dense: LinearLayer {
    static let name = "dense"
    static let documentation = "Fully connected layer on the last axis: y = x · Wᵀ + b."
    static let attributes: [AttributeSchema] = [
        .integer("units", 1...1e9, "size of the output's last axis"),
        .bool("bias", default: true, "adds a trained bias"),
    ]

    let units: Int
    let hasBias: Bool

    init(_ attributes: Attributes) {
        units = attributes.integer("units")
        hasBias = attributes.bool("bias")
    }

    func infer(_ inference: Inference) throws {
        try inference.require(0, .float32)
        let shape = inference.shape(0)
        guard let last = shape.last else {
            throw PluginError.shape("the input is a scalar, wanted [..., features]", input: 0)
        }
        let features = try inference.literal(last, "the input's last dimension, on which the weight's shape depends,")
        let bound = features > 0 ? 1 / Double(features).squareRoot() : 0
        let range: KeyValuePairs<String, AttributeValue> = ["low": .real(-bound), "high": .real(bound)]
        try inference.addParameter("weight", [units, features], initializer: "core.uniform", range)
        if hasBias { try inference.addParameter("bias", [units], initializer: "core.uniform", range, noDecay: true) }
        try inference.addOutput(.float32, shape.dropLast() + [Dimension(units)])
    }

    func plan(_ planning: Planning) -> any PlannedLayer {
        let x = planning.input(0)
        let (rows, features) = (x.product(0, x.rank - 1), x.size(x.rank - 1))
        let biasSums = ColumnSums(rows: rows, columns: units)
        if x.rank >= 3 { planning.allowSteps() }
        let product = 2 * Double(rows) * Double(features) * Double(units)
        var backward = 0.0
        if planning.wantsParameterGradient(0) {
            planning.saveInput(0)
            backward += product
        }
        if planning.wantsInputGradient(0) { backward += product }
        if hasBias && planning.wantsParameterGradient(1) {
            planning.setWorkspace(backward: biasSums.workspaceBytes)
            backward += Double(rows) * Double(units)
        }
        planning.setFLOPs(forward: product + (hasBias ? Double(rows) * Double(units) : 0), backward: backward)
        return DensePlan(rows: rows, features: features, units: units, hasBias: hasBias, biasSums: biasSums)
    }

    // ẏ = ẋ · Wᵀ
    var tangentAttributes: KeyValuePairs<String, AttributeValue> { ["bias": .bool(false)] }
}

struct DensePlan: PlannedLayer {
    let rows: Int
    let features: Int
    let units: Int
    let hasBias: Bool
    let biasSums: ColumnSums

    func forward(_ run: Run) throws {
        if rows == 0 { return }
        let y = run.output(0).floats
        if features == 0 {
            memset(y, 0, rows * units * 4)
            for row in 0..<(hasBias ? rows : 0) { memcpy(y + row &* units, run.parameter(1).floats, units &* 4) }
            return
        }
        try run.host.gemm(
            transposeB: true, m: rows, n: units, k: features, a: run.input(0).floats, lda: features,
            b: run.parameter(0).floats, ldb: features, c: y, ldc: units, bias: hasBias ? run.parameter(1).floats : nil)
    }

    // dx = dy · W,  dW = dyᵀ · x,  db = Σ_rows dy
    func backward(_ run: Run) throws {
        let (dx, dW) = (run.inputGradient(0), run.parameterGradient(0))
        if rows > 0 && features > 0 && !dx.isAbsent {
            try run.host.gemm(
                m: rows, n: features, k: units, a: run.outputGradient(0).floats, lda: units,
                b: run.parameter(0).floats, ldb: features, beta: dx.accumulates ? 1 : 0, c: dx.floats, ldc: features)
        }
        if features > 0 && !dW.isAbsent {
            if rows > 0 {
                try run.host.gemm(
                    transposeA: true, m: units, n: features, k: rows, a: run.outputGradient(0).floats, lda: units,
                    b: run.input(0).floats, ldb: features, beta: dW.accumulates ? 1 : 0, c: dW.floats, ldc: features)
            } else if !dW.accumulates {
                memset(dW.floats, 0, units * features * 4)
            }
        }
        if !hasBias { return }
        let db = run.parameterGradient(1)
        if db.isAbsent { return }
        if rows > 0 {
            biasSums.compute(
                run.outputGradient(0).floats, into: db.floats, accumulate: db.accumulates,
                workspace: run.raw.pointee.workspace?.assumingMemoryBound(to: Float.self), host: run.host)
        } else if !db.accumulates {
            memset(db.floats, 0, units * 4)
        }
    }
}
