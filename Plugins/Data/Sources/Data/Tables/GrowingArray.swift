import Glibc
import LaminaSDK

/// Memory that grows with what is appended, and then serves as a column.
final class GrowingArray<Element: BitwiseCopyable> {
    private var memory: UnsafeMutablePointer<Element>?
    private var capacity = 0
    private(set) var count = 0
    private let path: String

    init(_ path: String) { self.path = path }

    deinit { free(memory) }

    func append(_ value: Element) throws(PluginError) {
        if count == capacity { try grow() }
        memory![count] = value
        count += 1
    }

    subscript(index: Int) -> Element {
        get { memory![index] }
        set { memory![index] = newValue }
    }

    private func grow() throws(PluginError) {
        let wanted = max(1024, capacity * 2)
        guard let larger = realloc(memory, wanted * MemoryLayout<Element>.stride) else {
            throw .memory("no memory for the values of '\(path)'")
        }
        memory = larger.assumingMemoryBound(to: Element.self)
        capacity = wanted
    }

    /// All that was appended, as `count` samples; nothing may be appended afterwards.
    func column(
        _ name: String, _ dtype: DataType, _ shape: [Int], _ kind: StoredElement.Kind, count: Int
    ) -> Column {
        Column(
            field: .init(name, dtype, shape), element: StoredElement(kind: kind), count: count,
            bytes: UnsafeRawBufferPointer(start: memory, count: self.count * MemoryLayout<Element>.stride), owner: self)
    }
}
