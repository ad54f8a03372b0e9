/// Sixteen floats: the widest register that we meet. On a processor with narrower ones a value takes several.
///
/// Kernels name their vectors instead of leaving loops to the compiler: it would have to check whether the arrays
/// overlap, and fall back to one element at a time for work in place, which is the common case here.
typealias Vector = SIMD16<Float>

let lanes = 16

/// Elements of one chunk of an elementwise kernel: large enough to hide the cost of waking a thread.
let elementGrain = 16384

/// Calls `body(i, n - i)` for i = 0, 16, 32, … below `n`: loads and stores that are given `n - i` leave what lies
/// beyond the end alone. The last vector runs through the same code as the others, so that an element's result never depends
/// on where it stands. One call site, because the compiler then always inlines the closure.
@inline(__always)
func forEachVector(_ n: Int, _ body: (_ index: Int, _ remaining: Int) -> Void) {
    var i = 0
    while i < n {
        body(i, n &- i)
        i &+= lanes
    }
}

/// Copies fewer than 16 floats. A call of memcpy would cost more than the work around it, as all vectors in registers
/// have to be put aside.
@inline(__always)
private func copyFew(_ to: UnsafeMutableRawPointer, _ from: UnsafeRawPointer, _ count: Int) {
    var (to, from) = (to, from)
    if count & 8 != 0 {
        to.storeBytes(of: from.loadUnaligned(as: SIMD8<Float>.self), as: SIMD8<Float>.self)
        (to, from) = (to + 32, from + 32)
    }
    if count & 4 != 0 {
        to.storeBytes(of: from.loadUnaligned(as: SIMD4<Float>.self), as: SIMD4<Float>.self)
        (to, from) = (to + 16, from + 16)
    }
    if count & 2 != 0 {
        to.storeBytes(of: from.loadUnaligned(as: SIMD2<Float>.self), as: SIMD2<Float>.self)
        (to, from) = (to + 8, from + 8)
    }
    if count & 1 != 0 { to.storeBytes(of: from.loadUnaligned(as: Float.self), as: Float.self) }
}

extension UnsafePointer<Float> {
    /// The elements from `index` on; zero in the lanes from `remaining` on.
    @inline(__always)
    func vector(_ index: Int, _ remaining: Int = lanes) -> Vector {
        if remaining >= lanes { return UnsafeRawPointer(self + index).loadUnaligned(as: Vector.self) }
        var vector = Vector()
        withUnsafeMutableBytes(of: &vector) {
            copyFew($0.baseAddress!, self + index, remaining)
        }
        return vector
    }
}

extension UnsafeMutablePointer<Float> {
    @inline(__always)
    func vector(_ index: Int, _ remaining: Int = lanes) -> Vector { UnsafePointer(self).vector(index, remaining) }

    /// Writes the first `remaining` lanes.
    @inline(__always)
    func store(_ vector: Vector, _ index: Int, _ remaining: Int = lanes) {
        if remaining >= lanes {
            UnsafeMutableRawPointer(self + index).storeBytes(of: vector, as: Vector.self)
        } else {
            withUnsafeBytes(of: vector) {
                copyFew(UnsafeMutableRawPointer(self + index), $0.baseAddress!, remaining)
            }
        }
    }

    /// Writes a gradient, or adds it to what is there.
    @inline(__always)
    func store(_ vector: Vector, _ index: Int, _ remaining: Int, accumulate: Bool) {
        store(accumulate ? self.vector(index, remaining) + vector : vector, index, remaining)
    }
}

/// `identity` in the lanes from `remaining` on.
@inline(__always)
func masked(_ value: Vector, _ remaining: Int, _ identity: Float) -> Vector {
    if remaining >= lanes { return value }
    let numbers = SIMD16<Int32>(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
    return value.replacing(with: identity, where: numbers .>= Int32(truncatingIfNeeded: remaining))
}

func fill(_ out: UnsafeMutablePointer<Float>, _ count: Int, _ value: Float) {
    forEachVector(count) { i, remaining in out.store(Vector(repeating: value), i, remaining) }
}
