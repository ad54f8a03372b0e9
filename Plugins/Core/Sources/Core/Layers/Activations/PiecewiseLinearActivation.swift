import LaminaSDK

/// An activation that is straight between kinks: the slope of its derivative is 0, and nothing flows back through it.
protocol PiecewiseLinearActivation: Activation {}

extension PiecewiseLinearActivation {
    static var isPiecewiseLinear: Bool { true }

    func curvature(_ s: UnsafePointer<Float>, _ slope: UnsafeMutablePointer<Float>, _ n: Int) { fill(slope, n, 0) }
}
