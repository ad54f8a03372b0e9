import CLamina
import LaminaFormats
import LaminaSDK
import LaminaTesting
import Testing

@testable import Data

/// Two threads and chunks in random order: a batch must not depend on either.
func sharedHost() -> TestHost {
    let host = TestHost()
    host.threads = 2
    host.shufflesChunks = true
    return host
}

/// Opens a source of the plugin through its C functions.
func open(_ name: String, _ attributes: JSONObject) throws -> SourceHarness {
    try SourceHarness(DataCatalogue.sources.first { $0.name == name }!, attributes, host: sharedHost())
}

/// Why opening fails; nil when it does not.
func failure(_ name: String, _ attributes: JSONObject) -> CallError? {
    do {
        _ = try open(name, attributes)
        return nil
    } catch let error as CallError {
        return error
    } catch {
        Issue.record(error, "the attributes do not fit the schema")
        return nil
    }
}

/// Creates a transform of the plugin through its C functions.
func transform(_ name: String, _ attributes: JSONObject = [:]) throws -> TransformHarness {
    try TransformHarness(DataCatalogue.transforms.first { $0.name == name }!, attributes, host: sharedHost())
}

extension TransformHarness {
    /// Applies the transform to a batch; `shape` is that of one sample.
    func apply<Element: BitwiseCopyable>(
        _ values: [Element], _ dtype: DataType, _ shape: [Int], isTraining: Bool = false, seed: UInt64 = 1
    ) throws -> TensorValue {
        let batch = values.count / shape.reduce(1, *)
        let input = TensorValue(dtype, [batch] + shape, bytes: values.withUnsafeBytes { Array($0) })
        return try apply(input, isTraining: isTraining, seed: seed)
    }
}

/// A tokenizer of the plugin by name.
func tokenizer(_ name: String) -> Component { DataCatalogue.tokenizers.first { $0.name == name }! }
