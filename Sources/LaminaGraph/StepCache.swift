import CLamina
import Glibc
import LaminaHost

/// What layers keep of the steps of sequences that are computed step by step.
///
/// It outlives plans, which are made for a number of steps at a time: those of a prompt and those of single steps use the
/// same memory. Per layer [rows, capacity, bytes of a step].
public final class StepCache {
    public let capacity: Int
    /// Steps that are there of every sequence.
    public private(set) var count = 0
    /// Sequences.
    public private(set) var rows = 0
    private var memories: [String: Memory] = [:]

    private struct Memory {
        let stepBytes: Int
        var current: AlignedMemory
        /// Where `choose` copies to.
        var spare: AlignedMemory?
    }

    public init(capacity: Int) { self.capacity = capacity }

    /// Forgets all steps.
    public func clear() { (count, rows) = (0, 0) }

    /// Has sequence `i` go on with the steps of what was sequence `choice[i]`.
    public func choose(_ choice: [Int]) throws(GraphError) {
        guard choice.allSatisfy({ (0..<rows).contains($0) }) else {
            throw GraphError(.data, "sequences \(choice) are to go on, but there are \(rows)")
        }
        if choice.elementsEqual(0..<choice.count) { return rows = choice.count }
        // All of the memory first: without it everything stays as it is.
        var copies: [(name: String, memory: Memory, copy: AlignedMemory)] = []
        for (name, memory) in memories {
            let rowBytes = capacity * memory.stepBytes
            let copy: AlignedMemory
            if let spare = memory.spare, spare.bytes >= choice.count * rowBytes {
                copy = spare
            } else {
                copy = try Self.memory(choice.count, rowBytes, name)
            }
            copies.append((name, memory, copy))
        }
        for (name, memory, copy) in copies {
            let rowBytes = capacity * memory.stepBytes
            for (to, from) in choice.enumerated() {
                memcpy(copy.base + to * rowBytes, memory.current.base + from * rowBytes, count * memory.stepBytes)
            }
            (memories[name]!.current, memories[name]!.spare) = (copy, memory.current)
        }
        rows = choice.count
    }

    /// Hands the memory to the layers of a plan; what is not there yet is made.
    func bind(_ plan: Plan) throws(GraphError) {
        let steps = try steps(of: plan)
        guard count + steps.count <= capacity else {
            throw GraphError(
                .data, "\(steps.count) steps behind \(count) are more than the \(capacity) that were wanted at most")
        }
        guard count == 0 || steps.rows == rows else {
            throw GraphError(.data, "\(steps.rows) sequences go on, but there are \(rows)")
        }
        for step in plan.steps {
            step.forwardRun.pointee.past = step.takesSteps ? Int64(count) : 0
            guard let wanted = step.cache else { continue }
            let rowBytes = try ByteCount.product(capacity, wanted.stepBytes, "what '\(step.name)' keeps of steps")
            if let known = memories[step.name], known.stepBytes == wanted.stepBytes,
                known.current.bytes / max(rowBytes, 1) >= wanted.rows
            {
                step.forwardRun.pointee.cache = known.current.base
                continue
            }
            guard count == 0 else {
                throw GraphError(
                    .internal, node: step.name, "\(step.component) \"\(step.name)\" keeps other things than before")
            }
            let memory = try Self.memory(wanted.rows, rowBytes, step.name)
            memories[step.name] = Memory(stepBytes: wanted.stepBytes, current: memory)
            step.forwardRun.pointee.cache = memory.base
        }
    }

    /// Other caches may run the plan next.
    func unbind(_ plan: Plan) {
        for step in plan.steps {
            step.forwardRun.pointee.cache = nil
            step.forwardRun.pointee.past = 0
        }
    }

    /// The steps of a plan that has run are there.
    func advance(_ plan: Plan) {
        guard let steps = try? steps(of: plan) else { return }
        (count, rows) = (count + steps.count, steps.rows)
    }

    private func steps(of plan: Plan) throws(GraphError) -> (rows: Int, count: Int) {
        guard let steps = plan.request.steps, steps.capacity == capacity, let first = steps.inputs.firstIndex(of: true)
        else { throw GraphError(.internal, "the plan is for other steps than the cache") }
        return (plan.request.inputs[first][0], plan.request.inputs[first][1])
    }

    private static func memory(_ rows: Int, _ rowBytes: Int, _ name: String) throws(GraphError) -> AlignedMemory {
        let bytes = try ByteCount.product(rows, rowBytes, "what '\(name)' keeps of steps")
        return try AlignedMemory(bytes: max(bytes, 1), purpose: "what '\(name)' keeps of steps")
    }
}
