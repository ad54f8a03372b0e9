import CLamina
import Glibc

/// A struct of the ABI that has grown since its first version: what a plugin hands over may end earlier. Its first field is
/// `struct_size`.
public protocol GrowingStruct {
    init()
    /// Bytes of the first version.
    static var leastSize: Int { get }
}

extension GrowingStruct {
    /// A copy with zeros for what is not there; nil when `pointer` is NULL or even the first version's fields are missing.
    public init?(_ pointer: UnsafePointer<Self>?) {
        guard let pointer else { return nil }
        let size = Int(UnsafeRawPointer(pointer).load(as: UInt32.self))
        guard size >= Self.leastSize else { return nil }
        self.init()
        withUnsafeMutableBytes(of: &self) { _ = memcpy($0.baseAddress!, pointer, min(size, $0.count)) }
    }
}

extension lamina_block_node: GrowingStruct {
    public static var leastSize: Int { MemoryLayout.offset(of: \lamina_block_node.share)! }
}

extension lamina_gemm: GrowingStruct {
    public static var leastSize: Int { MemoryLayout.offset(of: \lamina_gemm.bias)! }
}

extension lamina_task_evaluation: GrowingStruct {
    public static var leastSize: Int { MemoryLayout.offset(of: \lamina_task_evaluation.given_steps)! }
}
