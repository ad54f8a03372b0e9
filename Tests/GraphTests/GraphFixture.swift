import CLamina
import Core
import LaminaFormats
import LaminaGraph
import LaminaHost
import LaminaSDK

#if canImport(CNN)
    import CNN
#endif

#if canImport(Transformer)
    import Transformer
#endif

/// The plugins linked into these tests, through their entry functions.
let registry: Registry = {
    let registry = Registry(folders: [])
    try! registry.add { _, out in Plugin.export(CoreCatalogue.plugin, to: out) }
    try! registry.add { _, out in Plugin.export(FaultyPlugin.plugin, to: out) }
    #if canImport(CNN)
        try! registry.add { _, out in Plugin.export(CNNCatalogue.plugin, to: out) }
    #endif
    #if canImport(Transformer)
        try! registry.add { _, out in Plugin.export(TransformerCatalogue.plugin, to: out) }
    #endif
    return registry
}()

/// A chain or graph of layers in few words.
func definition(
    input: [GraphDefinition.Size], dtype: DataType = .float32, _ nodes: [(String, String, JSONObject, [String])],
    outputs: [String], loss: String? = nil
) -> GraphDefinition {
    GraphDefinition(
        inputs: [.init("input", dtype, input)],
        nodes: nodes.map { name, component, attributes, inputs in
            .init(name: name, component: component, attributes: attributes, inputs: inputs.map { .init($0) })
        },
        outputs: outputs.map { .init($0, .init($0)!) },
        loss: loss.map {
            .init(
                name: "loss", kind: "loss", component: $0,
                inputs: [.init(outputs[0]), .init(GraphDefinition.targetName)])
        })
}

/// Numbers that look random and are the same every time.
struct Numbers {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 | 1 }
    mutating func next() -> Float {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Float(state >> 40) / Float(1 << 24) * 2 - 1
    }
}

extension PlannedTensor {
    func fill(seed: UInt64) {
        var numbers = Numbers(seed)
        for index in 0..<count { floats[index] = numbers.next() }
    }
    var values: [Float] { Array(UnsafeBufferPointer(start: floats, count: count)) }
    func setLabels(classes: Int) {
        for index in 0..<count { data.assumingMemoryBound(to: Int64.self)[index] = Int64(index * 7 % classes) }
    }
}
