import Glibc
import LaminaSDK

/// Copies elements from one tensor to another with strides of its own: slices, concatenations, permutations.
struct StridedCopy {
    /// Lane 0 is the destination, lane 1 the source.
    private let nest: LoopNest
    /// Whether the last two positions transpose a matrix: the source is contiguous along one, the destination along the
    /// other, and only small tiles use whole cache lines of both.
    private let transposes: Bool

    private static let tile = 16

    /// Sizes and strides by position; the destination's memory order reads best.
    init(sizes: [Int], destination: [Int], source: [Int]) {
        let strides = zip(destination, source).map { SIMD4($0, $1, 0, 0) }
        let plain = LoopNest(sizes: sizes, strides: strides, unitRuns: false)
        let last = plain.sizes.count - 1
        let contiguous = (0..<last).last { plain.strides[$0][1] == 1 }
        if plain.runStrides[0] == 1 && plain.runStrides[1] > 1, let contiguous {
            nest = plain.moving(contiguous, to: last - 1)
            transposes = true
        } else {
            nest = plain
            transposes = false
        }
    }

    /// destination = source, for elements of `size` bytes.
    func copy(_ destination: UnsafeMutableRawPointer, _ source: UnsafeRawPointer, size: Int, host: Host) {
        switch size {
        case 1: run(Assign<UInt8>.self, destination, source, host)
        case 2: run(Assign<UInt16>.self, destination, source, host)
        case 4: run(Assign<UInt32>.self, destination, source, host)
        default: run(Assign<UInt64>.self, destination, source, host)
        }
    }

    /// destination = source, or destination += source.
    func gradient(
        _ destination: UnsafeMutablePointer<Float>, _ source: UnsafePointer<Float>, accumulate: Bool, host: Host
    ) {
        if accumulate {
            run(Accumulate.self, destination, source, host)
        } else {
            run(Assign<UInt32>.self, destination, source, host)
        }
    }

    private func run<S: Store>(
        _ store: S.Type, _ destination: UnsafeMutableRawPointer, _ source: UnsafeRawPointer, _ host: Host
    ) {
        if nest.count == 0 { return }
        let to = destination.assumingMemoryBound(to: S.Element.self)
        let from = source.assumingMemoryBound(to: S.Element.self)
        if transposes { return transpose(S.self, to, from, host) }
        let strides = nest.runStrides
        nest.forEachRun(host) { offsets, count in
            let (to, from) = (to + offsets[0], from + offsets[1])
            if strides[0] == 1 && strides[1] == 1 { return S.contiguous(to, from, count) }
            var i = 0
            while i < count {
                S.store(to + i &* strides[0], from[i &* strides[1]])
                i &+= 1
            }
        }
    }

    private func transpose<S: Store>(
        _ store: S.Type, _ to: UnsafeMutablePointer<S.Element>, _ from: UnsafePointer<S.Element>, _ host: Host
    ) {
        let last = nest.sizes.count - 1
        let (rows, columns) = (nest.sizes[last - 1], nest.sizes[last])
        let (rowStrides, columnStrides) = (nest.strides[last - 1], nest.strides[last])
        let bands = (rows + Self.tile - 1) / Self.tile
        let matrices = nest.sizes.dropLast(2).reduce(1, *)
        host.parallelFor(matrices * bands, grain: max(1, elementGrain / (columns * Self.tile))) { begin, end in
            var band = begin
            while band < end {
                let matrix = band / bands
                let first = (band &- matrix &* bands) &* Self.tile
                let count = min(rows &- first, Self.tile)
                nest.forEach(positions: last - 1, matrix, matrix &+ 1) { offsets in
                    let base = offsets &+ rowStrides &* first
                    var column = 0
                    while column < columns {
                        let corner = base &+ columnStrides &* column
                        transposeTile(
                            S.self, to + corner[0], from + corner[1], count, min(columns &- column, Self.tile),
                            rowStrides, columnStrides)
                        column &+= Self.tile
                    }
                }
                band &+= 1
            }
        }
    }

    @inline(__always)
    private func transposeTile<S: Store>(
        _ store: S.Type, _ to: UnsafeMutablePointer<S.Element>, _ from: UnsafePointer<S.Element>, _ rows: Int,
        _ columns: Int, _ rowStrides: SIMD4<Int>, _ columnStrides: SIMD4<Int>
    ) {
        if rows == Self.tile && columns == Self.tile && MemoryLayout<S.Element>.size == 4 {
            return transposeSquare(S.self, to, from, rowStrides[0], columnStrides[1])
        }
        var row = 0
        while row < rows {
            var (at, origin) = (to + row &* rowStrides[0], from + row &* rowStrides[1])
            var column = 0
            while column < columns {
                S.store(at, origin[0])
                at += columnStrides[0]
                origin += columnStrides[1]
                column &+= 1
            }
            row &+= 1
        }
    }
}

extension StridedCopy {
    /// A tile of 16 × 16: every cache line is touched once and whole, whatever the strides; the transposition happens
    /// in a block on the stack.
    @inline(__always)
    private func transposeSquare<S: Store>(
        _ store: S.Type, _ to: UnsafeMutablePointer<S.Element>, _ from: UnsafePointer<S.Element>, _ rowStride: Int,
        _ columnStride: Int
    ) {
        withUnsafeTemporaryAllocation(of: S.Element.self, capacity: Self.tile * Self.tile) { buffer in
            let block = buffer.baseAddress!
            for column in 0..<Self.tile {
                UnsafeMutableRawPointer(block + column &* Self.tile).storeBytes(
                    of: UnsafeRawPointer(from + column &* columnStride).loadUnaligned(as: SIMD16<S.Element>.self),
                    as: SIMD16<S.Element>.self)
            }
            for row in 0..<Self.tile {
                let c = block + row
                S.store(
                    to + row &* rowStride,
                    SIMD16<S.Element>(
                        c[0], c[16], c[32], c[48], c[64], c[80], c[96], c[112], c[128], c[144], c[160], c[176], c[192],
                        c[208], c[224], c[240]))
            }
        }
    }
}

/// What happens to each element. A type rather than a closure, so that it is always inlined.
private protocol Store {
    associatedtype Element: SIMDScalar
    static func store(_ to: UnsafeMutablePointer<Element>, _ from: SIMD16<Element>)
    static func store(_ to: UnsafeMutablePointer<Element>, _ from: Element)
    static func contiguous(_ to: UnsafeMutablePointer<Element>, _ from: UnsafePointer<Element>, _ count: Int)
}

private enum Assign<Element: SIMDScalar>: Store {
    @inline(__always) static func store(_ to: UnsafeMutablePointer<Element>, _ from: SIMD16<Element>) {
        UnsafeMutableRawPointer(to).storeBytes(of: from, as: SIMD16<Element>.self)
    }
    @inline(__always) static func store(_ to: UnsafeMutablePointer<Element>, _ from: Element) { to.pointee = from }
    static func contiguous(_ to: UnsafeMutablePointer<Element>, _ from: UnsafePointer<Element>, _ count: Int) {
        memcpy(to, from, count &* MemoryLayout<Element>.stride)
    }
}

private enum Accumulate: Store {
    @inline(__always) static func store(_ to: UnsafeMutablePointer<Float>, _ from: SIMD16<Float>) {
        to.store(to.vector(0) + from, 0)
    }
    @inline(__always) static func store(_ to: UnsafeMutablePointer<Float>, _ from: Float) { to.pointee += from }
    static func contiguous(_ to: UnsafeMutablePointer<Float>, _ from: UnsafePointer<Float>, _ count: Int) {
        forEachVector(count) { i, remaining in to.store(from.vector(i, remaining), i, remaining, accumulate: true) }
    }
}

/// Zeroes a gradient of which only a part will be written.
func zero(_ x: UnsafeMutablePointer<Float>, _ count: Int, _ host: Host) {
    host.parallelFor(count, grain: 4 * elementGrain) { begin, end in memset(x + begin, 0, (end &- begin) &* 4) }
}
