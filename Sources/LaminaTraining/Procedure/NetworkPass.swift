import CLamina
import LaminaGraph

/// A planned pass through a network in its C form.
final class NetworkPass {
    let raw: UnsafePointer<lamina_pass>
    /// The network whose parameters it trains, by number.
    let number: Int
    let network: Network
    let plan: Plan
    /// The number of its last forward.
    var forward: UInt64 = 0
    private let memory: UnsafeMutablePointer<lamina_pass>
    private let inputs: DescriptorArray
    private let outputs: DescriptorArray
    private let outputGradients: DescriptorArray
    private let inputGradients: DescriptorArray

    init(of number: Int, _ network: Network, _ plan: Plan) {
        (self.number, self.network, self.plan) = (number, network, plan)
        inputs = DescriptorArray(count: plan.inputs.count)
        outputs = DescriptorArray(count: plan.outputs.count)
        outputGradients = DescriptorArray(count: plan.outputs.count)
        inputGradients = DescriptorArray(count: plan.inputs.count)
        memory = .allocate(capacity: 1)
        memory.initialize(
            to: lamina_pass(
                struct_size: UInt32(MemoryLayout<lamina_pass>.size), input_count: Int32(inputs.count),
                output_count: Int32(outputs.count), reserved: 0, inputs: inputs.base, outputs: outputs.base,
                output_gradients: outputGradients.base, input_gradients: inputGradients.base))
        raw = UnsafePointer(memory)
        bind()
    }

    deinit { memory.deallocate() }

    /// Points into the memory that the network has now.
    func bind() {
        network.bind(plan)
        func point(_ array: DescriptorArray, to tensors: [PlannedTensor?]) {
            for index in 0..<array.count {
                if index < tensors.count, let tensor = tensors[index] {
                    array.base[index] = tensor.raw.pointee
                } else {
                    array.describe(index, nil)
                }
            }
        }
        point(inputs, to: plan.inputs)
        point(outputs, to: plan.outputs)
        point(outputGradients, to: plan.outputGradients)
        point(inputGradients, to: plan.inputGradients)
    }
}
