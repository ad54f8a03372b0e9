import LaminaSDK
import LaminaTesting
import Testing

/// checkLayer passes what is right and finds each kind of fault.
@Suite struct CheckLayerTests {
    func check(_ fault: String) -> [String] {
        mainThreadOfCall.mark()
        return checkLayer(
            .layer(ScaleLayer.self),
            cases: [
                LayerCase("image", ["fault": .string(fault)], .normal([2, 3, 4, 5])),
                LayerCase("vector", ["fault": .string(fault)], .normal([7])),
            ])
    }

    @Test func aRightLayerPasses() {
        #expect(check("none") == [])
    }

    /// Fault, and what the text about it says.
    @Test(arguments: [
        ("forward_outside", "forward writes outside of output 0: 1 bytes past its end (it has 480)"),
        ("backward_outside", "backward writes outside of the gradient of input 0: 1 bytes before its start"),
        ("workspace_outside", "forward writes outside of the workspace of forward"),
        ("scratch_outside", "forward writes outside of the scratch memory"),
        ("unwritten", "forward leaves element 60 (in memory order) of output 0 unwritten"),
        ("writes_input", "forward writes to input 0, which is read-only"),
        ("wrong_gradient", "finite differences say"),
        ("wrong_weight_gradient", "the gradient of parameter 'weight' is"),
        ("wrong_tail", "along a random direction, finite differences say"),
        ("forgets_accumulate", "with LAMINA_TENSOR_ACCUMULATE, the gradient of parameter 'weight' differs at [0]"),
        ("not_repeatable", "run again, output 0 differs"),
        ("keeps_state", "run again after another batch, output 0 differs at [0, 0, 0, 0]"),
        ("depends_on_order", "with parallel_for's chunks in another order, the gradient of parameter 'weight' differs"),
        ("depends_on_threads", "with 3 threads instead of 1, the gradient of parameter 'weight' differs"),
        ("reads_unsaved", "backward reads an input or output that plan did not save"),
        ("in_place_wrong", "in place, as plan allows, the gradient of input 0 differs"),
        ("symbolic_wrong", "output 0 has shape [N + 1, 3, 4, 5], which is [3, 3, 4, 5] for N = 2, wanted [2, 3, 4, 5]"),
        ("symbolic_refused", "with a symbolic batch, infer failed: the batch is N, wanted a fixed number"),
        ("no_text", "infer returned status 3 without calling set_error"),
        ("channels_last_wrong", "in channels-last layout, output 0 differs at [0, 0, 0, 0]"),
        ("inference_wrong", "in the inference phase, forward writes outside of output 0"),
        ("inference_gradient_wrong", "in the inference phase, the gradient of input 0 is 0.0"),
        ("flushes_denormals", "changes the floating-point state"),
        ("allocates", "forward calls malloc (1 times), wanted no call"),
        ("nan", "output 0 is nan at [0, 0, 0, 0], with finite inputs"),
        ("trusts_plan", "with one gradient of those that plan was told of, backward leaves element 0"),
        ("scratch_more", "forward asks for 65 bytes of scratch, plan said at most 64"),
        ("range_reads_more", "by ranges, output 0"),
        ("range_wrong", "by ranges, output 0 differs"),
        ("announces_less", "forward announces 119 elements of output 0, which has 120"),
        ("announces_early", "forward changes output 0 after it has announced it"),
        ("name_twice", "the name 'weight' stands for two parameters or buffers"),
    ])
    func faultsAreFound(fault: String, text: String) {
        let found = check(fault)
        #expect(found.contains { $0.contains(text) }, "\(found)")
    }

    /// A layer that computes a gradient that nobody wants, but leaves it alone, breaks no rule.
    @Test func unwantedWorkIsNoFault() {
        #expect(check("writes_unwanted") == [])
    }

    /// Optional inputs that are missing, of cases that have them and of such that do not.
    @Test(arguments: [
        ("", ""), ("infer", "missing instead of absent, infer failed: the offset has another shape"),
        ("forward", "with 1 of 2 inputs, missing instead of absent, "),
        ("backward", "backward writes to what lies behind the gradient of input 0, to an input that is missing"),
    ])
    func missingInputs(fault: String, text: String) {
        for inputs in [[CaseInput.normal([4, 3])], [.normal([4, 3]), .normal([4, 3])]] {
            let layerCase = LayerCase(["fault": .string(fault)], .normal([4, 3])).with { $0.inputs = inputs }
            let found = checkLayer(.layer(OffsetLayer.self), cases: [layerCase])
            if fault.isEmpty { #expect(found == []) }
            #expect(found.allSatisfy { $0.contains(text) } && found.isEmpty == fault.isEmpty, "\(found)")
        }
    }

    @Test func rejectionsAreChecked() {
        let right = checkLayer(.layer(ScaleLayer.self), cases: [LayerCase(rejects: "has rank 0", [:], .normal([]))])
        #expect(right == [])
        let other = checkLayer(.layer(ScaleLayer.self), cases: [LayerCase(rejects: "has rank 9", [:], .normal([]))])
        #expect(
            other == [
                "scale []: is refused with 'infer failed: input has rank 0, wanted at least 1', wanted 'has rank 9' in it"
            ])
        let accepted = checkLayer(.layer(ScaleLayer.self), cases: [LayerCase(rejects: "x", [:], .normal([2]))])
        #expect(accepted == ["scale [2]: is accepted, wanted an error with 'x'"])
    }

    @Test func unknownAttributesAreFaults() {
        let found = checkLayer(.layer(ScaleLayer.self), cases: [LayerCase(["falt": "none"], .normal([2]))])
        #expect(found == [#"scale {"falt":"none"} [2]: unknown attribute 'falt'; did you mean 'fault'?"#])
    }
}
