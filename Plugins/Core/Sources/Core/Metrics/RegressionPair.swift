import LaminaSDK

/// Checks a prediction against a target of numbers: float32, one shape, save for dimensions of 1 at the end.
func requireSameNumbers(_ prediction: Tensor, _ target: Tensor) throws {
    guard prediction.dtype == .float32, target.dtype == .float32 else {
        throw PluginError.type(
            "the prediction has type \(typeName(prediction)) and the target \(typeName(target)), wanted "
                + "float32 for both"
        )
    }
    let shared = min(prediction.rank, target.rank)
    var fits = prediction.count == target.count
    for axis in 0..<shared where prediction.size(axis) != target.size(axis) { fits = false }
    guard fits else {
        throw PluginError.shape(
            "the target has shape \(target.shape), the prediction \(prediction.shape): wanted the same shape")
    }
}
