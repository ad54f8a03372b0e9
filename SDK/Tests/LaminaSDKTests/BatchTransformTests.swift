import LaminaFormats
import LaminaSDK
import LaminaTesting
import Testing

/// Batch transforms through their C table: what they see, what they change, what is found of their faults.
struct BatchTransformTests {
    /// Adds the model's mean of an input to it, and the step to the target.
    private final class Shift: BatchTransform {
        static let name = "shift"
        static let documentation = "Adds what the model says."
        static let attributes: [AttributeSchema] = [.string("fault", default: "", "What it does wrong.")]
        private let fault: String

        init(_ attributes: Attributes) { fault = attributes.string("fault") }

        func apply(_ batch: TrainingBatch, host: Host) throws {
            let input = batch.input("x")!
            if fault == "beyond" { input.floats[input.count] = 1 }
            if fault == "throws" { throw PluginError.data("the batch has no labels") }
            let mean = try batch.model.evaluate(["mean"], given: [("x", input)])[0].floats[0]
            for index in 0..<input.count { input.floats[index] += mean }
            if let target = batch.target { target.int64s[0] += Int64(batch.step) }
            if batch.inputs.count > 1 {
                host.uniform(batch.random, into: batch.inputs[1].tensor.floats, count: batch.inputs[1].tensor.count)
            }
        }
    }

    private func harness(_ attributes: JSONObject = [:]) throws -> BatchTransformHarness {
        let model = TaskHarness { given, wanted in
            #expect(wanted == ["mean"])
            let values = given[0].value.floats
            return [TensorValue([1], [values.reduce(0, +) / Float(values.count)])]
        }
        return try BatchTransformHarness(.batchTransform(Shift.self), attributes, model: model)
    }

    private let x = TensorValue([2, 2], [1, 2, 3, 6])

    @Test func changesInputsAndTarget() throws {
        let noise = TensorValue([3], [0, 0, 0])
        let target = TensorValue(.int64, [1], bytes: [5, 0, 0, 0, 0, 0, 0, 0])
        let (inputs, changed) = try harness().apply(
            inputs: [("x", x), ("noise", noise)], target: target, step: 7, seed: 3)
        #expect(inputs[0].floats == [4, 5, 6, 9])
        #expect(changed?.bytes.first == 12)
        #expect(inputs[1].floats.allSatisfy { $0 >= 0 && $0 < 1 } && Set(inputs[1].floats).count == 3)
        let again = try harness().apply(inputs: [("x", x), ("noise", noise)], target: target, step: 7, seed: 3)
        #expect(again.inputs[1].floats == inputs[1].floats)
        #expect(try harness().apply(inputs: [("x", x)]).target == nil)
    }

    @Test(arguments: [("throws", "the batch has no labels"), ("beyond", "the input 'x'")])
    func faultsAreFound(fault: String, text: String) throws {
        do {
            _ = try harness(["fault": .string(fault)]).apply(inputs: [("x", x)])
            Issue.record("\(fault) passes")
        } catch { #expect("\(error)".contains(text), "\(error)") }
    }
}
