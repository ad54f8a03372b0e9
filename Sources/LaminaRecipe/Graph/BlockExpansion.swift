import CLamina
import LaminaGraph
import LaminaHost
import LaminaSchema

extension NodeExpansion {
    /// Runs a block's code.
    ///
    /// - Parameter inputCount: how many inputs the block is connected to.
    static func run(
        _ component: LoadedComponent, _ attributes: AttributeSet, inputCount: Int, nodeLimit: Int, runtime: Runtime
    ) throws(Failure) -> NodeExpansion {
        let table = component.table(lamina_block.self)
        guard table.pointee.struct_size >= UInt32(MemoryLayout<lamina_block>.size), let expand = table.pointee.expand
        else {
            throw Failure(message: "the plugin gives no function that expands it")
        }
        let result = try collect(inputCount: inputCount, nodeLimit: nodeLimit, runtime: runtime) { expansion in
            withExtendedLifetime(attributes) {
                expand(component.raw, runtime.services, attributes.raw, expansion)
            }
        }
        guard !result.outputs.isEmpty else { throw Failure(message: "the plugin gave it no output") }
        return result
    }
}
