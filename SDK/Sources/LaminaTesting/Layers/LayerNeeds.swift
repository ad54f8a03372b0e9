import CLamina

/// What a layer's `plan` has asked for.
struct LayerNeeds {
    struct InPlace: Equatable {
        let target: Int
        let source: Int
        let isView: Bool
    }

    var savedInputs: Set<Int> = []
    var savedOutputs: Set<Int> = []
    var savedBytes: [Int] = []
    var forwardWorkspace = 0
    var backwardWorkspace = 0
    var persistentBytes = 0
    /// Output over input.
    var inPlace: [InPlace] = []
    /// Gradient of an input over that of an output.
    var gradientInPlace: [InPlace] = []
    var flops = (forward: 0.0, backward: 0.0)
    var overwrites = false
    var allowsRanges = false
    var announcesOutput = false
    /// Nil: it is not told.
    var scratchBytes: Int?
    var allowsSteps = false
    /// Sequences, and bytes that are kept of each of their steps.
    var cache: (rows: Int, stepBytes: Int)?
}

/// Collects what `plan` asks for, and says what of it is wrong.
final class PlanningSink {
    var needs = LayerNeeds()
    var faults: [String] = []
    private let inputCount: Int
    private let outputCount: Int

    init(inputCount: Int, outputCount: Int) {
        self.inputCount = inputCount
        self.outputCount = outputCount
    }

    private static func of(_ sink: UnsafeMutableRawPointer?) -> PlanningSink {
        Unmanaged<PlanningSink>.fromOpaque(sink!).takeUnretainedValue()
    }

    /// Fills in the functions of the struct that a layer gets.
    func install(in planning: inout lamina_planning) {
        planning.sink = Unmanaged.passUnretained(self).toOpaque()
        planning.save_input = { sink, input in
            let sink = PlanningSink.of(sink)
            if sink.isInput(input, "save_input") { sink.needs.savedInputs.insert(Int(input)) }
        }
        planning.save_output = { sink, output in
            let sink = PlanningSink.of(sink)
            if sink.isOutput(output, "save_output") { sink.needs.savedOutputs.insert(Int(output)) }
        }
        planning.save_bytes = { sink, bytes in
            let sink = PlanningSink.of(sink)
            sink.needs.savedBytes.append(sink.size(bytes, "save_bytes"))
            return Int32(sink.needs.savedBytes.count - 1)
        }
        planning.set_workspace = { sink, forward, backward in
            let sink = PlanningSink.of(sink)
            sink.needs.forwardWorkspace = sink.size(forward, "set_workspace")
            sink.needs.backwardWorkspace = sink.size(backward, "set_workspace")
        }
        planning.set_persistent = { sink, bytes in
            let sink = PlanningSink.of(sink)
            sink.needs.persistentBytes = sink.size(bytes, "set_persistent")
        }
        planning.allow_in_place = { sink, output, input, how in
            let sink = PlanningSink.of(sink)
            guard sink.isOutput(output, "allow_in_place"), sink.isInput(input, "allow_in_place") else { return }
            sink.needs.inPlace.append(
                .init(target: Int(output), source: Int(input), isView: how == LAMINA_IN_PLACE_VIEW))
        }
        planning.allow_gradient_in_place = { sink, input, output, how in
            let sink = PlanningSink.of(sink)
            guard sink.isOutput(output, "allow_gradient_in_place"), sink.isInput(input, "allow_gradient_in_place")
            else {
                return
            }
            sink.needs.gradientInPlace.append(
                .init(target: Int(input), source: Int(output), isView: how == LAMINA_IN_PLACE_VIEW))
        }
        planning.set_flops = { sink, forward, backward in
            let sink = PlanningSink.of(sink)
            sink.needs.flops = (forward, backward)
            if !(forward >= 0 && backward >= 0) { sink.faults.append("set_flops got \(forward) and \(backward)") }
        }
        planning.set_overwrites = { sink in PlanningSink.of(sink).needs.overwrites = true }
        planning.allow_ranges = { sink in PlanningSink.of(sink).needs.allowsRanges = true }
        planning.announce_output = { sink in PlanningSink.of(sink).needs.announcesOutput = true }
        planning.set_scratch = { sink, bytes in
            let sink = PlanningSink.of(sink)
            sink.needs.scratchBytes = sink.size(bytes, "set_scratch")
        }
        planning.allow_steps = { sink in PlanningSink.of(sink).needs.allowsSteps = true }
        planning.set_cache = { sink, rows, bytes in
            let sink = PlanningSink.of(sink)
            if rows < 0 { sink.faults.append("set_cache asks for \(rows) rows") }
            sink.needs.cache = (Int(max(rows, 0)), sink.size(bytes, "set_cache"))
        }
    }

    private func isInput(_ index: Int32, _ call: String) -> Bool {
        if index >= 0, Int(index) < inputCount { return true }
        faults.append("\(call) names input \(index) of \(inputCount)")
        return false
    }

    private func isOutput(_ index: Int32, _ call: String) -> Bool {
        if index >= 0, Int(index) < outputCount { return true }
        faults.append("\(call) names output \(index) of \(outputCount)")
        return false
    }

    /// A size that memory can have; a negative number that became unsigned is a fault.
    private func size(_ bytes: UInt64, _ call: String) -> Int {
        if bytes <= 1 << 40 { return Int(bytes) }
        faults.append("\(call) asks for \(bytes) bytes")
        return 0
    }
}
