import Glibc

/// The processor's rounding and denormal modes, found by what they do.
struct FloatingPointState {
    private struct Modes: Equatable {
        let rounding: Int32
        let keepsDenormals: Bool

        static var current: Modes {
            // Read through a pointer, so that the compiler cannot do the sum.
            let tiny = UnsafeMutablePointer<Float>.allocate(capacity: 1)
            defer { tiny.deallocate() }
            tiny.initialize(to: .leastNonzeroMagnitude)
            return Modes(rounding: fegetround(), keepsDenormals: tiny.pointee * 2 != 0)
        }
    }

    private let modes = Modes.current
    private var environment = fenv_t()

    init() { fegetenv(&environment) }

    /// Sets the state back when it has changed; returns whether it had.
    func restore() -> Bool {
        guard Modes.current != modes else { return false }
        var environment = environment
        fesetenv(&environment)
        return true
    }
}
