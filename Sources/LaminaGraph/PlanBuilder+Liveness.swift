import LaminaSDK

/// Which tensors of a plan share memory, and from when to when each piece of memory is in use.
///
/// Time runs over the calls of a step: forward of operation i is i, its backward 2n − 1 − i. Graph inputs live from
/// -1 on (they are filled before the step), outputs until 2n (they are read after it).
struct Liveness {
    /// The pieces of memory of the arena.
    private(set) var buffers: [ArenaLayout.Buffer] = []
    /// Buffer of each value.
    private(set) var valueBuffer: [Int]
    /// Buffer of each value's gradient; nil: there is none.
    private(set) var gradientBuffer: [Int?]
    /// Per operation.
    private(set) var savedBuffers: [[Int]]
    private(set) var forwardWorkspace: [Int?]
    private(set) var backwardWorkspace: [Int?]
    /// Per operation, per input: how backward delivers that input's gradient.
    private(set) var deliveries: [[Delivery]]
    /// Gradients of outputs to which nobody contributes: zeroed before the operation's backward.
    private(set) var zeroed: [[Int]]
    /// Gradients that are known before backward starts: 1 for the loss, else the number of outputs that a value is.
    private(set) var seeded: [(value: Int, gradient: Float)] = []
    /// Per operation, per parameter: temporary memory when the layer overwrites and the gradient has to be added.
    private(set) var parameterTemporaries: [[Int?]]
    /// Whether this operation is the first to contribute to each of its parameters' gradients.
    private(set) var isFirstContribution: [[Bool]]

    enum Delivery {
        case unwanted
        case overwrites
        case accumulates
        /// Written to a temporary buffer, then added by the host.
        case added(temporary: Int)
    }

    private let plan: PlanBuilder
    private let count: Int
    private var end: Int { 2 * count }
    private func backwardTime(_ operation: Int) -> Int { 2 * count - 1 - operation }

    init(_ plan: PlanBuilder) {
        self.plan = plan
        count = plan.operations.count
        valueBuffer = [Int](repeating: -1, count: plan.values.count)
        gradientBuffer = [Int?](repeating: nil, count: plan.values.count)
        savedBuffers = Array(repeating: [], count: count)
        forwardWorkspace = Array(repeating: nil, count: count)
        backwardWorkspace = Array(repeating: nil, count: count)
        deliveries = plan.operations.map { Array(repeating: .unwanted, count: $0.inputs.count) }
        zeroed = Array(repeating: [], count: count)
        parameterTemporaries = Array(repeating: [], count: count)
        isFirstContribution = Array(repeating: [], count: count)
        placeValues()
        placeOwnMemory()
        placeGradients()
        placeParameterGradients()
    }

    private mutating func newBuffer(_ bytes: Int, _ first: Int, _ last: Int) -> Int {
        buffers.append(.init(bytes: bytes, firstUse: first, lastUse: last))
        return buffers.count - 1
    }

    // MARK: Values

    private func lastUse(_ value: Int) -> Int {
        let v = plan.values[value]
        if v.isGraphOutput { return end }
        var last = v.producer ?? -1
        for (operation, input) in v.consumers {
            let saves =
                plan.operations[operation].runsBackward
                && plan.operations[operation].needs.savedInputs.contains(input)
            last = max(last, saves ? backwardTime(operation) : operation)
        }
        if let producer = v.producer, plan.operations[producer].runsBackward {
            for (index, output) in plan.operations[producer].outputs.enumerated()
            where output == value && plan.operations[producer].needs.savedOutputs.contains(index) {
                last = max(last, backwardTime(producer))
            }
        }
        return last
    }

    private mutating func placeValues() {
        var holdsInput: Set<Int> = []
        for value in plan.values.indices where plan.values[value].isGraphInput {
            // Inputs survive the step, so that it can be run again to find where a NaN began.
            let buffer = newBuffer(plan.values[value].bytes, -1, end)
            valueBuffer[value] = buffer
            holdsInput.insert(buffer)
        }
        for (index, operation) in plan.operations.enumerated() {
            for (output, value) in operation.outputs.enumerated() {
                let last = lastUse(value)
                if let root = operation.root {
                    // Written while the root runs; what else it reads may be read by others in between.
                    valueBuffer[value] = followedBuffer(index, operation, root, last)
                } else if let shared = sharedBuffer(index, operation, output, holdsInput) {
                    valueBuffer[value] = shared
                    buffers[shared].lastUse = max(buffers[shared].lastUse, last)
                } else {
                    valueBuffer[value] = newBuffer(plan.values[value].bytes, index, last)
                }
            }
        }
    }

    /// Memory of the output of an operation that follows another one's: over what it follows, which nobody else reads.
    private mutating func followedBuffer(
        _ index: Int, _ operation: PlanBuilder.Operation, _ root: Int, _ last: Int
    ) -> Int {
        for offer in operation.needs.inPlace where !offer.isView {
            guard let input = operation.inputs[offer.input], let producer = plan.values[input].producer,
                producer == root || plan.operations[producer].root == root,
                operation.inputs.count(where: { $0 == input }) == 1
            else { continue }
            let buffer = valueBuffer[input]
            guard buffers[buffer].firstUse >= root, buffers[buffer].lastUse <= index else { continue }
            buffers[buffer].lastUse = max(buffers[buffer].lastUse, last)
            return buffer
        }
        return newBuffer(plan.values[operation.outputs[0]].bytes, root, last)
    }

    /// The input's memory, when the operation allows the output to take it and nobody else needs it.
    private func sharedBuffer(
        _ index: Int, _ operation: PlanBuilder.Operation, _ output: Int, _ holdsInput: Set<Int>
    ) -> Int? {
        let value = plan.values[operation.outputs[output]]
        for offer in operation.needs.inPlace where offer.output == output {
            guard let input = operation.inputs[offer.input] else { continue }
            let source = plan.values[input]
            guard source.bytes == value.bytes, value.bytes > 0,
                source.layout == value.layout || Reorder.isIdentityOrFlat(source.spec, value.spec)
            else { continue }
            let buffer = valueBuffer[input]
            // Another output of this operation may have taken it.
            if operation.outputs.prefix(output).contains(where: { valueBuffer[$0] == buffer }) { continue }
            if offer.isView { return buffer }
            // The same value at another position counts: it is read again after the first elements are written.
            let othersRead = operation.inputs.enumerated().contains { position, other in
                position != offer.input && other.map { valueBuffer[$0] == buffer } ?? false
            }
            if buffers[buffer].lastUse <= index, !holdsInput.contains(buffer), !othersRead { return buffer }
        }
        return nil
    }

    // MARK: Saved tensors and workspaces

    private mutating func placeOwnMemory() {
        for (index, operation) in plan.operations.enumerated() {
            let last = operation.runsBackward ? backwardTime(index) : index
            // A follower's are written while its root runs.
            savedBuffers[index] = operation.needs.savedBytes.map { newBuffer($0, operation.root ?? index, last) }
            if operation.needs.forwardWorkspace > 0 {
                forwardWorkspace[index] = newBuffer(operation.needs.forwardWorkspace, index, index)
            }
            if operation.runsBackward, operation.needs.backwardWorkspace > 0 {
                backwardWorkspace[index] = newBuffer(operation.needs.backwardWorkspace, last, last)
            }
        }
    }

    // MARK: Gradients

    private mutating func placeGradients() {
        guard plan.operations.contains(where: \.runsBackward) else { return }
        let seeds = plan.lossValue.map { [$0] } ?? plan.outputValues
        for value in Set(seeds).sorted() where plan.values[value].needsGradient {
            gradientBuffer[value] = newBuffer(plan.values[value].bytes, count, gradientEnd(value))
            seeded.append((value, Float(seeds.count(where: { $0 == value }))))
        }
        for index in plan.operations.indices.reversed() where plan.operations[index].runsBackward {
            let operation = plan.operations[index]
            let time = backwardTime(index)
            for output in operation.outputs
            where plan.values[output].needsGradient && gradientBuffer[output] == nil {
                gradientBuffer[output] = newBuffer(plan.values[output].bytes, time, time)
                zeroed[index].append(output)
            }
            for input in operation.inputs.indices where plan.wantsGradient(operation, input: input) {
                deliveries[index][input] = deliver(index, operation, input, time)
            }
        }
    }

    /// When a value's gradient is read last: by its producer's backward, or after the step for graph inputs.
    private func gradientEnd(_ value: Int) -> Int { plan.values[value].producer.map { backwardTime($0) } ?? end }

    private mutating func deliver(_ index: Int, _ operation: PlanBuilder.Operation, _ input: Int, _ time: Int)
        -> Delivery
    {
        let value = operation.inputs[input]!
        let bytes = plan.values[value].bytes
        if gradientBuffer[value] != nil {
            // The same value twice in one operation would be written twice at once.
            let isTwice = operation.inputs.prefix(input).contains(value)
            return isTwice || operation.needs.overwrites
                ? .added(temporary: newBuffer(bytes, time, time)) : .accumulates
        }
        if let shared = sharedGradient(operation, input, time) {
            gradientBuffer[value] = shared
            buffers[shared].lastUse = max(buffers[shared].lastUse, gradientEnd(value))
        } else {
            gradientBuffer[value] = newBuffer(bytes, time, gradientEnd(value))
        }
        return .overwrites
    }

    private func sharedGradient(_ operation: PlanBuilder.Operation, _ input: Int, _ time: Int) -> Int? {
        let value = plan.values[operation.inputs[input]!]
        for offer in operation.needs.gradientInPlace where offer.input == input {
            let output = operation.outputs[offer.output]
            guard plan.values[output].bytes == value.bytes, value.bytes > 0, let buffer = gradientBuffer[output],
                plan.values[output].layout == value.layout
                    || Reorder.isIdentityOrFlat(value.spec, plan.values[output].spec)
            else { continue }
            // Nothing else in that memory is needed later, and no other input has taken it.
            if buffers[buffer].lastUse <= time { return buffer }
        }
        return nil
    }

    private mutating func placeParameterGradients() {
        var contributed: Set<Int> = []
        for index in plan.operations.indices.reversed() {
            let operation = plan.operations[index]
            guard case .node(let node) = operation.kind else { continue }
            let wanted = plan.wantedParameters(operation).map { $0 && operation.runsBackward }
            let time = backwardTime(index)
            for (position, parameter) in plan.graph.nodes[node].parameters.enumerated() {
                let isFirst = wanted[position] && contributed.insert(parameter).inserted
                isFirstContribution[index].append(isFirst)
                let adds = wanted[position] && (!isFirst || plan.request.accumulates)
                let bytes = plan.graph.parameters[parameter].shape.reduce(4, *)
                parameterTemporaries[index].append(
                    adds && operation.needs.overwrites ? newBuffer(bytes, time, time) : nil)
            }
        }
    }
}

extension Reorder {
    /// Whether two shapes of equal size are the same bytes whatever their layouts: ranks below 3 have one layout,
    /// and so do tensors of one channel or one pixel.
    static func isIdentityOrFlat(_ a: TensorSpec, _ b: TensorSpec) -> Bool {
        [a, b].allSatisfy { $0.shape.count < 3 || isIdentity($0) }
    }
}
