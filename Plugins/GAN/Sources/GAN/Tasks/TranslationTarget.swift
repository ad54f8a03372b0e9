import Glibc
import LaminaSDK

/// Where made pictures go: to a folder, one by one, or to one file.
struct TranslationTarget {
    let path: String
    /// Whether several pictures become one, each above what is made of it.
    let isSheet: Bool
    /// The file of each picture; of a sheet always the same.
    let pictures: [String]

    /// Makes the folder if there is none. Nothing that is read is written over, and no picture over another.
    init(_ path: String, of sources: [String]) throws {
        guard !sources.isEmpty else {
            throw PluginError.attribute("name the pictures to make others of, such as boot.png; got none")
        }
        if let ending = [".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".npy"].first(where: path.lowercased().hasSuffix) {
            throw PluginError.attribute(
                "--output \(path) ends in \(ending): wanted a folder, or a file that ends in .png")
        }
        self.path = path
        let isFile = path.lowercased().hasSuffix(".png")
        isSheet = isFile && sources.count > 1
        pictures = sources.map { isFile ? path : path + "/" + Self.name($0) }
        var names: [String: String] = [:]
        for (source, picture) in zip(sources, pictures) {
            if let other = names[picture], !isFile {
                throw PluginError.attribute(
                    "what is made of \(other) and of \(source) would both be \(picture): translate them into folders of their own"
                )
            }
            names[picture] = source
        }
        for source in sources {
            guard let picture = Set(pictures).first(where: { Self.isSame($0, source) }) else { continue }
            throw PluginError.attribute(
                "\(picture) would be written over \(source), which is read: name another output")
        }
        guard !isFile, mkdir(path, 0o777) != 0 else { return }
        let fault = errno
        var status = stat()
        guard fault == EEXIST, stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw PluginError.file(
                "\(path): no folder can be made: \(String(cString: strerror(fault))); --output is a folder or ends in .png"
            )
        }
    }

    /// "boot.png" of "shoes/boot.jpg".
    private static func name(_ source: String) -> String {
        let name = source.split(separator: "/").last.map(String.init) ?? source
        let stem = name.lastIndex(of: ".").map { $0 > name.startIndex ? String(name[..<$0]) : name } ?? name
        return stem + ".png"
    }

    private static func isSame(_ one: String, _ other: String) -> Bool {
        var (first, second) = (stat(), stat())
        return stat(one, &first) == 0 && stat(other, &second) == 0
            && (first.st_dev, first.st_ino) == (second.st_dev, second.st_ino)
    }
}
