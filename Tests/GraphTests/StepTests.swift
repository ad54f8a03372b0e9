import LaminaFormats
import LaminaGraph
import LaminaHost
import LaminaSDK
import Testing

/// Sequences step by step, with what layers keep of the steps before, against whole ones.
@Suite(.serialized, .enabled(if: registry.plugin("transformer") != nil)) struct StepTests {
    private static func decoder(causal: Bool = true, after last: String = "core.dense") -> GraphDefinition {
        definition(
            input: [.symbol("N"), .symbol("T")], dtype: .int64,
            [
                ("embedding", "core.embedding", ["count": 11, "dimension": 8], ["input"]),
                ("norm", "core.layer_norm", [:], ["embedding"]),
                ("in_proj", "core.dense", ["units": 24], ["norm"]),
                (
                    "attention", "transformer.dot_product_attention", ["heads": 2, "causal": .bool(causal)],
                    ["in_proj"]
                ),
                ("drop", "core.dropout", ["rate": 0.5], ["attention"]),
                ("sum", "core.add", [:], ["embedding", "drop"]), ("gelu", "core.gelu", [:], ["sum"]),
                ("out", last, last == "core.dense" ? ["units": 5] : [:], ["gelu"]),
            ], outputs: ["out"])
    }

    private func network(_ definition: GraphDefinition = decoder()) throws -> Network {
        let graph = try Graph(definition, registry: registry)
        let store = try ParameterStore(graph)
        try store.initialize(seed: 5)
        return Network(graph, store)
    }

    private func run(_ network: Network, _ rows: [[Int64]], _ cache: StepCache? = nil) throws -> [[Float]] {
        let shape = [rows.count, rows.first?.count ?? 0]
        let plan = try network.plan(
            PlanRequest(inputs: [shape], steps: cache.map { .init(inputs: [true], capacity: $0.capacity) }))
        let data = plan.inputs[0].data.assumingMemoryBound(to: Int64.self)
        for (index, value) in rows.joined().enumerated() { data[index] = value }
        try network.forward(plan, cache: cache)
        let values = plan.outputs[0].values
        let size = shape[1] * 5
        return rows.indices.map { Array(values[$0 * size..<($0 + 1) * size]) }
    }

    private func isNear(_ a: some Sequence<Float>, _ b: some Sequence<Float>) -> Bool {
        a.elementsEqual(b) { abs($0 - $1) < 1e-5 }
    }

    private let sequences: [[Int64]] = [[1, 2, 3, 4, 5, 6, 7], [7, 0, 10, 3, 3, 1, 2], [4, 4, 4, 9, 8, 0, 1]]

    @Test func stepsGiveWhatWholeSequencesGive() throws {
        let network = try network()
        let whole = try run(network, sequences)
        let cache = StepCache(capacity: 7)
        for _ in 0..<2 {
            var place = 0
            for size in [3, 1, 1, 2] {
                let piece = try run(network, sequences.map { Array($0[place..<place + size]) }, cache)
                for (got, wanted) in zip(piece, whole) {
                    #expect(isNear(got, wanted[place * 5..<(place + size) * 5]))
                }
                place += size
                #expect(cache.count == place && cache.rows == 3)
            }
            // Another evaluation of the same network in between changes nothing, and clearing begins anew.
            _ = try run(network, sequences)
            cache.clear()
        }
    }

    @Test func sequencesGoOnInOtherPlaces() throws {
        let network = try network()
        let cache = StepCache(capacity: 7)
        _ = try run(network, sequences.map { Array($0[..<4]) }, cache)
        for choice in [[2, 0, 0, 1, 2], [4, 3], [1, 1, 0]] {
            try cache.choose(choice)
            #expect(cache.rows == choice.count)
        }
        // What is there now: 1, 1, 2 of the beginning.
        let order = [1, 1, 2]
        let whole = try run(network, order.map { sequences[$0] })
        let got = try run(network, order.map { Array(sequences[$0][4...]) }, cache)
        for (got, wanted) in zip(got, whole) { #expect(isNear(got, wanted[20...])) }
        #expect(throws: GraphError.self) { try cache.choose([3]) }
    }

    /// Earlier steps of one input are no places of another, which is whole.
    @Test func wholeInputsHaveNoPast() throws {
        let inputs = [
            GraphDefinition.Input("memory", .float32, [.symbol("N"), .fixed(4), .fixed(8)]),
            GraphDefinition.Input("target", .float32, [.symbol("N"), .symbol("T"), .fixed(8)]),
        ]
        var definition = definition(
            input: [],
            [
                ("places", "transformer.learned_positions", ["count": 4], ["memory"]),
                ("turned", "transformer.sinusoidal_positions", [:], ["places"]),
                ("out", "transformer.dot_product_attention", ["heads": 1], ["target", "turned", "turned"]),
            ], outputs: ["out"])
        definition.inputs = inputs
        let network = try network(definition)
        let memory = (0..<32).map { Float($0 % 7) - 3 }
        let target = (0..<24).map { Float($0 % 5) - 2 }
        func outputs(_ steps: [Float], _ cache: StepCache?) throws -> [Float] {
            let plan = try network.plan(
                PlanRequest(
                    inputs: [[1, 4, 8], [1, steps.count / 8, 8]],
                    steps: cache.map { .init(inputs: [false, true], capacity: $0.capacity) }))
            for (input, values) in zip(plan.inputs, [memory, steps]) {
                let data = input.data.assumingMemoryBound(to: Float.self)
                for (index, value) in values.enumerated() { data[index] = value }
            }
            try network.forward(plan, cache: cache)
            return plan.outputs[0].values
        }
        let whole = try outputs(target, nil)
        let cache = StepCache(capacity: 3)
        let steps = try (0..<3).flatMap { try outputs(Array(target[$0 * 8..<$0 * 8 + 8]), cache) }
        #expect(isNear(steps, whole))
    }

    @Test func whatCannotBeIsAnError() throws {
        let network = try network()
        func fails(_ text: String, _ body: () throws -> Void) {
            do {
                try body()
                Issue.record("no error, wanted one with '\(text)'")
            } catch {
                #expect("\(error)".contains(text), "\(error)")
            }
        }
        let cache = StepCache(capacity: 5)
        _ = try run(network, sequences.map { Array($0[..<4]) }, cache)
        fails("2 steps behind 4 are more than the 5") {
            _ = try run(network, sequences.map { Array($0[4..<6]) }, cache)
        }
        fails("2 sequences go on, but there are 3") { _ = try run(network, [[1], [2]], cache) }
        fails("more than the 5") { _ = try run(network, sequences, StepCache(capacity: 5)) }
        fails("only causal attention") {
            _ = try run(self.network(Self.decoder(causal: false)), sequences, StepCache(capacity: 9))
        }
        fails("core.reduce_mean \"out\" cannot be computed step by step") {
            _ = try run(self.network(Self.decoder(after: "core.reduce_mean")), sequences, StepCache(capacity: 9))
        }
        // What failed has kept nothing.
        #expect(cache.count == 4)
        #expect(try run(network, sequences.map { [$0[4]] }, cache).count == 3)
    }
}
