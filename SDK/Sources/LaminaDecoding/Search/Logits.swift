import Glibc
import LaminaSDK

extension PluginError {
    /// All that may follow has the probability 0, as what is never chosen has.
    static let nothingFollows = PluginError.data(
        "the model gives no probability to any token that may follow: it cannot go on")
}

/// Throws `.data` unless logits are numbers from which probabilities follow: -inf is one, NaN and inf are none.
public func checkLogits(_ logits: UnsafePointer<Float>, _ count: Int) throws {
    let row = UnsafeBufferPointer(start: logits, count: count)
    guard row.allSatisfy({ $0 < .infinity }), row.contains(where: { $0.isFinite }) else {
        throw PluginError.data(
            "the model gives logits that are no numbers (NaN or infinity): its training has diverged, or its weights "
                + "are damaged")
    }
}

/// log softmax of a row of logits, in double precision.
public func logProbabilities(_ logits: UnsafePointer<Float>, _ count: Int, into out: inout [Double]) {
    var largest = -Double.infinity
    for index in 0..<count { largest = max(largest, Double(logits[index])) }
    var sum = 0.0
    for index in 0..<count { sum += exp(Double(logits[index]) - largest) }
    let shift = largest + log(sum)
    for index in 0..<count { out[index] = Double(logits[index]) - shift }
}
