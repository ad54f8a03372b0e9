import Glibc
import LaminaSDK

/// The identity, y = x: a named place in a graph.
public struct Identity: Layer, PlannedLayer {
    public static let name = "identity"
    public static let documentation = "Passes its input on: y = x."

    public init(_ attributes: Attributes) {}

    public func infer(_ inference: Inference) throws {
        try inference.addOutput(inference.dtype(0), inference.shape(0))
        inference.setLayouts(.any)
    }

    public func plan(_ planning: Planning) -> any PlannedLayer {
        planning.allowView()
        planning.allowGradientView()
        return self
    }

    public func forward(_ run: Run) {
        let (x, y) = (run.input(0), run.output(0))
        if x.bytes != y.bytes { memcpy(y.bytes, x.bytes, x.count * Int(x.raw.pointee.dtype.bits) / 8) }
    }

    // dL/dx = dL/dy
    public func backward(_ run: Run) {
        let (dy, dx) = (run.outputGradient(0), run.inputGradient(0))
        if dx.isAbsent || dx.bytes == dy.bytes { return }
        if dx.accumulates {
            for i in 0..<dx.count { dx.floats[i] += dy.floats[i] }
        } else {
            memcpy(dx.bytes, dy.bytes, dx.count * 4)
        }
    }
}
