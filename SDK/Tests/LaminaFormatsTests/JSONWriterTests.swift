import LaminaFormats
import Testing

@Suite("JSON: writing")
struct JSONWriterTests {
    static let sample: JSON = [
        "name": "résumé \"x\"\\\n\u{1}", "shape": [1, 28, 28], "nested": [["a": 1.0], [], [:]], "empty": [:],
        "none": [], "flag": true, "nothing": nil,
    ]

    @Test("compact text")
    func compact() {
        #expect(
            Self.sample.text()
                == #"{"name":"résumé \"x\"\\\n\u0001","shape":[1,28,28],"nested":[{"a":1.0},[],{}],"empty":{},"none":[],"#
                + #""flag":true,"nothing":null}"#)
    }

    @Test("pretty text")
    func pretty() {
        #expect(
            Self.sample.text(.pretty) == #"""
                {
                  "name": "résumé \"x\"\\\n\u0001",
                  "shape": [1, 28, 28],
                  "nested": [
                    {
                      "a": 1.0
                    },
                    [],
                    {}
                  ],
                  "empty": {},
                  "none": [],
                  "flag": true,
                  "nothing": null
                }

                """#)
    }

    @Test("both texts read back as the value")
    func roundTrip() throws {
        #expect(try JSON.parse(Self.sample.bytes()) == Self.sample)
        #expect(try JSON.parse(Self.sample.bytes(.pretty)) == Self.sample)
    }

    @Test("doubles: shortest, exact, and apart from integers")
    func doubles() throws {
        for (value, text) in [
            (0.1, "0.1"), (1.0, "1.0"), (-0.0, "-0.0"), (1e16, "1e+16"), (1e-7, "1e-07"),
            (.leastNonzeroMagnitude, "5e-324"),
            (.greatestFiniteMagnitude, "1.7976931348623157e+308"), (2.0 / 3, "0.6666666666666666"),
        ] as [(Double, String)] {
            #expect(JSON.number(value).text() == text)
        }
        var generator = SeededGenerator(seed: 7)
        for _ in 0..<20_000 {
            let value = Double(bitPattern: generator.next())
            guard value.isFinite else { continue }
            #expect(try JSON.parse(JSON.number(value).bytes()) == .number(value))
        }
    }

    @Test("infinity and NaN become null, since JSON cannot say them")
    func nonFinite() {
        #expect(JSON.array([.number(.infinity), .number(-.infinity), .number(.nan)]).text() == "[null,null,null]")
    }

    @Test("random values survive both forms", arguments: 0..<40 as Range<UInt64>)
    func randomValues(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let value = randomValue(depth: 5, &generator)
        #expect(try JSON.parse(value.bytes()) == value, "seed \(seed)")
        #expect(try JSON.parse(value.bytes(.pretty)) == value, "seed \(seed)")
    }

    private func randomValue(depth: Int, _ generator: inout SeededGenerator) -> JSON {
        switch UInt64.random(in: 0..<(depth > 0 ? 8 : 6), using: &generator) {
        case 0: return .null
        case 1: return .bool(.random(using: &generator))
        case 2: return .integer(Int64(bitPattern: generator.next()))
        case 3: return .number(Double.random(in: -1e6...1e6, using: &generator))
        case 4, 5: return .string(randomText(&generator))
        case 6:
            return .array(
                (0..<Int.random(in: 0..<6, using: &generator)).map { _ in randomValue(depth: depth - 1, &generator) })
        default:
            var object = JSONObject()
            for _ in 0..<Int.random(in: 0..<14, using: &generator) {
                object.append(randomText(&generator), randomValue(depth: depth - 1, &generator))
            }
            return .object(object)
        }
    }

    private func randomText(_ generator: inout SeededGenerator) -> String {
        var text = ""
        for _ in 0..<Int.random(in: 0..<12, using: &generator) {
            let limits: [UInt32] = [0x80, 0x800, 0x10000, 0x110000]
            let code = UInt32.random(in: 0..<limits.randomElement(using: &generator)!, using: &generator)
            if let scalar = UnicodeScalar(code) { text.unicodeScalars.append(scalar) }
        }
        return text
    }
}

/// SplitMix64: the same numbers for the same seed, everywhere.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
