import CLamina
import Glibc
import LaminaGraph
import LaminaSDK

/// What outputs of a batch hand on to inputs of the next one: the states of sequences that go on.
///
/// Gradients do not pass: back-propagation through time ends at the beginning of a batch (Williams, Peng: An Efficient
/// Gradient-Based Algorithm for On-Line Training of Recurrent Network Trajectories, 1990).
public final class CarriedStates {
    public struct State {
        public let name: String
        public let dtype: DataType
        public let shape: [Int]
        public let data: UnsafeMutableRawPointer
    }

    /// What is handed on once a step is made.
    public let states: [State]
    /// What is handed on within a step of several batches.
    private let working: [UnsafeMutableRawPointer]
    private let memory: [AlignedMemory]
    private let pairs: [(input: Int, output: Int)]

    /// nil: the graph carries nothing.
    ///
    /// - Parameter lanes: samples of every batch; nil: the data are no stream, in which case nothing goes on.
    init?(_ graph: Graph, lanes: Int?) throws(TrainingError) {
        guard !graph.definition.carries.isEmpty else { return nil }
        guard let lanes else {
            throw TrainingError(
                .recipe,
                "the model carries '\(graph.definition.carries[0].input)' from batch to batch, but the data are no stream: "
                    + "say 'stream: STEPS' for the text in data.text")
        }
        pairs = graph.carries
        var (states, memory): ([State], [AlignedMemory]) = ([], [])
        for (index, _) in pairs {
            let input = graph.definition.inputs[index]
            let shape = input.shape.map { size in if case .fixed(let value) = size { value } else { lanes } }
            guard let count = TensorSpec(dtype: input.dtype, shape: shape.map(Int64.init)).count else {
                throw TrainingError(
                    .recipe, "'\(input.name)' would have shape \(shape): no tensor may have more than 2^40 elements")
            }
            let bytes = count * input.dtype.size
            do {
                for _ in 0..<2 { memory.append(try AlignedMemory(bytes: bytes, purpose: "state '\(input.name)'")) }
            } catch {
                throw TrainingError(error)
            }
            let data = memory[memory.count - 2].base
            states.append(State(name: "carry.\(input.name)", dtype: input.dtype, shape: shape, data: data))
        }
        self.states = states
        working = stride(from: 1, to: memory.count, by: 2).map { memory[$0].base }
        self.memory = memory
    }

    private func bytes(_ index: Int) -> Int { states[index].shape.reduce(states[index].dtype.size, *) }

    /// Before the first batch of a step.
    func begin() {
        for index in states.indices { memcpy(working[index], states[index].data, bytes(index)) }
    }

    /// Fills the inputs of a plan.
    ///
    /// - Parameter continues: whether its sequences go on where the batch before ended; else they begin with zeros.
    func give(to plan: Plan, continues: Bool) {
        for (index, pair) in pairs.enumerated() {
            if continues {
                memcpy(plan.inputs[pair.input].data, working[index], bytes(index))
            } else {
                memset(plan.inputs[pair.input].data, 0, bytes(index))
            }
        }
    }

    /// Takes the outputs of a forward run, before anything else uses their memory.
    func take(from plan: Plan) {
        for (index, pair) in pairs.enumerated() {
            memcpy(working[index], plan.outputs[pair.output].data, bytes(index))
        }
    }

    /// After the step: what was taken holds.
    func commit() {
        for index in states.indices { memcpy(states[index].data, working[index], bytes(index)) }
    }
}

extension GraphDefinition {
    /// Inputs that data fill, in their order; those that are carried come behind them.
    var dataInputs: [Input] { inputs.filter { input in !carries.contains { $0.input == input.name } } }

    /// The shapes of the carried inputs for so many samples.
    func carriedShapes(_ samples: Int) -> [[Int]] {
        inputs.filter { input in carries.contains { $0.input == input.name } }.map { input in
            input.shape.map { size in if case .fixed(let value) = size { value } else { samples } }
        }
    }
}
