import Crypto
import LaminaFormats

extension Manifest {
    /// Which values and assets the archive holds, its base's included, as a SHA-256: what a delta takes from a base.
    ///
    /// It is the hash of the lines "<sha256>  <path>\n" of all entries with the role `weights` or `asset`, by the bytes
    /// of their paths, and for a delta of "<the base's identity>  base\n" behind them. So neither packing an archive again
    /// nor what it says about itself or its training makes another base of it.
    public var identity: String {
        var text = ""
        let taken = files.filter { ["weights", "asset"].contains($0.role) }
        for file in taken.sorted(by: { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }) {
            text += "\(file.sha256)  \(file.path)\n"
        }
        if let base { text += "\(base.sha256)  base\n" }
        return hexadecimal(SHA256.hash(data: Array(text.utf8)))
    }
}
