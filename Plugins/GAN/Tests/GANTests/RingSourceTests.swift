import Foundation
import GAN
import LaminaFormats
import LaminaTesting
import Testing

/// Every sample follows from seed and index alone, and the modes are where they should be.
@Suite struct RingSourceTests {
    private func open(_ attributes: JSONObject = [:], threads: Int = 1) throws -> SourceHarness {
        let host = TestHost()
        host.threads = threads
        return try SourceHarness(.source(RingSource.self), attributes, host: host)
    }

    @Test func fields() throws {
        let ring = try open(["count": 12, "modes": 3])
        #expect(ring.description.count == 12)
        #expect(ring.description.fields == [.init("point", .float32, [2]), .init("label", .int64, [])])
        #expect(ring.description.classes == ["0", "1", "2"])
        #expect(try open(["modes": 1001]).description.classes == [])
    }

    @Test func aSampleDependsOnSeedAndIndexAlone() throws {
        let all = try open(threads: 3).read(Array(0..<3000))
        let some = try open().read([2999, 7, 7])
        for (row, index) in [2999, 7, 7].enumerated() {
            #expect(some[0].floats[2 * row..<2 * row + 2] == all[0].floats[2 * index..<2 * index + 2])
            #expect(some[1].doubles[row] == all[1].doubles[index])
        }
        #expect(try open(["seed": 1]).read([7])[0].floats != open().read([7])[0].floats)
        #expect(try open().read([])[0].floats == [])
    }

    @Test func modesAreNormalDistributionsOnTheCircle() throws {
        let samples = try open(["deviation": 0.25]).read(Array(0..<8000))
        let (points, labels) = (samples[0].floats, samples[1].elements(as: Int64.self))
        for mode in 0..<8 {
            let rows = labels.indices.filter { labels[$0] == Int64(mode) }
            #expect(abs(rows.count - 1000) < 150)
            let angle = Double(mode) * .pi / 4
            for (axis, mean) in [2 * cos(angle), 2 * sin(angle)].enumerated() {
                let offsets = rows.map { Double(points[2 * $0 + axis]) - mean }
                let count = Double(rows.count)
                #expect(abs(offsets.reduce(0, +) / count) < 4 * 0.25 / count.squareRoot())
                let deviation = (offsets.reduce(0) { $0 + $1 * $1 } / count).squareRoot()
                #expect(abs(deviation - 0.25) < 0.025)
            }
        }
    }

    @Test func withoutDeviationPointsAreTheMeans() throws {
        let samples = try open(["deviation": 0, "modes": 1, "radius": 3]).read([0, 1])
        #expect(samples[0].floats == [3, 0, 3, 0])
        #expect(samples[1].elements(as: Int64.self) == [0, 0])
    }

    @Test(arguments: [["modes": 0], ["radius": -1], ["deviation": -0.5], ["count": 0]] as [JSONObject])
    func refusals(_ attributes: JSONObject) {
        #expect(throws: (any Error).self) { try open(attributes) }
    }
}
