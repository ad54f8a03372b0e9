import LaminaHost

/// Elementwise operations that run while what they read is in the cache.
///
/// An operation that announces its output can have those called that read it element by element: an activation, an
/// addition, a normalisation with fixed statistics. They make chains: convolution, normalisation, addition, activation.
/// The bits are those of one call after the other.
extension PlanBuilder {
    /// Sets `root` of the operations that follow another one's output.
    func followProducers() {
        for index in operations.indices where operations[index].needs.announcesOutput {
            var (last, root) = (index, operations[index].root ?? index)
            // A follower that announces its output itself goes on with its own followers.
            while let next = follower(of: last, root: root) {
                operations[next].root = root
                last = next
                root = operations[next].root!
            }
        }
    }

    /// The only reader of an operation's output, if it can be called by the root.
    private func follower(of index: Int, root: Int) -> Int? {
        guard operations[index].outputs.count == 1 else { return nil }
        let value = values[operations[index].outputs[0]]
        guard !value.isGraphOutput, value.consumers.count == 1 else { return nil }
        let next = value.consumers[0].operation
        let operation = operations[next]
        guard operation.needs.allowsRanges, operation.root == nil, operation.needs.forwardWorkspace == 0,
            operation.outputs.count == 1, operation.planned?.layer.computesRanges == true,
            isAlike(values[operation.outputs[0]], value)
        else { return nil }
        // What else it reads has to be there before the root runs.
        let isReady = operation.inputs.allSatisfy { input in
            guard let input, input != operations[index].outputs[0] else { return input != nil }
            let other = values[input]
            return isAlike(other, value) && (other.producer.map { readyTime($0) < root } ?? true)
        }
        return isReady ? next : nil
    }

    /// When an operation's output is there.
    private func readyTime(_ operation: Int) -> Int { operations[operation].root ?? operation }

    private func isAlike(_ a: Value, _ b: Value) -> Bool {
        a.spec.shape == b.spec.shape && a.layout == b.layout
    }
}
