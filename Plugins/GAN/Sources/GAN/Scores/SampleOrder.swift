/// The numbers 0 ..< `count` in an order that spreads every stretch of it over all of them: i · step modulo `count`, the step
/// without a common divisor and close to the golden ratio's share.
///
/// Data in files are often sorted by class; a stretch of this order has all classes.
struct SampleOrder {
    private let count, step: Int

    init(_ count: Int) {
        self.count = count
        func divisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : divisor(b, a % b) }
        var step = max(1, Int(Double(count) * 0.618_033_988_749_895))
        while divisor(count, step) > 1 { step += 1 }
        self.step = step
    }

    subscript(_ index: Int) -> Int { index * step % count }
}
