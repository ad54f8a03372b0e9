import LaminaFormats
import LaminaSDK
import LaminaTesting
import RNN
import Testing

/// Sizes that cross the kernels' vectors, panels and pieces, against naive loops: values, and the slope of a weighted sum
/// of all outputs along a random direction of each input and parameter.
@Suite struct RecurrentShapeTests {
    static let cells: [NaiveRecurrence.Cell] = [.tanh, .relu, .lstm, .gruAfter, .gruBefore]

    @Test(arguments: cells) func oneSample(_ cell: NaiveRecurrence.Cell) throws {
        try compare(.init(cell: cell, batch: 1, time: 6, features: 5, units: 70))
        // Two threads share the steps.
        try compare(.init(cell: cell, batch: 1, time: 3, features: 9, units: 129), hasStates: true)
        try compare(.init(cell: cell, batch: 1, time: 35, features: 4, units: 190), hasLengths: true)
    }

    @Test(arguments: cells) func wholeVectors(_ cell: NaiveRecurrence.Cell) throws {
        try compare(.init(cell: cell, batch: 5, time: 3, features: 16, units: 64))
    }

    /// Depths of several blocks, rows of several groups, pieces of unequal size.
    @Test(arguments: cells) func manyRows(_ cell: NaiveRecurrence.Cell) throws {
        try compare(.init(cell: cell, batch: 33, time: 2, features: 3, units: 131), hasStates: true)
        try compare(.init(cell: cell, batch: 65, time: 3, features: 2, units: 19), hasLengths: true)
    }

    @Test(arguments: cells) func threeLayersOfTwoDirections(_ cell: NaiveRecurrence.Cell) throws {
        var shape = NaiveRecurrence(
            cell: cell, batch: 21, time: 5, features: 7, units: 11, layers: 3, directions: 2)
        try compare(shape, hasLengths: true, hasStates: true)
        shape.returnsLast = true
        try compare(shape, hasLengths: true)
        shape.hasBias = false
        try compare(shape, hasStates: true)
    }

    @Test(arguments: cells) func oneStepOrNone(_ cell: NaiveRecurrence.Cell) throws {
        try compare(.init(cell: cell, batch: 4, time: 1, features: 3, units: 9, directions: 2), hasLengths: true)
        try compare(.init(cell: cell, batch: 3, time: 0, features: 3, units: 5, layers: 2), hasStates: true)
        try compare(.init(cell: cell, batch: 0, time: 4, features: 3, units: 5), hasStates: true)
    }

    private func compare(_ naive: NaiveRecurrence, hasLengths: Bool = false, hasStates: Bool = false) throws {
        var naive = naive
        var attributes: [(String, JSON)] = [
            ("units", .integer(Int64(naive.units))), ("layers", .integer(Int64(naive.layers))),
            ("bidirectional", .bool(naive.directions == 2)), ("bias", .bool(naive.hasBias)),
            ("returns", .string(naive.returnsLast ? "last" : "all")),
        ]
        if naive.cell == .relu { attributes.append(("activation", .string("relu"))) }
        if naive.cell == .gruBefore { attributes.append(("reset", .string("before"))) }
        let component = try #require(RNNCatalogue.layers.first { $0.name == naive.component })
        let harness = try LayerHarness(component, JSONObject(attributes))

        let state = [naive.layers * naive.directions, naive.batch, naive.units]
        var inputs: [TensorValue?] = [.normal([naive.batch, naive.time, naive.features], seed: 1), nil, nil, nil]
        if hasLengths {
            let lengths = TensorValue.integers([naive.batch], 0..<naive.time + 1, seed: 2)
            inputs[1] = lengths
            naive.lengths = lengths.elements(as: Int64.self).map(Int.init)
        }
        if hasStates {
            inputs[2] = .normal(state, seed: 3)
            if naive.cell == .lstm { inputs[3] = .normal(state, seed: 4) }
        }
        if naive.cell != .lstm { inputs.removeLast() }
        var parameters: [String: TensorValue] = [:]
        for layer in 0..<naive.layers {
            for direction in 0..<naive.directions {
                let suffix = "_l\(layer)" + (direction == 1 ? "_reverse" : "")
                let rows = naive.gates * naive.units
                let width = layer == 0 ? naive.features : naive.directions * naive.units
                let seed = UInt64(10 * (layer * 2 + direction + 1))
                let bound = 1 / Float(naive.units).squareRoot()
                func uniform(_ shape: [Int], _ seed: UInt64) -> TensorValue {
                    .uniform(shape, -2 * bound...2 * bound, seed: seed)
                }
                parameters["weight_ih" + suffix] = uniform([rows, width], seed)
                parameters["weight_hh" + suffix] = uniform([rows, naive.units], seed + 1)
                if !naive.hasBias { continue }
                parameters["bias_ih" + suffix] = uniform([rows], seed + 2)
                parameters["bias_hh" + suffix] = uniform([rows], seed + 3)
            }
        }
        var values: NaiveRecurrence.Values = parameters.mapValues(\.doubles)
        for (index, name) in [(0, "input"), (2, "hidden"), (3, "cell")] where index < inputs.count {
            if let input = inputs[index] { values[name] = input.doubles }
        }
        let wanted = naive.outputs(values)
        let shapes = try harness.infer(
            inputs.map { $0.map { ($0.dtype, $0.shape.map { Dimension($0) }) } }
        ).outputs.map(\.shape)
        let weights = shapes.enumerated().map { TensorValue.normal($1, seed: 100 + UInt64($0)) }

        let predicted = try harness.predict(inputs, parameters: parameters)
        let result = try harness.train(inputs, parameters: parameters, outputGradients: weights)
        #expect(result.violations.isEmpty && predicted.violations.isEmpty)
        for (index, values) in wanted.enumerated() {
            for outputs in [result.outputs[index], predicted.outputs[index]] {
                #expect(outputs.count == values.count)
                let worst = zip(outputs.doubles, values).map { abs($0 - $1) }.max() ?? 0
                #expect(worst < 1e-5, "output \(index) of \(naive)")
            }
        }

        var gradients: [(name: String, gradient: TensorValue)] = []
        for (index, name) in [(0, "input"), (2, "hidden"), (3, "cell")] where index < inputs.count {
            if inputs[index] != nil { gradients.append((name, try #require(result.inputGradients[index]))) }
        }
        for (parameter, gradient) in zip(try names(naive), result.parameterGradients) {
            gradients.append((parameter, try #require(gradient)))
        }
        for (number, (name, gradient)) in gradients.enumerated() {
            let direction = TensorValue.normal([gradient.count], seed: 1000 + UInt64(number)).doubles
            func sum(_ step: Double) -> Double {
                var moved = values
                moved[name] = zip(values[name]!, direction).map { $0 + step * $1 }
                return zip(naive.outputs(moved), weights).reduce(0) {
                    $0 + zip($1.0, $1.1.doubles).reduce(0) { $0 + $1.0 * $1.1 }
                }
            }
            let slope = (sum(1e-5) - sum(-1e-5)) / 2e-5
            let got = zip(gradient.doubles, direction).reduce(0) { $0 + $1.0 * $1.1 }
            let scale = gradient.doubles.reduce(0) { $0 + $1 * $1 }.squareRoot()
            // relu has kinks, of which the step crosses few.
            let tolerance = naive.cell == .relu ? 1e-2 : 1e-4
            #expect(abs(slope - got) <= tolerance * max(scale, 1e-3), "gradient of \(name), \(naive)")
        }
    }

    /// The parameters in the order of PyTorch's modules.
    private func names(_ naive: NaiveRecurrence) throws -> [String] {
        (0..<naive.layers).flatMap { layer in
            (0..<naive.directions).flatMap { direction in
                ["weight_ih", "weight_hh", "bias_ih", "bias_hh"].prefix(naive.hasBias ? 4 : 2).map {
                    "\($0)_l\(layer)" + (direction == 1 ? "_reverse" : "")
                }
            }
        }
    }
}
