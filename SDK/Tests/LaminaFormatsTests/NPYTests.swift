import Foundation
import Testing

@testable import LaminaFormats

@Suite struct NPYTests {
    /// The bytes that numpy.save writes.
    @Test func headers() {
        for (shape, tuple) in [([], "()"), ([5], "(5,)"), ([2, 3], "(2, 3)"), ([1, 0, 70000], "(1, 0, 70000)")] {
            let header = NPY.header(shape)
            #expect(header.count % 64 == 0 && header.prefix(8) == [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, 1, 0])
            #expect(Int(header[8]) + Int(header[9]) * 256 == header.count - 10)
            let text = String(decoding: header.dropFirst(10), as: UTF8.self)
            #expect(text.hasPrefix("{'descr': '<f4', 'fortran_order': False, 'shape': \(tuple), }"))
            #expect(text.hasSuffix("\n") && !text.dropLast().contains("\n"))
        }
    }

    @Test func files() throws {
        let url = FileManager.default.temporaryDirectory.appending(path: "\(UUID()).npy")
        defer { try? FileManager.default.removeItem(at: url) }
        try NPY.write([1, -2, 0.5, 4], shape: [2, 2], path: url.path)
        let bytes = try [UInt8](Data(contentsOf: url))
        #expect(bytes.count == 128 + 16)
        #expect(
            Array(bytes.suffix(16))
                == [1, -2, 0.5, 4].flatMap { withUnsafeBytes(of: Float($0).bitPattern, Array.init) })
        #expect { try NPY.write([], shape: [0], path: "/nowhere/x.npy") } throws: { "\($0)".contains("/nowhere/x.npy") }
    }
}
