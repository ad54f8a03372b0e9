import CLamina
import LaminaFormats
import LaminaGraph
import LaminaHost
import LaminaRecipe
import LaminaSDK
import Testing

@testable import LaminaTraining

/// y = x, until the user asks to stop in the middle of a step: then it gives up, as a layer with long calls would.
private struct Patient: Layer {
    static let name = "patient"
    static let documentation = "Passes its input on, unless the user asks to stop."
    nonisolated(unsafe) static var callsUntilStop = Int.max

    init(_ attributes: Attributes) {}
    func infer(_ inference: Inference) throws { try inference.addOutput(.float32, inference.shape(0)) }
    func plan(_ planning: Planning) -> any PlannedLayer { Plan() }

    struct Plan: PlannedLayer {
        func forward(_ run: Run) throws {
            Patient.callsUntilStop -= 1
            if Patient.callsUntilStop == 0 {
                throw PluginError(LAMINA_ERROR_CANCELLED, "gave up, because the user asked to stop")
            }
            run.output(0).bytes.copyMemory(from: run.input(0).bytes, byteCount: run.input(0).count * 4)
        }
        func backward(_ run: Run) {
            let (dy, dx) = (run.outputGradient(0), run.inputGradient(0))
            if dx.isAbsent { return }
            for index in 0..<dx.count { dx.floats[index] = dy.floats[index] + (dx.accumulates ? dx.floats[index] : 0) }
        }
    }
}

private nonisolated(unsafe) let plugin = Plugin(
    id: "patience", name: "Patience", version: "1.0.0", license: "MIT", documentation: "A layer that gives up.",
    components: [.layer(Patient.self)])

extension TrainerTests {
    /// The third call falls into the middle of a step of two batches.
    @Test(arguments: [1, 4]) func aLayerThatGivesUpInterrupts(call: Int) throws {
        if registry.plugin("patience") == nil { try registry.add { _, out in Plugin.export(plugin, to: out) } }
        let points = PointsFile(samples: 128)
        let recipe = try points.recipe(
            layers: "[ core.dense: { units: 8 }, patience.patient, core.relu, core.dense: { units: 3 } ]",
            train: "epochs: 2, batch: 16, seed: 5, accumulate: 2")
        Patient.callsUntilStop = .max
        let whole = try trainer(recipe)
        _ = try whole.run(Watcher())

        let first = try trainer(recipe)
        Patient.callsUntilStop = call
        defer { Patient.callsUntilStop = .max }
        #expect(try first.run(Watcher()) == .interrupted)
        #expect(first.state.step == UInt64((call - 1) / 2) && first.state.batch == UInt64((call - 1) / 2 * 2))
        let second = try trainer(recipe)
        try copy(first, to: second)
        #expect(try second.run(Watcher()) == .finished)
        #expect(bits(second) == bits(whole))
    }
}
