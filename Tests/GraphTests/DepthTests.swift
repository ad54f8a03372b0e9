import LaminaFormats
import Testing

@testable import LaminaGraph

/// How far parameters are from the output, in blocks.
@Suite struct DepthTests {
    private typealias Row = (String, String, JSONObject, [String])

    private func dense(_ name: String, _ input: String) -> Row { (name, "core.dense", ["units": 4], [input]) }
    private func relu(_ name: String, _ input: String) -> Row { (name, "core.relu", [:], [input]) }
    private func add(_ name: String, _ inputs: String...) -> Row { (name, "core.add", [:], inputs) }

    /// The depth of each node's weight, and that its bias has the same.
    private func depths(
        _ nodes: [Row], shared: [String: String] = [:], location: SourceLocation = #_sourceLocation
    ) throws -> [String: Int] {
        var whole = definition(input: [.symbol("N"), .fixed(4)], nodes, outputs: [nodes.last!.0])
        for index in whole.nodes.indices { whole.nodes[index].sharesParametersOf = shared[whole.nodes[index].name] }
        let graph = try Graph(whole, registry: registry)
        var found: [String: Int] = [:]
        for (parameter, depth) in zip(graph.parameters, graph.parameterDepths) {
            let node = String(parameter.name[..<parameter.name.lastIndex(of: ".")!])
            if let other = found[node] { #expect(other == depth, "\(parameter.name)", sourceLocation: location) }
            found[node] = depth
        }
        return found
    }

    @Test func numberedBlocksBetweenStemAndHead() throws {
        let found = try depths([
            dense("stem", "input"), dense("stem_norm", "stem"),
            dense("layers.0.in", "stem_norm"), relu("layers.0.act", "layers.0.in"),
            dense("layers.0.out", "layers.0.act"), add("layers.0.add", "layers.0.out", "stem_norm"),
            dense("layers.1.in", "layers.0.add"), dense("layers.1.in.low", "layers.1.in"),
            add("layers.1.add", "layers.1.in.low", "layers.0.add"), relu("act", "layers.1.add"),
            dense("norm", "act"), dense("head", "norm"),
        ])
        #expect(
            found == [
                "stem": 3, "stem_norm": 3, "layers.0.in": 2, "layers.0.out": 2, "layers.1.in": 1, "layers.1.in.low": 1,
                "norm": 0, "head": 0,
            ])
    }

    /// A network that ends in a block has its last one at the top.
    @Test func theLastBlockMayBeTheTop() throws {
        #expect(
            try depths([dense("0", "input"), relu("act", "0"), dense("2", "act"), dense("4", "2")])
                == ["0": 2, "2": 1, "4": 0])
    }

    /// The farthest way counts: of the encoder that through all of the decoder, with its norm between them.
    @Test func stacksBehindEachOther() throws {
        let found = try depths([
            dense("encoder.layers.0.a", "input"), dense("encoder.layers.1.a", "encoder.layers.0.a"),
            dense("encoder.norm", "encoder.layers.1.a"), dense("vectors", "input"),
            add("decoder.layers.0.add", "vectors", "encoder.norm"), dense("decoder.layers.0.a", "decoder.layers.0.add"),
            add("decoder.layers.1.add", "decoder.layers.0.a", "encoder.norm"),
            dense("decoder.layers.1.a", "decoder.layers.1.add"), dense("output", "decoder.layers.1.a"),
        ])
        #expect(
            found == [
                "encoder.layers.0.a": 5, "encoder.layers.1.a": 4, "encoder.norm": 3, "vectors": 3,
                "decoder.layers.0.a": 2, "decoder.layers.1.a": 1, "output": 0,
            ])
    }

    /// No part of a name is a number, only a part of a part: each first part is a block.
    @Test func withoutNumbersEachLayerCounts() throws {
        #expect(
            try depths([
                dense("fc1", "input"), dense("fc1.low", "fc1"), relu("relu_1", "fc1.low"), dense("fc2", "relu_1"),
                dense("head", "fc2"),
            ]) == ["fc1": 2, "fc1.low": 2, "fc2": 1, "head": 0])
    }

    /// Vectors of tokens that are the output's weights, too, are as deep as the vectors.
    @Test func sharedParametersAreAsDeepAsTheirDeepestUse() throws {
        #expect(
            try depths(
                [
                    dense("vectors", "input"), dense("layers.0.a", "vectors"), dense("layers.1.a", "layers.0.a"),
                    dense("output", "layers.1.a"),
                ], shared: ["output": "vectors"]) == ["vectors": 3, "layers.0.a": 2, "layers.1.a": 1])
    }

    /// What nothing is made of is at the top, and a graph without parameters has no depths.
    @Test func deadEndsAndNothing() throws {
        let found = try depths([dense("layers.0.a", "input"), dense("aside", "input"), dense("head", "layers.0.a")])
        #expect(found == ["layers.0.a": 1, "aside": 0, "head": 0])
        #expect(try depths([relu("act", "input")]).isEmpty)
    }
}
