import Testing

@testable import LaminaReport

@Suite("Report: CRC-32C")
struct CRC32CTests {
    @Test(
        "known answers: RFC 3720, appendix B.4, and the check value of the CRC catalogue",
        arguments: [
            ([UInt8](repeating: 0, count: 32), 0x8A91_36AA), ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43),
            (Array(0..<32), 0x46DD_794E), ((0..<32).reversed(), 0x113F_DB5C), (Array("123456789".utf8), 0xE306_9283),
            ([], 0),
        ] as [([UInt8], UInt32)])
    func knownAnswers(bytes: [UInt8], checksum: UInt32) {
        #expect(CRC32C.checksum(bytes) == checksum)
    }

    @Test("masking rotates by 15 and adds a constant")
    func masked() {
        // Every event file begins with the length of its version mark, 24, and the bytes a3 7f 4b 22.
        #expect(CRC32C.masked([24, 0, 0, 0, 0, 0, 0, 0]) == 0x224B_7FA3)
    }
}
