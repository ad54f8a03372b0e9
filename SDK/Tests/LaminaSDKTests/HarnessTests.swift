import CLamina
import LaminaFormats
import LaminaSDK
import LaminaTesting
import Testing

/// Components of every kind through their C vtables.
@Suite struct HarnessTests {
    @Test func layers() throws {
        mainThreadOfCall.mark()
        let layer = try LayerHarness(.layer(ScaleLayer.self))
        let x = TensorValue([3], [1, 2, -3])
        let result = try layer.train(
            [x], parameters: ["weight": TensorValue([1], [2])], outputGradients: [TensorValue([3], [1, 1, 10])])
        #expect(result.outputs[0].floats == [2, 8, 18])
        #expect(result.inputGradients[0]?.floats == [4, 8, -120])
        #expect(result.parameterGradients[0]?.floats == [95])
        #expect(result.violations == [])
        #expect(
            try layer.predict([x], parameters: ["weight": TensorValue([1], [-1])]).outputs[0].floats == [-1, -4, -9])
        let inferred = try layer.infer([(.float32, [layer.host.symbol("N"), Dimension(3)])])
        #expect(inferred.outputs[0].dimensions == [layer.host.symbol("N"), Dimension(3)])
        #expect(inferred.parameters.map(\.initializerAttributes) == [["value": 1.0]])
        let error = #expect(throws: CallError.self) { try layer.predict([.filled(.int64, [2], 0)]) }
        #expect(error?.text == "input 0 has type int64, wanted float32")
        #expect(error?.argument == 0)
    }

    @Test func optimizers() throws {
        let optimizer = try OptimizerHarness(
            .optimizer(Momentum.self), ["rate": 1], parameters: [TensorValue([2], [1, 2]), TensorValue([0], [])])
        try optimizer.step([TensorValue([2], [1, -4]), TensorValue([0], [])], gradientScale: 0.5, clipValue: 1)
        #expect(optimizer.parameters[0].floats == [0.5, 3])
        #expect(optimizer.stateValues.map(\.doubles) == [[0.5, -1], [1], [], [1]])
        let broken = try OptimizerHarness(
            .optimizer(Momentum.self), ["fault": "writes_gradient"], parameters: [TensorValue([1], [1])])
        let error = #expect(throws: CallError.self) { try broken.step([TensorValue([1], [1])]) }
        #expect(error?.text == "step writes to gradient 0, which is read-only")
    }

    @Test func metrics() throws {
        let metric = try MetricHarness(.metric(MeanError.self))
        #expect(!metric.higherIsBetter)
        try metric.update(prediction: TensorValue([2], [1, 2]), target: TensorValue([2], [0, 4]))
        try metric.update(prediction: TensorValue([1], [3]), target: TensorValue([1], [3]))
        #expect(try metric.result() == [.value("", 1), .matrix("pair", rows: 1, columns: 2, [3, 3])])
        metric.reset()
        try metric.update(prediction: TensorValue([1], [3]), target: TensorValue([1], [1]))
        #expect(try metric.result().first == .value("", 2))
        let error = #expect(throws: CallError.self) {
            try metric.update(prediction: TensorValue([1], [3]), target: TensorValue([2], [1, 1]))
        }
        #expect(error?.text == "prediction and target differ in shape")
    }

    @Test func transforms() throws {
        let shift = try TransformHarness(.transform(Shift.self), ["by": 2])
        let batch = TensorValue([2, 1], uint8s: [3, 200])
        #expect(try shift.apply(batch) == TensorValue([2, 1], [5, 202]))
        let random = try shift.apply(batch, isTraining: true, seed: 9)
        #expect(try random == shift.apply(batch, isTraining: true, seed: 9))
        #expect(try random != shift.apply(batch, isTraining: true, seed: 10))
        let error = #expect(throws: CallError.self) { try shift.apply(TensorValue([1, 1], [1])) }
        #expect(error?.text == "the field has type float32, wanted uint8")
    }

    /// A host's array has room for 8 dimensions: more must not be written to it.
    @Test func transformsOfTooManyDimensionsAreRefused() throws {
        let spread = try TransformHarness(.transform(Spread.self))
        let error = #expect(throws: CallError.self) { try spread.infer(.uint8, [1, 1, 1, 1, 1, 1, 1]) }
        #expect(error?.text.contains("at most 8 dimensions") == true)
        #expect(try spread.infer(.uint8, [2]).shape == [2, 1, 1])
    }

    @Test func sources() throws {
        let source = try SourceHarness(.source(Counting.self), ["count": 5])
        #expect(source.description.count == 5)
        #expect(source.description.classes == ["even", "odd"])
        #expect(source.description.fingerprint == Array(repeating: 7, count: 32))
        let read = try source.read([3, 0])
        #expect(read == [TensorValue([2, 2], [3, 3, 0, 0]), TensorValue([2], int64s: [1, 0])])
        #expect(try source.read([]).map(\.shape) == [[0, 2], [0]])
        let error = #expect(throws: CallError.self) { try SourceHarness(.source(Counting.self), ["count": 13]) }
        #expect(error?.text == "'13.csv' is missing")
    }

    @Test func textsOfSources() throws {
        let source = try SourceHarness(.source(Lines.self))
        #expect(source.description.textFields == ["german", "english"])
        #expect(source.description.fields.isEmpty)
        #expect(try source.readText("english", [1, 2, 1]) == ["two", "", "two"])
        #expect(try source.readText("german", []) == [])
        let error = #expect(throws: CallError.self) { try source.readText("german", [0, 7]) }
        #expect(error?.text == "there is no line 7")
        let broken = try SourceHarness(.source(Lines.self), ["loses_one": true])
        let lost = #expect(throws: CallError.self) { try broken.readText("german", [0, 1]) }
        #expect(lost?.text == "read_text gives 1 UTF-8 texts, wanted 2")
    }

    @Test func tokenizers() throws {
        let letters = try TokenizerHarness(.tokenizer(Letters.self), on: ["ab", "", "bca"])
        #expect(String(decoding: letters.json, as: UTF8.self) == "\"abc\"")
        #expect(letters.vocabularySize == 3)
        #expect(try letters.encode("cab?") == [2, 0, 1, 0])
        #expect(try letters.encode("") == [])
        #expect(try letters.decode([2, 1]) == Array("cb".utf8))
        #expect(try letters.token(1) == "b")
        #expect((letters.id("c"), letters.id("d")) == (2, -1))
        #expect((letters.special(.unknown), letters.special(.padding)) == (0, -1))
        #expect(try TokenizerHarness(.tokenizer(Letters.self), json: letters.json).encode("b") == [1])
        let untrained = #expect(throws: CallError.self) { try TokenizerHarness(.tokenizer(Letters.self), on: [""]) }
        #expect(untrained?.text == "there is nothing to learn")
        let damaged = #expect(throws: CallError.self) { try TokenizerHarness(.tokenizer(Letters.self), json: [0x61]) }
        #expect(damaged?.text == "this is no JSON string")
        #expect(throws: CallError.self) { try letters.decode([3]) }
        let token = #expect(throws: CallError.self) { try letters.token(3) }
        #expect(token?.text == "there is no token 3: ids run from 0 to 2")
        let broken = try TokenizerHarness(.tokenizer(Letters.self), ["overshoots": true], on: ["ab"])
        let outside = #expect(throws: CallError.self) { try broken.encode("a") }
        #expect(outside?.text == "encode gives [2], the vocabulary has 2 tokens")
    }

    @Test func procedures() throws {
        let procedure = try ProcedureHarness(.procedure(Counter.self))
        #expect(procedure.definition.nodes.map(\.inputs) == [["row", ""]])
        #expect(procedure.definition.progress.map(\.text) == ["counting"])
        try procedure.start([TensorValue([1], [0])], epochs: 2)
        #expect(try !procedure.step().isFinished)
        let saved = try procedure.save()
        #expect(saved.json == "{\"epoch\": 1}" && saved.parameters[0].floats == [1])
        let resumed = try ProcedureHarness(.procedure(Counter.self))
        try resumed.restore(saved, epochs: 2)
        let last = try resumed.step()
        #expect(last.isFinished && last.epochs == 2 && resumed.parameters[0].floats == [2])
    }

    @Test(arguments: [
        ("fraction", "step tells that nan of the training is done, wanted 0 to 1"),
        ("epochs", "step tells -1 complete epochs"),
        ("items", "step tells that it went through inf items"),
    ])
    func figuresOfProcedures(fault: String, text: String) throws {
        let procedure = try ProcedureHarness(.procedure(Counter.self), ["fault": .string(fault)])
        try procedure.start([TensorValue([1], [0])])
        let error = #expect(throws: CallError.self) { try procedure.step() }
        #expect(error?.text == text)
    }

    /// Networks and data are the host's: a procedure that asks for them is refused.
    @Test func proceduresOfNetworks() {
        let error = #expect(throws: CallError.self) {
            try ProcedureHarness(.procedure(Counter.self), ["fault": "data"])
        }
        #expect(error?.status == LAMINA_ERROR_UNSUPPORTED && error?.call == "define")
    }

    @Test func statesOfProceduresAreJSON() throws {
        let procedure = try ProcedureHarness(.procedure(Counter.self), ["fault": "json"])
        try procedure.start([TensorValue([1], [0])])
        let error = #expect(throws: CallError.self) { try procedure.save() }
        #expect(error?.text.hasPrefix("save gives no JSON object") == true)
    }

    private func spelling(evaluate: TaskHarness.Evaluate? = nil) throws -> TaskHarness {
        let letters = try TokenizerHarness(.tokenizer(Letters.self), on: ["abc"])
        return TaskHarness(graph: "{}", texts: ["text": .init(letters, end: false)], evaluate: evaluate)
    }

    @Test func tasksWithTexts() throws {
        let task = try spelling { given, wanted in
            #expect(given.map(\.reference) == ["text"] && wanted == ["out"])
            return [given[0].value]
        }
        let answer = try task.run(.task(Spell.self), arguments: ["cab?"])
        #expect(answer.rows == [["ids": [2, 0, 1, 0], "back": "caba", "last": "a", "unknown": 0, "graph": "{}"]])
    }

    @Test(arguments: [
        ("row", "the plugin's attribute list is malformed"), ("input", "gave no tokenizer for the input 'none'"),
        ("id", "there is no token 7: ids run from 0 to 2"),
        ("writes", "writes to the value of 'out', which is read-only"),
        ("nothing", "nothing is wanted: name a node"),
    ])
    func faultsOfTasks(fault: String, text: String) throws {
        let task = try spelling { given, _ in [given[0].value] }
        do {
            _ = try task.run(.task(Spell.self), ["fault": .string(fault)], arguments: ["a"])
            Issue.record("\(fault) passes")
        } catch { #expect("\(error)".contains(text), "\(error)") }
    }

    @Test func initializersAndSchedules() throws {
        #expect(try fill([2, 2], with: .initializer(Fill.self), ["value": 3]).floats == [3, 3, 3, 3])
        let error = #expect(throws: CallError.self) {
            try fill([3], with: .initializer(Fill.self), ["value": 3, "forgets_last": true])
        }
        #expect(error?.text == "fill leaves element 2 of the parameter unwritten")
        #expect(try factor(of: .schedule(Halving.self), step: 25, stepsPerEpoch: 10, totalSteps: 100) == 0.25)
    }

    @Test func blocks() throws {
        let block = try expand(.block(Twice.self))
        #expect(block.nodes.map(\.name) == ["first", "second", "sum"])
        #expect(block["first"]?.attributes == ["units": 4])
        #expect(block["sum"]?.inputs == ["first", "second"])
        #expect(block["second"]?.inputs == ["first", ""])
        #expect(block.outputs == ["sum"])
        let error = #expect(throws: CallError.self) { try expand(.block(Twice.self), ["dangles": true]) }
        #expect(error?.text.hasPrefix("node 'second' has input 'third', which is no node before it") == true)
    }
}
