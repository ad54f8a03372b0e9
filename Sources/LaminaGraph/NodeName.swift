extension String {
    /// Words of [A-Za-z0-9_] with single dots between them, at most 255 characters.
    package var isNodeName: Bool {
        guard utf8.count <= 255 else { return false }
        return utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { word in
            !word.isEmpty
                && word.allSatisfy {
                    (0x61...0x7A).contains($0 | 0x20) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "_")
                }
        }
    }
}
