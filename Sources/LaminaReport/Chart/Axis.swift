import Glibc

/// One axis of a chart: its limits, and ticks at round values.
struct Axis: Equatable {
    struct Tick: Equatable {
        let value: Double
        let label: String
    }

    let lower: Double
    let upper: Double
    let ticks: [Tick]
    let isLogarithmic: Bool

    private init(lower: Double, upper: Double, ticks: [Tick], isLogarithmic: Bool = false) {
        self.lower = lower
        self.upper = upper
        self.ticks = ticks
        self.isLogarithmic = isLogarithmic
    }

    /// Where `value` lies between the limits: 0 … 1.
    func position(_ value: Double) -> Double {
        if isLogarithmic { return (log10(value) - log10(lower)) / (log10(upper) - log10(lower)) }
        return (value - lower) / (upper - lower)
    }

    /// An axis for measured values, with four to eight ticks, among them both limits.
    ///
    /// From 0 where the values come near it.
    ///
    /// - Parameter mayBeLogarithmic: whether to show positive values over more than two decades by their logarithms.
    init(values: some Sequence<Double>, mayBeLogarithmic: Bool = false) {
        var (low, high) = (Double.infinity, -Double.infinity)
        for value in values where Axis.isDrawable(value) {
            // Values near the end of the double range count as 0: ticks below them could not be told apart.
            let value = value.magnitude < 1e-290 ? 0 : value
            low = min(low, value)
            high = max(high, value)
        }
        if low > high { (low, high) = (0, 1) }
        if mayBeLogarithmic, low > 0, high / low > 100 {
            self.init(decadesFrom: low, to: high)
            return
        }
        let isShare = low >= 0 && high <= 1
        let size = max(abs(low), abs(high))
        if high - low <= size * 1e-9 {
            // A constant: a tenth around it, so that the ticks tell its size.
            let margin = size == 0 ? 1 : size * 0.1
            (low, high) = (low - margin, high + margin)
        } else if low > 0, low < 0.3 * high {
            low = 0
        } else if high < 0, high > 0.3 * low {
            high = 0
        }
        if isShare { (low, high) = (max(low, 0), min(high, 1)) }
        let (mantissa, exponent) = Self.roundStep((high - low) / 6)
        let step = Self.value(mantissa, exponent)
        // A little slack: 0.30000000000000004 / 0.1 is no reason for one more tick.
        let first = Int((low / step + 1e-6).rounded(.down))
        let last = max(first + 1, Int((high / step - 1e-6).rounded(.up)))
        let ticks = (first...last).map {
            Tick(value: Self.value($0 * mantissa, exponent), label: NumberText.decimal($0 * mantissa, exponent))
        }
        self.init(lower: ticks[0].value, upper: ticks[ticks.count - 1].value, ticks: ticks)
    }

    /// An axis for epochs: whole numbers, the first among them, and at most `count` ticks.
    init(epochs: ClosedRange<Int>, count: Int) {
        // Beyond this, neighbours are no longer different doubles.
        let limit = 1 << 50
        let (first, last) = (min(max(epochs.lowerBound, -limit), limit), min(max(epochs.upperBound, -limit), limit))
        guard first < last else {
            let tick = Tick(value: Double(first), label: NumberText.decimal(first, 0))
            self.init(lower: tick.value - 0.5, upper: tick.value + 0.5, ticks: [tick])
            return
        }
        let (mantissa, exponent) = Self.roundStep(max(1, Double(last - first) / Double(max(count - 1, 1))))
        let step = max(1, Int(Self.value(mantissa, exponent)))
        var values = Array(stride(from: (first + step - 1) / step * step, through: last, by: step))
        if values.first != first {
            // The first epoch takes the place of a tick that its label would touch.
            if let next = values.first, Double(next - first) < 0.6 * Double(step) { values.removeFirst() }
            values.insert(first, at: 0)
        }
        self.init(
            lower: Double(first), upper: Double(last),
            ticks: values.map { Tick(value: Double($0), label: NumberText.decimal($0, 0)) })
    }

    /// Values of which pictures can be made: finite, and not so large that differences overflow.
    static func isDrawable(_ value: Double) -> Bool { value.magnitude < 1e300 }

    /// A logarithmic axis with ticks at 1, 2, 5, 10, … or, over many decades, at powers of ten.
    private init(decadesFrom low: Double, to high: Double) {
        let decades = Int(log10(low).rounded(.down)) - 1...Int(log10(high).rounded(.up)) + 1
        let span = log10(high) - log10(low)
        let mantissas = span <= 2.5 ? [1, 2, 5] : [1]
        let spacing = max(1, Int((span / 6).rounded(.up)))
        let all = decades.filter { $0 % spacing == 0 }.flatMap { exponent in
            mantissas.map { Tick(value: Self.value($0, exponent), label: NumberText.decimal($0, exponent)) }
        }
        let below = all.last { $0.value <= low * (1 + 1e-9) }
        let above = all.first { $0.value >= high * (1 - 1e-9) }
        let (lower, upper) = (below?.value ?? low, above?.value ?? high)
        self.init(
            lower: lower, upper: upper, ticks: all.filter { $0.value >= lower && $0.value <= upper },
            isLogarithmic: true)
    }

    /// The smallest of 1, 2, 5 times a power of ten that is at least `step`.
    private static func roundStep(_ step: Double) -> (mantissa: Int, exponent: Int) {
        let exponent = Int(log10(step).rounded(.down))
        let mantissa = step / value(1, exponent)
        for candidate in [1, 2, 5] where mantissa <= Double(candidate) * (1 + 1e-9) { return (candidate, exponent) }
        return (1, exponent + 1)
    }

    /// `mantissa` · 10^`exponent`, rightly rounded for exponents of everyday size.
    private static func value(_ mantissa: Int, _ exponent: Int) -> Double {
        exponent < 0 ? Double(mantissa) / pow(10, Double(-exponent)) : Double(mantissa) * pow(10, Double(exponent))
    }
}
