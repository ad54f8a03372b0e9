import Foundation
import LaminaFormats
import LaminaGraph
import Testing

/// Gradient penalties against PyTorch's double backward (Golden/generate.py).
@Suite(.serialized) struct PenaltyGoldenTests {
    private static let file = try! SafetensorsFile(
        path: URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Golden/penalties.safetensors").path)

    private static let cases: [(name: String, layers: [(component: String, attributes: JSONObject)])] = {
        guard case .string(let text)? = file.metadata["cases"], case .object(let cases)? = try? JSON.parse(text) else {
            return []
        }
        return cases.members.map { member in
            guard case .array(let layers) = member.value else { return (member.key, []) }
            return (
                member.key,
                layers.compactMap {
                    guard case .array(let pair) = $0, case .string(let id) = pair[0], case .object(let o) = pair[1]
                    else { return nil }
                    return (id, o)
                }
            )
        }
    }()

    /// Those whose layers are here: families may be taken out of the package.
    private static let present = cases.filter { test in
        #if canImport(CNN)
            true
        #else
            !test.layers.contains { $0.component.hasPrefix("cnn.") }
        #endif
    }

    private func floats(_ name: String) throws -> [Float] {
        let bytes = try #require(Self.file.bytes(name), "the file lacks \(name)")
        return (0..<bytes.count / 4).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
    }

    private func critic(_ name: String, _ layers: [(component: String, attributes: JSONObject)]) throws -> Network {
        let shape = try #require(Self.file.tensor("\(name)/input")).shape
        let graph = try Graph(
            definition(
                input: [.symbol("N")] + shape.dropFirst().map { .fixed($0) },
                layers.enumerated().map { index, layer in
                    ("\(index)", layer.component, layer.attributes, [index == 0 ? "input" : "\(index - 1)"])
                }, outputs: ["\(layers.count - 1)"]), registry: registry)
        let store = try ParameterStore(graph)
        for (index, entry) in store.entries.enumerated() {
            let values = try floats("\(name)/parameter.\(index)")
            try #require(values.count == entry.shape.reduce(1, *))
            for (element, value) in values.enumerated() {
                entry.data.assumingMemoryBound(to: Float.self)[element] = value
            }
        }
        return Network(graph, store)
    }

    /// The largest difference in parts of the largest value, or of `least` if that is more.
    private func difference(_ got: [Float], _ wanted: [Float], least: Float = 0) -> Float {
        guard got.count == wanted.count, got.allSatisfy(\.isFinite) else { return .infinity }
        let scale = wanted.reduce(max(least, 1e-6)) { max($0, abs($1)) }
        return zip(got, wanted).reduce(0) { max($0, abs($1.0 - $1.1)) } / scale
    }

    @Test func theFileHasCases() { #expect(Self.cases.count >= 9) }

    @Test(arguments: present.map(\.name))
    func likeDoubleBackward(name: String) throws {
        let layers = try #require(Self.cases.first { $0.name == name }).layers
        let shape = try #require(Self.file.tensor("\(name)/input")).shape
        let critic = try critic(name, layers)
        var penalty = try GradientPenalty(critic)
        try penalty.run(floats("\(name)/input"), shape)
        #expect(difference(penalty.slope, try floats("\(name)/input_gradient")) < 1e-5)
        #expect(difference([penalty.value], try floats("\(name)/penalty")) < 1e-5)
        let wanted = try critic.graph.parameters.indices.map { try floats("\(name)/gradient.\($0)") }
        // Some are zero but for rounding, as those of biases before a norm that subtracts means.
        let least = 0.01 * wanted.joined().reduce(0) { max($0, abs($1)) }
        for (index, wanted) in wanted.enumerated() {
            #expect(
                difference(critic.gradient(index), wanted, least: least) < 5e-5,
                "\(critic.graph.parameters[index].name)")
        }
    }
}
