import LaminaFormats
import LaminaSDK
import LaminaTraining

/// What an archive holds of a training run beside the model: with it the run can be resumed.
struct Checkpoint {
    /// `state/trainer.json`
    var state: JSON
    /// `state/optimizer.safetensors`
    var tensors: [(name: String, dtype: DataType, shape: [Int], data: UnsafeMutableRawPointer)]
    /// What the manifest tells people: epochs, metrics, data.
    var record: JSONObject

    init(_ trainer: Trainer) {
        state = trainer.state.json
        tensors = trainer.optimizer.states.map { ($0.name, $0.dtype, $0.shape, $0.data) }
        tensors += trainer.carried?.states.map { ($0.name, $0.dtype, $0.shape, $0.data) } ?? []
        record = ["epochs": .integer(Int64(trainer.state.epoch))]
        record["metrics"] = trainer.state.history.last?.metrics
        guard let fingerprint = trainer.trainingData.source.fingerprint else { return }
        record.append(
            "data", ["samples": .integer(Int64(trainer.trainingData.count)), "fingerprint": .string(fingerprint)])
    }

    init(_ training: ProcedureTraining) {
        state = training.state.json
        tensors = training.driver.states.map { ($0.name, $0.dtype, $0.shape, $0.data) }
        tensors += training.driver.networks?.optimizerStates ?? []
        record = ["epochs": .integer(Int64(training.state.epochs))]
        record["metrics"] = training.state.history.last?.metrics
    }
}

extension EpochRecord {
    /// nil: none is known.
    fileprivate var metrics: JSON? {
        let loss = trainLoss.isNaN ? [] : [("train_loss", JSON.number(trainLoss))]
        let known = loss + values.map { ($0.name, .number($0.value)) }
        return known.isEmpty ? nil : .object(JSONObject(known))
    }
}

extension SafetensorsFile {
    /// Where a tensor's bytes are; tensors without elements have an address, too.
    func address(of tensor: Safetensors.Tensor) -> UnsafeRawPointer {
        bytes(of: tensor).baseAddress ?? UnsafeRawPointer(bitPattern: 64)!
    }
}
