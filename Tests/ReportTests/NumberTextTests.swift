import Testing

@testable import LaminaReport

@Suite("Report: numbers as text")
struct NumberTextTests {
    @Test(
        "decimals",
        arguments: [
            (125, -2, "1.25"), (5, -1, "0.5"), (-5, -3, "−0.005"), (0, -2, "0.00"), (0, 3, "0"), (12, 2, "1,200"),
            (1, 6, "1,000,000"), (1_400_000, 0, "1,400,000"), (15, 6, "1.5e7"), (20, 6, "2.0e7"), (2, -7, "2e−7"),
            (1, -5, "0.00001"), (-1234, 10, "−1.234e13"), (1_234_567, -3, "1,234.567"),
        ])
    func decimal(mantissa: Int, exponent: Int, text: String) {
        #expect(NumberText.decimal(mantissa, exponent) == text)
    }

    @Test(
        "measures have four significant digits",
        arguments: [
            (0.44, "0.4400"), (0.91324999, "0.9132"), (0.99995, "1.000"), (1, "1.000"), (12.345678, "12.35"),
            (999.96, "1,000"), (1234.5, "1,235"), (1_234_567, "1,234,567"), (-0.5, "−0.5000"), (1e-9, "1.000e−9"),
            (3e20, "3.000e20"), (-1.76e-12, "−1.760e−12"), (0, "0"), (-0.0, "0"), (.nan, "NaN"), (-.infinity, "−∞"),
            (.greatestFiniteMagnitude, "1.798e308"), (.leastNonzeroMagnitude, "5.000e−324"),
            (0.000_123_456_789, "0.0001235"),
        ])
    func measure(value: Double, text: String) { #expect(NumberText.measure(value) == text) }

    @Test(
        "percentages never round to all or nothing",
        arguments: [
            (0.9132, 2, "91.32%"), (1, 2, "100.00%"), (0.999999, 2, "99.99%"), (0, 1, "0.0%"), (0.0001, 1, "<0.1%"),
            (0.001, 1, "0.1%"), (0.5, 0, "50%"),
        ])
    func percent(share: Double, places: Int, text: String) {
        #expect(NumberText.percent(share, places: places) == text)
    }

    @Test(
        "durations",
        arguments: [
            (0, "0.0 s"), (12.34, "12.3 s"), (59.94, "59.9 s"), (59.96, "1 min 00 s"), (185, "3 min 05 s"),
            (3599.6, "1 h 00 min"), (3725, "1 h 02 min"), (4e6, "1,111 h 06 min"), (-1, "?"), (.nan, "?"),
        ])
    func duration(seconds: Double, text: String) { #expect(NumberText.duration(seconds) == text) }

    @Test(
        "coordinates have at most two decimals",
        arguments: [
            (3, "3"), (3.14159, "3.14"), (-0.5, "-0.5"), (2.05, "2.05"), (-0.001, "0"), (99.999, "100"), (.nan, "0"),
            (1e300, "0"),
        ])
    func coordinate(value: Double, text: String) { #expect(NumberText.coordinate(value) == text) }

    @Test("counts, whole and weighted")
    func count() {
        #expect(NumberText.count(10_000) == "10,000")
        #expect(NumberText.count(0) == "0")
        #expect(NumberText.count(2.5) == "2.500")
    }
}
