import LaminaFormats

extension Archive {
    /// Checks everything that can be checked without the plugins.
    ///
    /// Beyond what opening checks: CRC and SHA-256 of every entry, the JSON of every `.json`, header and coverage of
    /// every `.safetensors`, the self-test cases' form, tied weights naming tensors that exist, and that libzip, as a
    /// second reader, sees the same entries.
    /// - Throws: `ArchiveError` at the first fault.
    public func verify() throws(ArchiveError) {
        do {
            try LibZip(bytes: mapping.bytes).check(entries)
            for entry in entries {
                // The small ones were hashed when the archive was opened, and the mapping has not changed since.
                if entry.size > Self.hashedAtOpen { try checkContent(of: entry) }
                if entry.name.hasSuffix(".json") { _ = try json(entry.name) }
                if entry.name.hasSuffix(".safetensors") { _ = try tensors(entry.name) }
            }
            _ = try selfTests()
            try checkTiedWeights()
        } catch {
            throw error.inFile(path)
        }
    }

    private func checkTiedWeights() throws(ArchiveError) {
        guard !manifest.tied.isEmpty else { return }
        let weights = try tensors(EntryName.weights)
        for pair in manifest.tied {
            guard weights.tensor(pair.source) != nil else {
                throw ArchiveError(
                    .content,
                    "\(printable(pair.tensor.utf8)) is tied to \(printable(pair.source.utf8)), which is not there",
                    at: EntryName.weights)
            }
            guard weights.tensor(pair.tensor) == nil else {
                throw ArchiveError(
                    .content, "the tied tensor \(printable(pair.tensor.utf8)) has values of its own",
                    at: EntryName.weights)
            }
        }
    }
}
