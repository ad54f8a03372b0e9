import CLamina
import Glibc
import LaminaSDK

/// y = x, with one mistake of a plugin's author or of whoever wrote the recipe.
struct Faulty: Layer {
    enum Fault: String, CaseIterable {
        case none, saveOutput, saveInput, layouts, preferred, bothPreferred, initial, negativeInitial, renames
        case retypes, hugeParameter
    }

    static let name = "faulty"
    static let documentation = "Passes its input on and makes one mistake."
    static let inputs = [Port("input", .optional)]
    static let attributes: [AttributeSchema] = [
        .string("fault", default: "none", choices: Fault.allCases.map(\.rawValue), "Which mistake.")
    ]
    let fault: Fault

    init(_ attributes: Attributes) { fault = Fault(rawValue: attributes.string("fault"))! }

    func infer(_ inference: Inference) throws {
        let shape = inference.inputCount > 0 ? inference.shape(0) : [Dimension(4)]
        let isConcrete = shape.allSatisfy { $0.value >= 0 }
        try inference.addOutput(fault == .retypes && isConcrete ? .int64 : .float32, shape)
        switch fault {
        case .layouts: inference.raw.pointee.set_layouts(inference.raw.pointee.sink, 5, 0)
        case .preferred: inference.setLayouts(.plain, preferred: .channelsLast)
        case .bothPreferred: inference.raw.pointee.set_layouts(inference.raw.pointee.sink, 3, 3)
        case .initial: try inference.addBuffer("steps", [1], .int64, initial: .nan)
        case .negativeInitial: try inference.addBuffer("steps", [1], .uint8, initial: -1)
        case .renames: try inference.addBuffer(isConcrete ? "late" : "early", [1], initial: 0)
        case .hugeParameter: try inference.addParameter("weight", [1 << 21, 1 << 20], initializer: "core.zeros")
        default: break
        }
    }

    func plan(_ planning: Planning) -> any PlannedLayer {
        if fault == .saveOutput { planning.saveOutput(1) }
        if fault == .saveInput { planning.saveInput(5) }
        // Right also without any input.
        if fault == .none { planning.saveOutput(0) }
        return CopyPlan()
    }
}

struct CopyPlan: PlannedLayer {
    func forward(_ run: Run) {
        let y = run.output(0)
        for index in 0..<y.count { y.floats[index] = 1 }
    }
    func backward(_ run: Run) {}
}

/// Class numbers from scores: differentiable by its table, yet no gradient can flow through integers.
struct Rounded: Layer {
    static let name = "rounded"
    static let documentation = "Integers with a parameter, though no gradient can reach it."

    init(_ attributes: Attributes) {}

    func infer(_ inference: Inference) throws {
        try inference.addOutput(.int64, inference.shape(0))
        try inference.addParameter("scale", [1], initializer: "core.constant")
    }
    func plan(_ planning: Planning) -> any PlannedLayer { RoundedPlan() }
}

struct RoundedPlan: PlannedLayer {
    func forward(_ run: Run) {
        let y = run.output(0)
        for index in 0..<y.count { y.bytes.assumingMemoryBound(to: Int64.self)[index] = 1 }
    }
    func backward(_ run: Run) throws { throw PluginError.shape("backward was called without a gradient") }
}

/// y = scale · x, written without any care but right.
struct Scaled: Layer {
    static let name = "scaled"
    static let documentation = "One trained factor."

    init(_ attributes: Attributes) {}

    func infer(_ inference: Inference) throws {
        try inference.addOutput(.float32, inference.shape(0))
        try inference.addParameter("scale", [1], initializer: "core.constant")
    }
    func plan(_ planning: Planning) -> any PlannedLayer {
        planning.saveInput(0)
        return ScaledPlan()
    }
}

struct ScaledPlan: PlannedLayer {
    func forward(_ run: Run) {
        let (x, y, scale) = (run.input(0), run.output(0), run.parameter(0).floats[0])
        for index in 0..<y.count { y.floats[index] = scale * x.floats[index] }
    }
    func backward(_ run: Run) {
        let (x, dy, gradient) = (run.input(0), run.outputGradient(0), run.parameterGradient(0))
        if gradient.isAbsent { return }
        let sum = (0..<x.count).reduce(Float(0)) { $0 + x.floats[$1] * dy.floats[$1] }
        gradient.floats[0] = gradient.accumulates ? gradient.floats[0] + sum : sum
    }
}

/// Half of the elements, chosen at random and kept for backward; range by range where the host likes.
struct Masked: Layer {
    static let name = "masked"
    static let documentation = "Elementwise, with random numbers and saved memory."

    init(_ attributes: Attributes) {}

    func infer(_ inference: Inference) throws {
        try inference.addOutput(.float32, inference.shape(0))
        inference.setLayouts(.any)
    }
    func plan(_ planning: Planning) -> any PlannedLayer {
        planning.save(bytes: planning.input(0).count)
        planning.allowRanges()
        return MaskedPlan()
    }
}

struct MaskedPlan: PlannedLayer {
    func forward(_ run: Run) { forward(run, 0..<run.output(0).count) }

    func forward(_ run: Run, _ range: Range<Int>) {
        let mask = run.saved(0).assumingMemoryBound(to: UInt8.self)
        for index in range {
            var number: Float = 0
            run.host.uniform(run.random, first: index, into: &number, count: 1)
            mask[index] = number < 0.5 ? 1 : 0
            run.output(0).floats[index] = run.input(0).floats[index] * Float(mask[index])
        }
    }

    func backward(_ run: Run) {
        let (dy, dx) = (run.outputGradient(0), run.inputGradient(0))
        let mask = run.saved(0).assumingMemoryBound(to: UInt8.self)
        for index in 0..<dy.count {
            var number: Float = 0
            run.host.uniform(run.random, first: index, into: &number, count: 1)
            // Both have to be forward's.
            let isKept = mask[index] == 1
            let value = isKept != (number < 0.5) ? .nan : isKept ? dy.floats[index] : 0
            dx.floats[index] = dx.accumulates ? dx.floats[index] + value : value
        }
    }
}

enum FaultyPlugin {
    nonisolated(unsafe) static let plugin = Plugin(
        id: "faulty", name: "Faulty", version: "1.0.0", license: "MIT", documentation: "Layers with mistakes.",
        components: [
            .layer(Faulty.self), .layer(Rounded.self), .layer(Scaled.self), .layer(Masked.self),
            .layer(FaultyTangent.self),
            without("no_forward") { $0.forward = nil },
            without("no_release") { $0.release = nil }, without("short_table") { $0.struct_size = 8 },
        ])

    /// The layer with something taken out of its table.
    private static func without(_ name: String, _ change: (inout lamina_layer) -> Void) -> Component {
        let complete = Component.layer(Faulty.self).raw.pointee
        let table = UnsafeMutablePointer<lamina_layer>.allocate(capacity: 1)
        table.initialize(to: complete.vtable.assumingMemoryBound(to: lamina_layer.self).pointee)
        change(&table.pointee)
        let component = UnsafeMutablePointer<lamina_component>.allocate(capacity: 1)
        component.initialize(to: complete)
        component.pointee.name = name.withCString { UnsafePointer(strdup($0)) }
        component.pointee.vtable = UnsafeRawPointer(table)
        return Component(component)
    }
}
