/// Numbers as people read them in charts; made without Foundation and without the locale.
enum NumberText {
    /// `mantissa` · 10^`exponent`, as "1,250", "0.05" or, beyond that, "2e-7".
    static func decimal(_ mantissa: Int, _ exponent: Int) -> String {
        guard mantissa != 0 else { return exponent < 0 && exponent >= -6 ? "0." + zeros(-exponent) : "0" }
        let digits = String(mantissa.magnitude)
        let sign = mantissa < 0 ? "−" : ""
        // The power of ten of the first digit.
        let leading = digits.utf8.count - 1 + exponent
        if leading > 6 || leading < -5 || exponent < -12 {
            let rest = digits.dropFirst()
            return
                "\(sign)\(digits.prefix(1))\(rest.isEmpty ? "" : "." + rest)e\(leading < 0 ? "−" : "")\(leading.magnitude)"
        }
        if exponent >= 0 { return sign + grouped(digits + zeros(exponent)) }
        let padded = zeros(max(0, 1 - exponent - digits.utf8.count)) + digits
        return "\(sign)\(grouped(String(padded.dropLast(-exponent)))).\(padded.suffix(-exponent))"
    }

    /// `value` with four significant digits, as in "0.4400" and "1.235e9"; from 1,000 on to the nearest integer.
    static func measure(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "−∞" : "∞" }
        if value == 0 { return "0" }
        if value.magnitude >= 1000, value.magnitude < 9_999_999 { return decimal(Int(value.rounded()), 0) }
        // Swift writes the shortest decimal; its digits and exponent, taken apart, need no logarithm.
        var (mantissa, exponent) = parts(value.magnitude)
        while mantissa >= 10_000 {
            // Half is rounded away from zero, at the last digit that goes.
            mantissa = (mantissa + (mantissa < 100_000 ? 5 : 0)) / 10
            exponent += 1
        }
        while mantissa < 1000 {
            mantissa *= 10
            exponent -= 1
        }
        return decimal(value < 0 ? -mantissa : mantissa, exponent)
    }

    /// A share as a percentage with `places` decimals: "91.32%"; never 100% when it is less, nor 0% when more.
    static func percent(_ share: Double, places: Int) -> String {
        let unit = power(places)
        let whole = 100 * unit
        var scaled = Int((share * Double(whole)).rounded())
        if share < 1, scaled == whole { scaled -= 1 }
        if share > 0, scaled == 0 { return "<\(decimal(1, -places))%" }
        return decimal(scaled, -places) + "%"
    }

    /// A count: "1,250", and with decimals when it is weighted.
    static func count(_ value: Double) -> String {
        value == value.rounded() && value < 1e15 ? grouped(String(Int(value))) : measure(value)
    }

    /// "1 h 02 min", "3 min 05 s", "12.3 s"
    static func duration(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds >= 0, seconds < 1e12 else { return "?" }
        func padded(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let whole = Int(seconds.rounded())
        if seconds < 59.95 { return "\(decimal(Int((seconds * 10).rounded()), -1)) s" }
        if whole < 3600 { return "\(whole / 60) min \(padded(whole % 60)) s" }
        return "\(grouped(String(whole / 3600))) h \(padded(whole % 3600 / 60)) min"
    }

    /// `value` in units of the picture, with at most two decimals.
    static func coordinate(_ value: Double) -> String {
        let hundredths = value.magnitude < 1e12 ? Int((value * 100).rounded()) : 0
        let (whole, rest) = (hundredths.magnitude / 100, hundredths.magnitude % 100)
        let sign = hundredths < 0 ? "-" : ""
        if rest == 0 { return "\(sign)\(whole)" }
        return rest % 10 == 0 ? "\(sign)\(whole).\(rest / 10)" : "\(sign)\(whole).\(rest < 10 ? "0" : "")\(rest)"
    }

    static func grouped(_ digits: String) -> String {
        let count = digits.utf8.count
        var text = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (count - index) % 3 == 0 { text += "," }
            text.append(digit)
        }
        return text
    }

    /// Digits and exponent of a positive finite double's shortest decimal: at most 17 digits, which fit `Int`.
    private static func parts(_ value: Double) -> (mantissa: Int, exponent: Int) {
        let halves = value.description.split(separator: "e")
        let digits = halves[0].split(separator: ".")
        let fraction = digits.count > 1 && digits[1] != "0" ? digits[1] : ""
        let exponent = halves.count > 1 ? Int(halves[1])! : 0
        return (Int(digits[0] + fraction)!, exponent - fraction.utf8.count)
    }

    private static func power(_ exponent: Int) -> Int { (0..<exponent).reduce(1) { value, _ in value * 10 } }
    private static func zeros(_ count: Int) -> String { String(repeating: "0", count: count) }
}
