import Foundation
import Testing

@testable import Lamina

/// Models between training, archives and files to predict.
@Suite(.serialized) struct ModelTests {
    private let temporary: TemporaryFolder
    private var folder: String { temporary.path }

    init() throws {
        temporary = try TemporaryFolder()
    }

    private func write(_ text: String, _ name: String) throws -> String {
        try text.write(toFile: folder + name, atomically: true, encoding: .utf8)
        return folder + name
    }

    /// Points whose first coordinate says the class, "a" below zero.
    private func table(_ separator: String = ",", header: Bool = true) -> String {
        let rows = (0..<80).map { row -> String in
            let x = row % 2 == 0 ? -1.0 - Double(row) / 80 : 1.0 + Double(row) / 80
            return ["\(x)", "\(Double(row * 7 % 80) / 40 - 1)", x < 0 ? "a" : "b"].joined(separator: separator)
        }
        return ((header ? [["x", "y", "label"].joined(separator: separator)] : []) + rows).joined(separator: "\n")
            + "\n"
    }

    private func recipe(
        _ source: JSONObject, layers: [Recipe.Layer] = [.layer("core.dense", ["units": 2])], epochs: Int = 20,
        transforms: [Recipe.Transform] = []
    ) -> Recipe {
        Recipe(
            data: .init(train: .source("data.csv", source), transforms: transforms),
            model: .init(input: [2], layers: layers),
            loss: .init(.loss("core.cross_entropy")), optimizer: .init(.optimizer("core.adam", ["learning_rate": 0.1])),
            training: .init(epochs: epochs, batch: 16, seed: 1))
    }

    private func trained(_ recipe: Recipe) throws -> Model {
        let run = try TrainingRun(recipe)
        try run.start()
        try run.model.save(to: folder + "m.lamina")
        return try Model.open(folder + "m.lamina")
    }

    @Test(arguments: [
        ("x;y\n-1.5;0.3\n1.5;0.3\n", true), ("x;y;label\n-1.5;0.3;a\n1.5;0.3;b\n", true),
        ("-1.5;0.3\n1.5;0.3\n", false), ("-1.5;0.3;a\n1.5;0.3;b\n", false),
    ])
    func filesAreReadAsTheTrainingData(text: String, header: Bool) throws {
        let path = try write(table(";", header: header), "train.csv")
        let model = try trained(
            recipe([
                "path": .string(path), "separator": ";", "target": header ? "label" : .integer(-1),
                "header": .bool(header),
            ]))
        let answers = try model.predict(file: write(text, "new.csv"))
        #expect(answers.map { $0.classes[0].label } == ["a", "b"])
    }

    @Test func columnsAreThoseOfTheTrainingData() throws {
        let path = try write(table(), "train.csv")
        let model = try trained(recipe(["path": .string(path), "target": "label", "columns": ["x", "y"]]))
        let answers = try model.predict(file: write("label,y,id,x\nb,0.3,7,-1.5\nb,0.3,8,1.5\n", "new.csv"))
        #expect(answers.map { $0.classes[0].label } == ["a", "b"])
    }

    /// The recipe names no columns: those of the header count.
    @Test(arguments: [
        "y,x\n0.3,-1.5\n0.3,1.5\n", "label,y,id,x\nb,0.3,7,-1.5\nb,0.3,8,1.5\n", "-1.5,0.3\n1.5,0.3\n",
    ])
    func columnsAreFoundByTheNamesOfTheTrainingData(text: String) throws {
        let path = try write(table(), "train.csv")
        let model = try trained(recipe(["path": .string(path), "target": "label"]))
        let answers = try model.predict(file: write(text, "new.csv"))
        #expect(answers.map { $0.classes[0].label } == ["a", "b"])
    }

    @Test(arguments: [
        ("x,z\n-1.5,0.3\n", "has no column 'y'; it has 'x', 'z'"),
        ("-1.5,0.3,a\n", "has 3 columns and no line that names them, but 2 are wanted: 'x', 'y'"),
    ])
    func aFileWithoutTheColumnsIsRefused(text: String, message: String) throws {
        let path = try write(table(), "train.csv")
        let model = try trained(recipe(["path": .string(path), "target": "label"], epochs: 1))
        let file = try write(text, "new.csv")
        let error = #expect(throws: LaminaError.self) { try model.predict(file: file) }
        #expect(error?.kind == .data)
        #expect(error?.text.contains(message) == true, "\(error?.text ?? "")")
    }

    @Test func testDataMayHaveItsColumnsInAnotherOrder() throws {
        let rows = table().split(separator: "\n").map { $0.split(separator: ",") }
        let turned = rows.map { [$0[2], $0[1], $0[0]].joined(separator: ",") }.joined(separator: "\n")
        var recipe = recipe(["path": .string(try write(table(), "train.csv")), "target": "label"])
        recipe.data?.test = .source("data.csv", ["path": .string(try write(turned, "test.csv")), "target": "label"])
        recipe.metrics = [.metric("core.accuracy")]
        let run = try TrainingRun(recipe)
        try run.start()
        #expect(run.trainer.lastEvaluation?.values[0].value == 1)
        try run.model.save(to: folder + "m.lamina")
        #expect(try Model.open(folder + "m.lamina").evaluate(on: .test).values[0].value == 1)
    }

    @Test func aTransformOfTheNamedInputFieldIsApplied() throws {
        let path = try write(table(), "train.csv")
        let scale = Recipe.Component.transform("data.normalize", ["mean": [0.0, 0.0], "std": [100.0, 100.0]])
        let run = try TrainingRun(
            recipe(["path": .string(path), "target": "label"], transforms: [.init(scale, field: "input")]))
        #expect(run.model.preprocessing.steps.map(\.id) == ["data.normalize"])
    }

    /// Pixels of 0 to 255 and fractions of 1 look alike after a normalization.
    @Test func valuesOfAnotherTypeAreRefused() throws {
        let path = try write(table(), "train.csv")
        let model = try trained(recipe(["path": .string(path), "target": "label"], epochs: 1))
        model.preprocessing.rawType = .uint8
        let file = try write("x,y\n-1.5,0.3\n", "new.csv")
        let error = #expect(throws: LaminaError.self) { try model.predict(file: file) }
        #expect(
            error?.kind == .data && error?.text.contains("float32") == true && error?.text.contains("uint8") == true)
    }

    @Test func predictionsFollowTheWeights() throws {
        let path = try write(table(), "train.csv")
        let run = try TrainingRun(recipe(["path": .string(path), "target": "label"], epochs: 30))
        let file = try write("x,y\n-1.5,0.3\n", "new.csv")
        let before = try run.model.predict(file: file)[0].values
        try run.start()
        let after = try run.model.predict(file: file)[0].values
        try run.model.save(to: folder + "m.lamina")
        #expect(after != before)
        #expect(try Model.open(folder + "m.lamina").predict(file: file)[0].values == after)
    }

    /// Whole numbers stay whole, beyond what a float can hold.
    @Test func outputsOfIntegersArePredicted() throws {
        let model = try Model(
            Recipe(
                model: .init(input: [2, 2], .int64, layers: [.layer("core.flatten")])))
        let header = "{'descr': '<i8', 'fortran_order': False, 'shape': (1, 2, 2), }"
        let padded = header + String(repeating: " ", count: 117 - header.utf8.count) + "\n"
        let elements: [Int64] = [3, -4, 1 << 53 + 1, 0]
        let bytes =
            [0x93] + Array("NUMPY".utf8) + [1, 0, 118, 0] + Array(padded.utf8)
            + elements.withUnsafeBytes { Array($0) }
        try Data(bytes).write(to: URL(fileURLWithPath: folder + "x.npy"))
        let answer = try #require(try model.predict(file: folder + "x.npy").first)
        #expect(answer.output.dtype == .int64 && answer.shape == [4] && answer.classes.isEmpty)
        #expect(answer.values == elements.map { Float($0) })
        #expect(answer.output.texts == elements.map(\.description))
        #expect(answer.output.json == elements.map { .integer($0) })
    }

    @Test func theLinkStandsBehindWhatTheLossReads() throws {
        let path = try write(table(), "train.csv")
        var recipe = recipe(
            ["path": .string(path), "target": "label"],
            layers: [
                .layer("core.dense", ["units": 3], name: "hidden"),
                .layer("core.dense", ["units": 2], name: "prediction"),
            ])
        recipe.model.outputs = [
            .init("hidden", .init(.init("hidden"))), .init("prediction", .init(.init("prediction"))),
        ]
        recipe.loss?.inputs = [.init(.init("prediction"))]
        recipe.metrics = [.metric("core.accuracy")]
        let model = try trained(recipe)
        let answers = try model.predict(file: write("x,y\n-1.5,0.3\n1.5,0.3\n", "new.csv"))
        #expect(answers.map { $0.classes[0].label } == ["a", "b"])
        #expect(answers.allSatisfy { $0.values.count == 2 && abs($0.values.reduce(0, +) - 1) < 1e-5 })
        #expect(try model.evaluate(on: .train).values[0].value == 1)
    }

    @Test func heldOutSamplesAreThoseOfTheRun() throws {
        let path = try write(table(), "train.csv")
        var recipe = recipe(["path": .string(path), "target": "label"], epochs: 2)
        recipe.training.validate = 0.25
        let model = try trained(recipe)
        #expect(try model.evaluate(on: .validation).samples == 20)
        #expect(try model.evaluate(on: .train).samples == 60)
    }

    /// Three halvings leave nothing of 16 × 16.
    @Test func openDimensionsAreTried() throws {
        guard Lamina.registry.plugin("cnn") != nil else { return }
        let shape: [GraphDefinition.Size] = [.symbol("N"), .fixed(1), .symbol("H"), .symbol("W")]
        let conv = Recipe.Layer.layer("cnn.conv2d", ["filters": 2, "kernel": 5, "stride": 4])
        func model(_ convolutions: Int) throws -> Model {
            try Model(
                Recipe(
                    model: .init(
                        inputs: [.init("input", .float32, shape)], layers: Array(repeating: conv, count: convolutions)))
            )
        }
        for (convolutions, cases) in [(1, 1), (3, 1), (6, 0)] {
            try model(convolutions).save(to: folder + "open.lamina")
            #expect(try Model.open(folder + "open.lamina").selfTest() == cases, "\(convolutions) convolutions")
        }
        #expect(try model(3).plan(batch: 2).arenaBytes > 0)
    }

    @Test func tensorsThatDoNotFitAreTheDataFault() throws {
        let model = try Model(
            Recipe(
                model: .init(input: [2], layers: [.layer("core.dense", ["units": 1])]), loss: .init(.loss("core.mse"))))
        let error = #expect(throws: LaminaError.self) {
            try model.run([
                .init("input", [1, 2], [3, 4] as [Float]), .init("target", [5, 3], [Float](repeating: 0, count: 15)),
            ])
        }
        #expect(error?.kind == .data)
        let unwritable = #expect(throws: LaminaError.self) { try model.save(to: folder + "no/such/m.lamina") }
        #expect(unwritable?.kind == .data)
        let folderItself = #expect(throws: LaminaError.self) { try Model.checkWritable(folder + "no/m.lamina") }
        #expect(folderItself?.kind == .data)
    }

    /// An archive cannot hold such a name, which has to be said before training rather than after it.
    @Test func classesThatCannotBePrinted() throws {
        let path = try write("x,y,label\n-1,0.3,\"c\tat\"\n1,0.3,dog\n", "odd.csv")
        let error = #expect(throws: LaminaError.self) {
            _ = try TrainingRun(recipe(["path": .string(path), "target": "label"]))
        }
        #expect(error?.kind == .data)
        #expect(error?.description.contains(#"the name of class 'c\tat' has the control character U+9"#) == true)
    }

    /// The example that is saved with a model takes memory of its inputs' size, which no machine may have.
    @Test func enormousInputs() throws {
        func initial(_ input: [Int]) throws -> Model {
            try Model(Recipe(model: .init(input: input, layers: [.layer("core.relu")])))
        }
        try initial([3, 1 << 36]).save(to: folder + "large.lamina")
        #expect(try Model.open(folder + "large.lamina").selfTest() == 0)
        let error = #expect(throws: LaminaError.self) {
            try initial([1 << 40, 1 << 40]).save(to: folder + "endless.lamina")
        }
        #expect(error?.description.contains("no tensor may have more than 2^40 elements") == true)
    }
}
