import Glibc
import LaminaSDK

/// How values along a reduced axis become one.
protocol Combiner {
    static var identity: Float { get }
    static func combine(_ a: Vector, _ b: Vector) -> Vector
}

enum SumCombiner: Combiner {
    static var identity: Float { 0 }
    @inline(__always) static func combine(_ a: Vector, _ b: Vector) -> Vector { a + b }
}

/// NaN wins over every number, as in PyTorch.
enum MaximumCombiner: Combiner {
    static var identity: Float { -.infinity }
    @inline(__always) static func combine(_ a: Vector, _ b: Vector) -> Vector {
        a.replacing(with: b, where: (b .> a) .| (b .!= b))
    }
}

enum MinimumCombiner: Combiner {
    static var identity: Float { .infinity }
    @inline(__always) static func combine(_ a: Vector, _ b: Vector) -> Vector {
        a.replacing(with: b, where: (b .< a) .| (b .!= b))
    }
}

/// What is reduced: a value per element, computed from up to three tensors.
protocol ReductionTerm {
    associatedtype Combine: Combiner
    /// 16 values of a run, whose tensors begin at `offsets` and step by `strides` (0 or 1).
    func vector(_ offsets: SIMD4<Int>, _ strides: SIMD4<Int>, _ index: Int, _ remaining: Int) -> Vector
}

/// Reduces a tensor along some of its axes, with the same bits on any number of threads.
///
/// Tensor 0 of the loops is the output, with stride 0 along the reduced axes. The work is cut along an axis that the
/// output has, or, when none is long enough, along the outermost one into partial results that are combined in order.
/// Which way depends on the shape alone.
struct AxisReduction {
    private enum Cut {
        case none
        /// Along the outermost position, whose chunks have outputs of their own.
        case outputs(grain: Int)
        /// Along the run, likewise.
        case run(grain: Int)
        /// Along the outermost position, into partial results.
        case partials(grain: Int)
    }

    private let nest: LoopNest
    private let outputCount: Int
    private let cut: Cut

    /// Rows or vectors whose total is kept in a register before it joins the output, which bounds rounding errors.
    private static let block = 64

    /// `strides` has the output in lane 0.
    init(sizes: [Int], strides: [SIMD4<Int>], outputCount: Int) {
        self.outputCount = outputCount
        let plain = LoopNest(sizes: sizes, strides: strides)
        let last = plain.sizes.count - 1
        let total = plain.count
        func keeps(_ position: Int) -> Bool { plain.strides[position][0] != 0 }
        func grain(_ position: Int) -> Int { max(1, elementGrain * plain.sizes[position] / max(total, 1)) }

        if total <= 2 * elementGrain {
            (nest, cut) = (plain, .none)
        } else if let position = (0..<last).first(where: { keeps($0) && plain.sizes[$0] >= 4 }) {
            nest = plain.moving(position, to: 0)
            cut = .outputs(grain: grain(position))
        } else if keeps(last) && plain.run >= 256 {
            nest = plain
            cut = .run(grain: max(64, (plain.run / 16 + 63) / 64 * 64))
        } else {
            nest = plain
            // The longest chunks that still feed many threads: partial results cost memory and a second pass.
            let size = plain.sizes[0]
            cut = .partials(grain: max(grain(0), (size + 31) / 32))
        }
    }

    private var chunks: Int {
        guard case .partials(let grain) = cut else { return 0 }
        return (nest.sizes[0] + grain - 1) / grain
    }

    var workspaceBytes: Int { chunks * outputCount * 4 }

    /// out = reduced terms, or out += reduced terms for sums. `workspace` has `workspaceBytes`.
    func compute<Term: ReductionTerm>(
        _ term: Term, into out: UnsafeMutablePointer<Float>, accumulate: Bool = false,
        workspace: UnsafeMutableRawPointer?, host: Host
    ) {
        if outputCount == 0 { return }
        if !accumulate { fill(out, outputCount, Term.Combine.identity) }
        if nest.count == 0 { return }
        let last = nest.sizes.count - 1
        switch cut {
        case .none:
            reduce(term, out, outer: 0..<(last == 0 ? 1 : nest.sizes[0]), run: 0..<nest.run)
        case .outputs(let grain):
            host.parallelFor(nest.sizes[0], grain: grain) { begin, end in
                reduce(term, out, outer: begin..<end, run: 0..<nest.run)
            }
        case .run(let grain):
            host.parallelFor(nest.run, grain: grain) { begin, end in
                reduce(term, out, outer: 0..<(last == 0 ? 1 : nest.sizes[0]), run: begin..<end)
            }
        case .partials(let grain):
            let partials = workspace!.assumingMemoryBound(to: Float.self)
            host.parallelFor(nest.sizes[0], grain: grain) { begin, end in
                let partial = partials + begin / grain &* outputCount
                fill(partial, outputCount, Term.Combine.identity)
                if last == 0 {
                    reduce(term, partial, outer: 0..<1, run: begin..<end)
                } else {
                    reduce(term, partial, outer: begin..<end, run: 0..<nest.run)
                }
            }
            for chunk in 0..<chunks {
                let partial = partials + chunk &* outputCount
                forEachVector(outputCount) { i, remaining in
                    out.store(
                        Term.Combine.combine(out.vector(i, remaining), partial.vector(i, remaining)), i, remaining)
                }
            }
        }
    }

    /// Reduces the part `outer` of the outermost position and `run` of the innermost; the outermost counts only when
    /// the two differ.
    private func reduce<Term: ReductionTerm>(
        _ term: Term, _ out: UnsafeMutablePointer<Float>, outer: Range<Int>, run: Range<Int>
    ) {
        let last = nest.sizes.count - 1
        let start = nest.runStrides &* run.lowerBound
        // The position next to the run makes a tile with it, so that columns can be summed in registers.
        switch last {
        case 0: tile(term, out, start, rows: 1, rowStrides: SIMD4(repeating: 0), run.count)
        case 1:
            let strides = nest.strides[0]
            tile(term, out, start &+ strides &* outer.lowerBound, rows: outer.count, rowStrides: strides, run.count)
        default:
            let middle = nest.sizes[1..<(last - 1)].reduce(1, *)
            nest.forEach(positions: last - 1, outer.lowerBound &* middle, outer.upperBound &* middle) { offsets in
                tile(
                    term, out, start &+ offsets, rows: nest.sizes[last - 1], rowStrides: nest.strides[last - 1],
                    run.count)
            }
        }
    }

    private func tile<Term: ReductionTerm>(
        _ term: Term, _ out: UnsafeMutablePointer<Float>, _ offsets: SIMD4<Int>, rows: Int, rowStrides: SIMD4<Int>,
        _ run: Int
    ) {
        let strides = nest.runStrides
        if strides[0] == 0 {
            var at = offsets
            for _ in 0..<rows {
                var first = 0
                while first < run {
                    let length = min(run &- first, Self.block &* lanes)
                    var total = Vector(repeating: Term.Combine.identity)
                    forEachVector(length) { i, remaining in
                        let value = term.vector(at, strides, first &+ i, remaining)
                        total = Term.Combine.combine(total, masked(value, remaining, Term.Combine.identity))
                    }
                    out[at[0]] =
                        Term.Combine.combine(
                            Vector(repeating: out[at[0]]), Vector(repeating: across(Term.Combine.self, total)))[0]
                    first &+= length
                }
                at &+= rowStrides
            }
            return
        }
        var first = 0
        while first < rows {
            // Rows that go to the same outputs, or a single one.
            let last = rowStrides[0] == 0 ? min(rows, first &+ Self.block) : first &+ 1
            let base = offsets &+ rowStrides &* first
            let target = out + base[0]
            forEachVector(run) { i, remaining in
                var total = Vector(repeating: Term.Combine.identity)
                var at = base
                var row = first
                while row < last {
                    total = Term.Combine.combine(total, term.vector(at, strides, i, remaining))
                    at &+= rowStrides
                    row &+= 1
                }
                target.store(Term.Combine.combine(target.vector(i, remaining), total), i, remaining)
            }
            first = last
        }
    }
}

/// The 16 lanes as one value, pairwise.
@inline(__always)
private func across<C: Combiner>(_ combiner: C.Type, _ v: Vector) -> Float {
    func half(_ w: SIMD8<Float>) -> Vector { Vector(lowHalf: w, highHalf: w) }
    let eight = C.combine(half(v.lowHalf), half(v.highHalf)).lowHalf
    let four = C.combine(
        half(SIMD8(lowHalf: eight.lowHalf, highHalf: eight.lowHalf)),
        half(SIMD8(lowHalf: eight.highHalf, highHalf: eight.highHalf))
    ).lowHalf.lowHalf
    let (a, b) = (Vector(repeating: four[0]), Vector(repeating: four[1]))
    let (c, d) = (Vector(repeating: four[2]), Vector(repeating: four[3]))
    return C.combine(C.combine(a, c), C.combine(b, d))[0]
}
