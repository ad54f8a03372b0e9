import LaminaSDK

/// How a loss combines its terms into one number.
enum Reduction: String {
    case mean, sum

    static let schema = AttributeSchema.string(
        "reduction", default: "mean", choices: ["mean", "sum"], "How the terms of the batch combine.")

    init(_ attributes: Attributes) {
        self = Reduction(rawValue: attributes.string("reduction"))!
    }
}

/// The sum of `count` floats as a double, in eight interleaved partial sums: the order is fixed, and the loop is fast.
func laneSum(_ values: UnsafePointer<Float>, _ count: Int) -> Double {
    var lanes = SIMD8<Double>()
    var i = 0
    while i &+ 8 <= count {
        let v = UnsafeRawPointer(values + i).loadUnaligned(as: SIMD8<Float>.self)
        lanes +=
            SIMD8<Double>(
                Double(v[0]), Double(v[1]), Double(v[2]), Double(v[3]), Double(v[4]), Double(v[5]), Double(v[6]),
                Double(v[7]))
        i &+= 8
    }
    var sum = lanes.sum()
    while i < count {
        sum += Double(values[i])
        i &+= 1
    }
    return sum
}

/// Largest of `count` floats `stride` apart; -infinity when there is none. NaN is passed over.
func laneMaximum(_ values: UnsafePointer<Float>, _ count: Int, stride: Int) -> Float {
    var maximum = -Float.infinity
    var i = 0
    if stride == 1, count >= 16 {
        var lanes = SIMD16<Float>(repeating: -.infinity)
        while i &+ 16 <= count {
            let v = UnsafeRawPointer(values + i).loadUnaligned(as: SIMD16<Float>.self)
            lanes.replace(with: v, where: v .> lanes)
            i &+= 16
        }
        for lane in 0..<16 where lanes[lane] > maximum { maximum = lanes[lane] }
    }
    while i < count {
        let v = values[i &* stride]
        if v > maximum { maximum = v }
        i &+= 1
    }
    return maximum
}
