import CLamina
import LaminaSDK

/// The rules about memory: what a layer may not read or write, and what it must.
extension LayerSession {
    func setReadOnly(_ tensors: TensorArray, except writable: Set<Int> = []) {
        for index in 0..<tensors.count {
            tensors.setFlag(LAMINA_TENSOR_READ_ONLY, !writable.contains(index), for: index)
        }
    }

    func snapshot(_ tensors: TensorArray, except left: Set<Int> = []) -> [(GuardedMemory, [UInt8])] {
        (0..<tensors.count).compactMap { index in
            left.contains(index) ? nil : tensors.memory[index].map { ($0, $0.contents) }
        }
    }

    func check(_ watched: [(GuardedMemory, [UInt8])], _ call: String, _ result: inout LayerResult) {
        for (memory, contents) in watched where !memory.holds(contents) {
            result.violations.append("\(call) writes to \(memory.name), which is read-only")
        }
    }

    func checkMemory(_ call: String, _ result: inout LayerResult) {
        let tensors = [inputs, outputs, parameters, buffers, outputGradients, inputGradients, parameterGradients]
        let blocks =
            tensors.flatMap { $0.memory.compactMap { $0 } } + saved
            + [workspaces.forward, workspaces.backward, persistent].compactMap { $0 }
        result.violations += blocks.compactMap(\.damage).map { "\(call) \($0)" }
        for memory in [inputs, inputGradients].compactMap(\.strange) where !memory.isPoison {
            result.violations.append("\(call) writes to \(memory.name), to an input that is missing")
        }
    }

    func checkWritten(_ tensors: TensorArray, _ call: String, _ result: inout LayerResult) {
        for index in 0..<tensors.count {
            guard let form = tensors.forms[index], let memory = tensors.memory[index],
                let element = memory.firstPoisoned(elementSize: form.dtype.size)
            else { continue }
            result.violations.append(
                "\(call) leaves element \(element) (in memory order) of \(tensors.names[index]) unwritten, or computes it"
                    + " from memory that was never written")
        }
    }

    /// Takes away the inputs and outputs that were not saved; returns the memory of those that were.
    func hideUnsaved() -> [GuardedMemory] {
        let kept =
            needs.savedInputs.compactMap { inputs.memory[$0] } + needs.savedOutputs.compactMap { outputs.memory[$0] }
        guard options.unsaved != .values else { return kept }
        for (tensors, saved) in [(inputs, needs.savedInputs), (outputs, needs.savedOutputs)] {
            for index in 0..<tensors.count where !saved.contains(index) {
                guard let memory = tensors.memory[index] else { continue }
                if !kept.contains(where: { $0 === memory }) {
                    memory.poison()
                    if options.unsaved == .null { tensors.raw[index].data = nil }
                } else {
                    tensors.raw[index].data = nil
                }
            }
        }
        return kept
    }

    func restoreUnsaved() {
        for tensors in [inputs, outputs] {
            for index in 0..<tensors.count { tensors.raw[index].data = tensors.memory[index]?.bytes }
        }
    }
}
