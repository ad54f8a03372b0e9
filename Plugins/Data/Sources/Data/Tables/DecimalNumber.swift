/// Numbers in text: [+-] digits [. digits] [e [+-] digits], independent of the locale.
enum DecimalNumber {
    /// The nearest float32, or nil when the text is no such number or beyond float32: so never NaN or infinity.
    ///
    /// Fast for what tables hold: up to 15 digits and small exponents are exact in double precision, as in
    /// W. D. Clinger, "How to Read Floating Point Numbers Accurately", 1990. The rest goes through the standard
    /// library.
    static func parse(_ text: UnsafeBufferPointer<UInt8>) -> Float? {
        var scanner = Scanner(text: text)
        guard scanner.scan() else { return nil }
        return scanner.fastValue ?? slow(text)
    }

    private static func slow(_ text: UnsafeBufferPointer<UInt8>) -> Float? {
        guard let value = Float(String(decoding: text, as: UTF8.self)), value.isFinite else { return nil }
        return value
    }

    private static let powers: [Double] = (0...22).map { power in (0..<power).reduce(1) { value, _ in value * 10 } }

    /// Takes the text apart: ± mantissa · 10^scale.
    private struct Scanner {
        let text: UnsafeBufferPointer<UInt8>
        var position = 0
        var isNegative = false
        var mantissa: Int64 = 0
        /// Significant digits so far; the mantissa has the first 18.
        var digits = 0
        var scale = 0

        init(text: UnsafeBufferPointer<UInt8>) { self.text = text }

        /// Whether the whole text is a number.
        mutating func scan() -> Bool {
            isNegative = text.first == UInt8(ascii: "-")
            if isNegative || text.first == UInt8(ascii: "+") { position = 1 }
            let whole = takeDigits(scaleStep: 0)
            var fraction = 0
            if accept(UInt8(ascii: ".")) { fraction = takeDigits(scaleStep: 1) }
            guard whole + fraction > 0 else { return false }
            if accept(UInt8(ascii: "e")) || accept(UInt8(ascii: "E")) {
                guard takeExponent() else { return false }
            }
            return position == text.count
        }

        private mutating func accept(_ byte: UInt8) -> Bool {
            guard position < text.count, text[position] == byte else { return false }
            position += 1
            return true
        }

        private mutating func digit() -> Int64? {
            guard position < text.count, text[position] >= 0x30, text[position] <= 0x39 else { return nil }
            position += 1
            return Int64(text[position - 1] - 0x30)
        }

        /// Returns how many digits there were.
        private mutating func takeDigits(scaleStep: Int) -> Int {
            let start = position
            while let value = digit() {
                if digits > 0 || value > 0 { digits += 1 }
                if digits <= 18 { mantissa = mantissa * 10 + value }
                scale -= scaleStep
            }
            return position - start
        }

        private mutating func takeExponent() -> Bool {
            let isSmall = accept(UInt8(ascii: "-"))
            if !isSmall { _ = accept(UInt8(ascii: "+")) }
            let start = position
            var exponent = 0
            while let value = digit() { exponent = min(exponent * 10 + Int(value), 100_000) }
            scale += isSmall ? -exponent : exponent
            return position > start
        }

        /// The value where one correctly rounded operation on two exact doubles gives it.
        var fastValue: Float? {
            guard digits <= 15, scale >= -22, scale <= 22 else { return nil }
            let exact = scale < 0 ? Double(mantissa) / powers[-scale] : Double(mantissa) * powers[scale]
            let isOrdinary = exact == 0 || (exact >= Double(Float.leastNormalMagnitude) && exact < 3e38)
            // Half-way between two floats, the second rounding could go wrong.
            let isHalfWay = exact.bitPattern & 0x1FFF_FFFF == 0x1000_0000
            guard isOrdinary, !isHalfWay else { return nil }
            return Float(isNegative ? -exact : exact)
        }
    }
}
