import Core
import Data
import Foundation
import LaminaFormats
import LaminaGraph
import LaminaHost
import LaminaRecipe
import LaminaSDK

@testable import LaminaTraining

#if canImport(CNN)
    import CNN
#endif
#if canImport(RNN)
    import RNN
#endif

/// The plugins linked into these tests.
let registry: Registry = {
    let registry = Registry(folders: [])
    try! registry.add { _, out in Plugin.export(CoreCatalogue.plugin, to: out) }
    try! registry.add { _, out in Plugin.export(DataCatalogue.plugin, to: out) }
    #if canImport(CNN)
        try! registry.add { _, out in Plugin.export(CNNCatalogue.plugin, to: out) }
    #endif
    #if canImport(RNN)
        try! registry.add { _, out in Plugin.export(RNNCatalogue.plugin, to: out) }
    #endif
    return registry
}()

/// A small classification problem as a CSV file: points in 8 dimensions, 3 classes, removed with the object.
final class PointsFile {
    let path: String

    init(samples: Int, seed: UInt64 = 1) {
        path = NSTemporaryDirectory() + "lamina-points-\(UUID().uuidString).csv"
        var state = seed &* 0x9e37_79b9_7f4a_7c15 | 1
        func next() -> Double {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Double(state >> 40) / Double(1 << 24) * 2 - 1
        }
        var text = "a,b,c,d,e,f,g,h,label\n"
        for sample in 0..<samples {
            let label = sample % 3
            let values = (0..<8).map { axis in next() + (axis % 3 == label ? 1.5 : 0) }
            text += values.map { "\($0)" }.joined(separator: ",") + ",c\(label)\n"
        }
        try! text.write(toFile: path, atomically: true, encoding: .utf8)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// A recipe on the points, with what is given in place of the defaults.
    func recipe(
        layers: String = "[ core.dense: { units: 16 }, core.relu, core.dense: { units: 3 } ]",
        optimizer: String = "core.adam: { learning_rate: 0.01 }", train: String = "epochs: 3, batch: 16, seed: 5",
        metrics: String = "core.accuracy"
    ) throws -> Recipe {
        let text = """
            lamina: 1
            data:
              train: { reader: data.csv, path: "\(path)", target: label }
            model:
              input: [8]
              layers: \(layers)
            loss: core.cross_entropy
            optimizer: { \(optimizer) }
            metrics: [ \(metrics) ]
            train: { \(train) }
            """
        return try Recipe.parse(text, file: "points.yaml", registry: registry)
    }
}

/// A trainer with initial weights.
func trainer(_ recipe: Recipe) throws -> Trainer {
    let graph = try Graph(try recipe.graph(registry), registry: registry)
    let parameters = try ParameterStore(graph)
    try parameters.initialize(seed: recipe.training.seed)
    return try Trainer(recipe, Network(graph, parameters))
}

/// Every bit of the parameters and buffers.
func bits(_ trainer: Trainer) -> [UInt8] {
    trainer.network.parameters.entries.flatMap { entry in
        UnsafeRawBufferPointer(start: entry.data, count: entry.shape.reduce(entry.dtype.size, *))
    }
}

/// What a new process would have after reading the checkpoint of another one.
func copy(_ first: Trainer, to second: Trainer) throws {
    try second.network.parameters.load(
        first.network.parameters.entries.map { ($0.name, $0.dtype, $0.shape, UnsafeRawPointer($0.data)) })
    for (to, from) in zip(second.optimizer.states, first.optimizer.states) {
        to.data.copyMemory(from: from.data, byteCount: from.shape.reduce(from.dtype.size, *))
    }
    // Through the JSON that archives hold.
    try second.resume(TrainerState(json: JSON.parse(first.state.json.text())))
}

/// Watches nothing, or stops after some steps.
final class Watcher: TrainingObserver {
    var stopAfter: Int?
    private(set) var steps = 0
    private(set) var records: [EpochRecord] = []

    init(stopAfter: Int? = nil) { self.stopAfter = stopAfter }

    func trainingStarts(_ trainer: Trainer) {}
    func stepEnded(_ progress: TrainingProgress) {
        steps += 1
        if steps == stopAfter { Runtime.shared.isCancelled = true }
    }
    func evaluating(_ done: Int, _ total: Int) {}
    func tested(_ result: Evaluator.Result) {}
    func epochEnded(_ record: EpochRecord, _ evaluation: Evaluator.Result?, isCheckpointDue: Bool, _ trainer: Trainer) {
        records.append(record)
    }
}
