import LaminaSDK

/// The greatest rank of a tensor.
let maximumRank = Inference.maximumRank

extension Inference {
    /// Fails for ranks outside of what the layer is for.
    func requireRank(_ index: Int, atLeast least: Int = 0, atMost most: Int = maximumRank) throws {
        let rank = input(index).rank
        guard rank < least || rank > most else { return }
        let wanted = rank < least ? "at least \(least)" : "at most \(most)"
        throw PluginError.shape(
            "input \(index) has shape \(host.text(shape(index))), wanted \(wanted) axes", input: index)
    }
}

/// Nested loops over up to four tensors at once, each with its own strides: 0 along an axis that a tensor lacks.
///
/// Axes that all tensors step through alike become one, so that what remains is mostly one long innermost loop, the
/// run.
struct LoopNest {
    /// The most axes that are looped over one by one, so that counters fit on the stack.
    private static let mostAxes = 16

    /// Outermost first; at least one.
    private(set) var sizes: [Int]
    /// Per position the stride of each tensor.
    private(set) var strides: [SIMD4<Int>]

    /// With `unitRuns`, every tensor's stride along the run is 0 or 1; if need be the run is a single element.
    init(sizes: [Int], strides: [SIMD4<Int>], unitRuns: Bool = true) {
        self.sizes = []
        self.strides = []
        for (size, stride) in zip(sizes, strides) where size != 1 {
            if let last = self.strides.last, last == stride &* size {
                self.sizes[self.sizes.count - 1] *= size
                self.strides[self.strides.count - 1] = stride
            } else {
                self.sizes.append(size)
                self.strides.append(stride)
            }
        }
        let innermost = self.strides.last ?? SIMD4(repeating: 2)
        if self.sizes.isEmpty || unitRuns && any(innermost .> 1) {
            self.sizes.append(1)
            self.strides.append(SIMD4(repeating: 0))
        }
        precondition(self.sizes.count <= Self.mostAxes)
    }

    var run: Int { sizes[sizes.count - 1] }
    var runStrides: SIMD4<Int> { strides[strides.count - 1] }
    var count: Int { sizes.reduce(1, *) }
    /// How many runs there are.
    var runs: Int { sizes.dropLast().reduce(1, *) }

    /// The same loops in another order: one position goes to another place.
    func moving(_ position: Int, to place: Int) -> LoopNest {
        var nest = self
        nest.sizes.insert(nest.sizes.remove(at: position), at: place)
        nest.strides.insert(nest.strides.remove(at: position), at: place)
        return nest
    }

    /// Calls `body` with each tensor's offset at the start of runs `begin ..< end`.
    @inline(__always)
    func forEachRun(_ begin: Int, _ end: Int, _ body: (_ offsets: SIMD4<Int>) -> Void) {
        forEach(positions: sizes.count - 1, begin, end, body)
    }

    /// Steps through the outer `positions` alone, from the linear index `begin` to `end`.
    @inline(__always)
    func forEach(positions: Int, _ begin: Int, _ end: Int, _ body: (_ offsets: SIMD4<Int>) -> Void) {
        withUnsafeTemporaryAllocation(of: Int.self, capacity: Self.mostAxes) { counters in
            var offsets = SIMD4<Int>(repeating: 0)
            var rest = begin
            var position = positions
            while position > 0 {
                position &-= 1
                counters[position] = rest % sizes[position]
                rest /= sizes[position]
                offsets &+= strides[position] &* counters[position]
            }
            var index = begin
            while index < end {
                body(offsets)
                index &+= 1
                position = positions
                while position > 0 {
                    position &-= 1
                    counters[position] &+= 1
                    offsets &+= strides[position]
                    if counters[position] < sizes[position] { break }
                    offsets &-= strides[position] &* sizes[position]
                    counters[position] = 0
                }
            }
        }
    }

    /// Calls `body` with offsets and length for all runs, in parallel; a lone run is cut up.
    func forEachRun(_ host: Host, _ body: (_ offsets: SIMD4<Int>, _ count: Int) -> Void) {
        let (runs, run, step) = (runs, run, runStrides)
        if runs == 1 {
            host.parallelFor(run, grain: elementGrain) { begin, end in body(step &* begin, end &- begin) }
        } else if run > 0 {
            host.parallelFor(runs, grain: max(1, elementGrain / run)) { begin, end in
                forEachRun(begin, end) { body($0, run) }
            }
        }
    }
}

extension UnsafePointer<Float> {
    /// The elements along a run of stride 0 or 1.
    @inline(__always)
    func vector(_ index: Int, _ remaining: Int, stride: Int) -> Vector {
        stride == 0 ? Vector(repeating: self[0]) : vector(index, remaining)
    }
}

extension UnsafeMutablePointer<Float> {
    @inline(__always)
    func vector(_ index: Int, _ remaining: Int, stride: Int) -> Vector {
        UnsafePointer(self).vector(index, remaining, stride: stride)
    }
}
