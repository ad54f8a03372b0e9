import Foundation
import LaminaSDK
import LaminaTesting
import Testing

@testable import GAN

/// What games are made of: losses and their slopes, noise, ways between points, pictures.
@Suite struct GameTests {
    @Test(arguments: AdversarialLoss.Form.allCases) func slopesAreThoseOfTheLosses(_ form: AdversarialLoss.Form) throws
    {
        let smooths = form != .hinge && form != .wasserstein
        let loss = AdversarialLoss(form: form, smoothing: smooths ? 0.1 : 0)
        for side in [AdversarialLoss.Side.real, .generated, .generator] {
            // Not at the corners of the hinge.
            for x in [-30.0, -2.5, -0.3, 0, 0.7, 3, 40] {
                let (value, slope) = loss.value(side, x)
                let step = 1e-5
                let difference = (loss.value(side, x + step).loss - loss.value(side, x - step).loss) / (2 * step)
                #expect(value.isFinite && abs(slope - difference) < 1e-5 * max(1, abs(slope)), "\(side) at \(x)")
            }
        }
    }

    @Test func waysBetweenPoints() {
        let (a, b): ([Float], [Float]) = ([3, 0], [0, 3])
        #expect(Interpolate.point(a, b, 0, isRound: true) == a)
        let middle = Interpolate.point(a, b, 0.5, isRound: true)
        #expect(abs(middle[0] * middle[0] + middle[1] * middle[1] - 9) < 1e-5, "on the sphere")
        #expect(Interpolate.point(a, b, 0.5, isRound: false) == [1.5, 1.5])
        #expect(Interpolate.point(a, a, 0.3, isRound: true).allSatisfy { $0.isFinite })
        #expect(Interpolate.point([0, 0], b, 0.5, isRound: true) == [0, 1.5])
    }

    @Test func gridsOfImages() throws {
        let images: [Float] = [-1, 1, 0, .nan, 2, -3, 1, 1]
        let range = SampleGrid.Range(low: -1, high: 1)
        let picture = SampleGrid.picture(images, count: 2, shape: [1, 2, 2], columns: 5, range)
        // Two images of 2 × 2 beside each other, with lines around them.
        #expect(picture.width == 7 && picture.height == 4)
        #expect(Array(picture.pixels[8...9]) == [0, 255] && Array(picture.pixels[15...16]) == [128, 0])
        #expect(Array(picture.pixels[11...12]) == [255, 0])
        let png = try picture.png()
        #expect(png.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]))
        #expect(Array(png[16..<24]) == [0, 0, 0, 7, 0, 0, 0, 4])
    }

    @Test func arraysForNumPy() {
        let bytes = NPY.bytes([1, 2, 3], [3])
        #expect(bytes.count % 64 == 12 && bytes[6] == 1)
        #expect(
            String(decoding: bytes[10..<80], as: UTF8.self).hasPrefix(
                "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }"))
        #expect(bytes[bytes.count - 13] == 10)
        #expect(NPY.bytes([], [0, 2]).count % 64 == 0)
    }

    @Test func pointsOnALattice() throws {
        let places = PlanePlot.lattice(side: 2, extent: 4)
        #expect(places.map(\.x) == [-2, 2, -2, 2] && places.map(\.y) == [-2, -2, 2, 2])
        var plot = PlanePlot(extent: 4, surface: [0, 1, 0.5, .nan])
        plot.add(x: 9, y: 0, [0, 0, 0])
        plot.add(x: .nan, y: 0, [0, 0, 0])
        plot.add(x: -4, y: 4, [0, 0, 0], radius: 3)
        plot.add(x: 1, y: -1, [0, 130, 0])
        let picture = plot.picture
        func pixel(_ x: Int, _ y: Int) -> [UInt8] {
            Array(picture.pixels[(y * picture.width + x) * 3..<(y * picture.width + x) * 3 + 3])
        }
        // The lattice begins below; a discriminator that says nothing is white.
        #expect((picture.width, picture.height) == (480, 480))
        #expect(pixel(120, 360) == [115, 115, 255] && pixel(360, 360) == [255, 115, 115])
        #expect(pixel(120, 120) == [255, 255, 255] && pixel(360, 120) == [255, 255, 255])
        #expect(pixel(0, 0) == [0, 0, 0] && pixel(3, 3) == [0, 0, 0] && pixel(4, 4) == [255, 255, 255])
        #expect(
            pixel(300, 300) == [0, 130, 0] && pixel(301, 301) == [0, 130, 0] && pixel(302, 302) == [255, 115, 115])
        #expect(try plot.png().count > 100)
    }

    /// A discriminator may give a place several outputs.
    @Test func surfaceOfSeveralOutputs() {
        let outputs = TensorBuffer(.float32, [2, 2])
        defer { withExtendedLifetime(outputs) {} }
        for (index, value) in [0.5, 0.5, -1000, 1000].enumerated() { outputs.tensor.floats[index] = Float(value) }
        #expect(SamplePictures.surface(outputs.tensor, places: 2, threshold: 0.5) == [0.5, 0.5])
        #expect(SamplePictures.surface(outputs.tensor, places: 4, threshold: 0.5) == [0.5, 0.5, 0, 1])
        #expect(SamplePictures.surface(outputs.tensor, places: 9, threshold: 0).allSatisfy { $0.isNaN })
    }
}
