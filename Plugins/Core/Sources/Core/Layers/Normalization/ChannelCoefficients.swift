/// What the loops of a `ChannelGrid` multiply and add: values per channel, or per instance and channel.
struct ChannelCoefficients {
    typealias Values = UnsafeMutablePointer<Float>

    private let center: Values
    private let a: Values
    private let b: Values
    private let c: Values
    private let channels: Int
    private let copies: Int
    /// From one instance to the next; 0 when all share the values.
    private let stride: Int

    /// The memory that they take.
    static func floats(_ grid: ChannelGrid, perInstance: Bool) -> Int {
        4 * (perInstance ? grid.instances : 1) * grid.channels * grid.fold
    }

    init(_ grid: ChannelGrid, perInstance: Bool, at memory: Values) {
        let size = Self.floats(grid, perInstance: perInstance) / 4
        (center, a, b, c) = (memory, memory + size, memory + 2 * size, memory + 3 * size)
        (channels, copies) = (grid.channels, grid.fold)
        stride = perInstance ? grid.channels * grid.fold : 0
    }

    /// Those of one instance: once per channel, and again for each folded position.
    @inline(__always)
    func at(_ instance: Int) -> (center: Values, a: Values, b: Values, c: Values) {
        let offset = instance &* stride
        return (center + offset, a + offset, b + offset, c + offset)
    }

    func setCenter(_ value: Float, _ channel: Int, instance: Int = 0) {
        for copy in 0..<copies { center[instance &* stride &+ copy &* channels &+ channel] = value }
    }

    func set(a: Double, b: Double, c: Double = 0, _ channel: Int, instance: Int = 0) {
        for copy in 0..<copies {
            let at = instance &* stride &+ copy &* channels &+ channel
            (self.a[at], self.b[at], self.c[at]) = (Float(a), Float(b), Float(c))
        }
    }
}
