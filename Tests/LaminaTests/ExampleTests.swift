import Foundation
import Lamina
import Testing

/// The examples of the README, run. The plugins are the bundles beside the test program, as `make test` builds them.
@Suite(.serialized) struct ExampleTests {
    private let temporary: TemporaryFolder
    private var folder: String { temporary.path }

    init() throws {
        temporary = try TemporaryFolder()
        var text = "x,y,label\n"
        for index in 0..<240 {
            let angle = Double(index) * 0.7
            let radius = index % 2 == 0 ? 0.5 : 2.0
            text += "\(radius * cos(angle)),\(radius * sin(angle)),\(index % 2 == 0 ? "inner" : "outer")\n"
        }
        try text.write(toFile: folder + "rings.csv", atomically: true, encoding: .utf8)
    }

    @Test func pluginsAreThere() {
        #expect(Set(Lamina.registry.plugins.map(\.id)).isSuperset(of: ["core", "data"]), "run `make bundles` first")
    }

    @Test func trainSaveOpenPredict() throws {
        let recipe = Recipe(
            data: .init(train: .source("data.csv", ["path": .string(folder + "rings.csv"), "target": "label"])),
            model: .init(
                input: [2],
                layers: [.layer("core.dense", ["units": 16]), .layer("core.tanh"), .layer("core.dense", ["units": 2])]),
            loss: .init(.loss("core.cross_entropy")),
            optimizer: .init(.optimizer("core.adam", ["learning_rate": 0.05])),
            metrics: [.metric("core.accuracy")],
            training: .init(epochs: 30, batch: 16, seed: 1))
        let run = try TrainingRun(recipe)
        try run.start()
        try run.model.save(to: folder + "rings.lamina")

        let model = try Model.open(folder + "rings.lamina")
        #expect(model.labels == ["inner", "outer"])
        #expect(try model.selfTest() == 1)
        try "x,y\n0.1,0.4\n-1.9,0.5\n".write(toFile: folder + "new.csv", atomically: true, encoding: .utf8)
        let answers = try model.predict(file: folder + "new.csv")
        #expect(answers.map { $0.classes[0].label } == ["inner", "outer"])
        #expect(answers.allSatisfy { $0.classes[0].probability > 0.9 })
        #expect(try model.evaluate(on: .train).values.first { $0.name == "accuracy" }!.value > 0.99)
    }

    @Test func runWithGradients() throws {
        let recipe = Recipe(
            model: .init(input: [2], layers: [.layer("core.dense", ["units": 1], name: "fc")]),
            loss: .init(.loss("core.mse")))
        let model = try Model(recipe)
        let result = try model.run(
            [.init("input", [1, 2], [3, 4] as [Float]), .init("target", [1, 1], [0] as [Float])], gradients: true)
        let output = result.outputs.first { $0.name == "output" }!.floats[0]
        #expect(result.outputs.first { $0.name == "loss" }!.floats[0] == output * output)
        let gradient = result.gradients.first { $0.name == "fc.weight" }!.floats
        #expect(abs(gradient[0] - 2 * output * 3) < 1e-4 && abs(gradient[1] - 2 * output * 4) < 1e-4)
    }

    @Test func aMissingPluginIsNamed() throws {
        let model = try Model(Recipe(model: .init(input: [2], layers: [.layer("core.dense", ["units": 1])])))
        try model.save(to: folder + "dense.lamina")
        do {
            _ = try Model.open(folder + "dense.lamina", registry: Registry(folders: []))
            Issue.record("the model opened without its plugin")
        } catch {
            #expect(error.kind == .plugin)
            #expect(error.text.contains("plugin 'core'") && error.text.contains("layer core.dense version 1"))
        }
    }
}
